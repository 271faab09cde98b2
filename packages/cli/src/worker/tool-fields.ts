/** Messages about functions of the client that the tasks of a run may call. */
import { isToolName } from "@capsule-run/protocol";
import { type Field, type Fields, ID, isRecord, isText, SWITCH } from "./fields.ts";
import { WORKER_LIMITS } from "./limits.ts";

/** The answer to a `tool_call`. */
export interface ToolResultMessage {
  readonly type: "tool_result";
  /** Of the run. */
  readonly id: string;
  readonly call: string;
  readonly ok: boolean;
  /** In place of `result`, which the client sends: the same as JSON text; null: it is nested too deep, or `ok` is false. */
  readonly resultJson: string | null;
  readonly error?: { readonly type: string; readonly message: string };
}

const isNull = (value: unknown): boolean => value === undefined || value === null;
const MAY_HAVE = ["description", "parameters", "input", "output"];

/** Looks at the shape alone: what schemas say is looked at when the run begins. */
const isTool = (value: unknown): boolean =>
  isRecord(value) &&
  Object.keys(value).every((name) => name === "name" || MAY_HAVE.includes(name)) &&
  isText(value.name) &&
  isToolName(value.name) &&
  (isNull(value.description) || isText(value.description)) &&
  (isNull(value.parameters) || (Array.isArray(value.parameters) && value.parameters.every(isText))) &&
  [value.input, value.output].every(
    (schema) => isNull(schema) || typeof schema === "boolean" || isRecord(schema),
  );

export const TOOLS: Field = {
  rule: (value) =>
    Array.isArray(value) && value.length <= WORKER_LIMITS.tools && value.every((tool) => isTool(tool)),
  allowed: `an array of at most ${WORKER_LIMITS.tools} objects with a name, which may have ${MAY_HAVE.join(", ")}`,
};

export const TOOL_RESULT_FIELDS: Fields = {
  id: ID,
  call: ID,
  ok: { ...SWITCH, required: true },
  result: { rule: () => true, allowed: "any JSON" },
  error: {
    rule: (value) => isRecord(value) && isText(value.type) && isText(value.message),
    allowed: "an object of two strings, type and message",
  },
};
