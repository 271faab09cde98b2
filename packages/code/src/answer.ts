import { LIMITS } from "@capsule-run/protocol";
import type { RichOutput } from "./api.ts";

/** What the program inside says of a piece of code. */
export interface Answer {
  /** Whether there is a value. */
  readonly has: boolean;
  /** The value as JSON text; null: it is none, or too large. */
  readonly value: string | null;
  readonly text: string | null;
  /** Whether `text` was cut. */
  readonly long: boolean;
  readonly outputs: readonly RichOutput[];
  /** How many outputs were too many or too large. */
  readonly dropped: number;
  readonly error: { readonly name: string; readonly message: string; readonly traceback: string } | null;
}

/** What it is told of them. */
export const GUEST_LIMITS = {
  outputs: LIMITS.richOutputs,
  outputBytes: LIMITS.richOutputBytes,
  valueCharacters: LIMITS.valueCharacters,
  valueBytes: LIMITS.valueBytes,
};

const isText = (value: unknown, most: number): value is string =>
  typeof value === "string" && value.length <= most;

/** Marks of what was left out, and a little. */
const SLACK = 200;

/** Characters of a name, a message, a traceback. */
const MOST = { name: 400, message: 17 * 1024, trace: 65 * 1024 };

/**
 * Reads an answer. The code may have changed the program that made it, so it is looked at as anything that a guest says.
 * Null: it is none.
 */
export function readAnswer(json: string): Answer | null {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const given = value as Readonly<Record<keyof Answer, unknown>>;
  const outputs = readOutputs(given.outputs);
  const error = given.error === null ? null : readError(given.error);
  const isWhole =
    typeof given.has === "boolean" &&
    (given.value === null || isText(given.value, LIMITS.valueBytes)) &&
    (given.text === null || isText(given.text, LIMITS.valueCharacters + SLACK)) &&
    typeof given.long === "boolean" &&
    Number.isSafeInteger(given.dropped);
  if (!isWhole || outputs === null || error === undefined) return null;
  return { ...(given as unknown as Answer), outputs, error };
}

function readOutputs(value: unknown): RichOutput[] | null {
  if (!Array.isArray(value) || value.length > LIMITS.richOutputs) return null;
  let bytes = 0;
  const outputs: RichOutput[] = [];
  for (const each of value) {
    const { type, data } = (each ?? {}) as Record<string, unknown>;
    if (!isText(type, 200) || !isText(data, LIMITS.richOutputBytes)) return null;
    bytes += data.length;
    outputs.push({ type, data });
  }
  return bytes <= LIMITS.richOutputBytes ? outputs : null;
}

/** Undefined: it is none. */
function readError(value: unknown): Answer["error"] | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { name, message, traceback } = value as Record<string, unknown>;
  if (!isText(name, MOST.name) || !isText(message, MOST.message) || !isText(traceback, MOST.trace))
    return undefined;
  return { name, message, traceback };
}
