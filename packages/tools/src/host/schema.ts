import type { JsonSchema, StandardIssue, StandardSchema } from "../declare/index.ts";
import type { Problem } from "./problem.ts";

export type Checked =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** What looks at values by a schema. */
export interface Validator {
  /** Whether the schema is a library's: it may transform values, takes them as they are, and words its own messages. */
  readonly standard: boolean;
  /** @throws whatever a library's own functions throw */
  check(value: unknown): Checked | Promise<Checked>;
}

const isStandard = (schema: StandardSchema | JsonSchema): schema is StandardSchema =>
  typeof schema !== "boolean" && schema["~standard"] !== undefined;

/**
 * A schema as a function. What JSON Schemas take is loaded when the first is seen.
 * @param what whose it is, for the message
 * @throws UsageError `tool` for what is no JSON Schema
 */
export async function openSchema(
  what: string,
  schema: StandardSchema | JsonSchema | undefined,
): Promise<Validator | null> {
  if (schema === undefined || schema === true) return null;
  if (isStandard(schema)) return standardValidator(schema);
  const { compileJsonSchema } = await import("@capsule-run/tools/json-schema");
  const check = compileJsonSchema(what, schema);
  return {
    standard: false,
    check(value) {
      const problems = check(value);
      return problems === null ? { ok: true, value } : { ok: false, problems };
    },
  };
}

function standardValidator(schema: StandardSchema): Validator {
  return {
    standard: true,
    async check(value) {
      const result = await schema["~standard"].validate(value);
      if (result.issues) return { ok: false, problems: result.issues.map(problemOf) };
      return { ok: true, value: result.value };
    },
  };
}

const problemOf = ({ message, path = [] }: StandardIssue): Problem => ({
  path: path.map((part) => (typeof part === "object" ? part.key : part)),
  text: `is wrong: ${message}`,
});
