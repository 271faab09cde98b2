/**
 * JSON Schemas as functions, by ajv. A schema is the host author's, not a program's: ajv makes code of it, and a `pattern`
 * that takes exponential time does so here, too.
 */
import { cutText, nearest, UsageError } from "@capsule-run/protocol";
import { Ajv, type ErrorObject, type Options, type ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import { type Problem, place } from "./problem.ts";

/** Gives what is wrong with a value; null: nothing is. */
export type JsonCheck = (value: unknown) => readonly Problem[] | null;

/** Compiled schemas that are kept, by their text, and the length of the longest. */
const MOST_KEPT = 500;
const LONGEST_KEPT = 64 * 1024;

const OPTIONS: Options = {
  // Unknown keywords and formats are notes, as the specification has it.
  strict: false,
  validateFormats: false,
  logger: false,
  // Errors bring the schema they are of.
  verbose: true,
  // `required: ["toString"]` is about what the value itself has.
  ownProperties: true,
  // Two schemas may have the same `$id`.
  addUsedSchema: false,
};

type Compiler = Pick<Ajv, "compile" | "errors" | "removeSchema" | "validateSchema">;

/** ajv compares each item with each other one: minutes, for arguments that any program can give. */
function withQuickKeywords<A extends Ajv>(ajv: A): A {
  ajv.removeKeyword("uniqueItems");
  ajv.addKeyword({
    keyword: "uniqueItems",
    type: "array",
    schemaType: "boolean",
    compile: (wanted: boolean) => (items: readonly unknown[]) => !wanted || areDifferent(items),
    error: { message: "must not have two items that are equal" },
  });
  return ajv;
}

const areDifferent = (items: readonly unknown[]): boolean =>
  items.length < 2 || new Set(items.map(canonical)).size === items.length;

/** The same text for values that are equal. */
function canonical(value: unknown): string {
  if (typeof value === "number") return String(value);
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  const fields = Object.keys(value).sort();
  return `{${fields.map((key) => `${JSON.stringify(key)}:${canonical((value as { readonly [key: string]: unknown })[key])}`).join()}}`;
}
let latest: Compiler | undefined;
let draft7: Compiler | undefined;

/** The compiler for what `$schema` says. */
function compilerFor(schema: unknown): Compiler {
  const draft: unknown = typeof schema === "object" ? (schema as { $schema?: unknown }).$schema : undefined;
  if (
    draft === undefined ||
    (typeof draft === "string" && /^https?:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/.test(draft))
  ) {
    latest ??= withQuickKeywords(new Ajv2020(OPTIONS));
    return latest;
  }
  if (typeof draft === "string" && /^https?:\/\/json-schema\.org\/draft-07\/schema#?$/.test(draft)) {
    draft7 ??= withQuickKeywords(new Ajv(OPTIONS));
    return draft7;
  }
  throw new Error(
    `$schema is ${cutText(String(JSON.stringify(draft)), 100)}; allowed: those of 2020-12 and draft-07`,
  );
}

const kept = new Map<string, JsonCheck>();

/**
 * Compiles a schema, or finds it: what was compiled is kept by its text.
 * @param what whose it is, for the message
 * @throws UsageError `tool` for what is no JSON Schema
 */
export function compileJsonSchema(what: string, schema: unknown): JsonCheck {
  try {
    const text = JSON.stringify(schema);
    const known = kept.get(text);
    if (known) return known;
    const made = compile(JSON.parse(text));
    if (text.length > LONGEST_KEPT) return made;
    if (kept.size >= MOST_KEPT) kept.delete(kept.keys().next().value as string);
    kept.set(text, made);
    return made;
  } catch (error) {
    throw new UsageError("tool", `${what} is no JSON Schema: ${cutText((error as Error).message, 300)}`, {
      cause: error,
    });
  }
}

function compile(schema: boolean | object): JsonCheck {
  const compiler = compilerFor(schema);
  if (compiler.validateSchema(schema) !== true) {
    const [problem] = problemsOf(compiler.errors ?? []);
    if (problem) throw new Error(`${place("it", problem.path)} ${problem.text}`);
  }
  const validate = compiler.compile(schema) as ValidateFunction;
  compiler.removeSchema(schema);
  if ("$async" in validate) throw new Error("it is asynchronous");
  return (value) => (validate(value) ? null : problemsOf(validate.errors ?? []));
}

/** The errors of ajv, of which the last is the one that decides. */
function problemsOf(errors: readonly ErrorObject[]): readonly Problem[] {
  const last = errors.at(-1);
  if (!last) return [{ path: [], text: "is not allowed" }];
  const path = pathOf(last.instancePath);
  if (last.keyword !== "anyOf" && last.keyword !== "oneOf") return [{ path, text: textOf(last) }];
  const choices = errors.slice(0, -1).map((error) => {
    const inside = pathOf(error.instancePath).slice(path.length);
    return inside.length === 0 ? textOf(error) : `${place("", inside).replace(/^\./, "")} ${textOf(error)}`;
  });
  if (choices.length === 0) return [{ path, text: String(last.message) }];
  return [{ path, text: [...new Set(choices)].slice(0, 4).join(", or ") }];
}

const pathOf = (pointer: string): readonly string[] =>
  pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));

const LIST_CHARACTERS = 300;
const list = (values: readonly unknown[]): string =>
  cutText(values.map((value) => JSON.stringify(value)).join(", "), LIST_CHARACTERS);

const TYPES: Readonly<Record<string, string>> = {
  array: "an array",
  object: "an object",
  integer: "an integer",
  number: "a number",
  string: "a string",
  boolean: "true or false",
  null: "null",
};

/** What is allowed, said of the place that the error is about. */
function textOf({ keyword, params, message, parentSchema, schema }: ErrorObject): string {
  const about = params as Readonly<Record<string, unknown>>;
  switch (keyword) {
    case "type":
      return `must be ${[about.type]
        .flat()
        .map((type) => TYPES[String(type)] ?? String(type))
        .join(" or ")}`;
    case "enum":
      return `must be one of ${list(about.allowedValues as readonly unknown[])}`;
    case "const":
      return `must be ${list([about.allowedValue])}`;
    case "required":
      return `needs ${list([about.missingProperty])}`;
    case "additionalProperties":
    case "unevaluatedProperties": {
      const names = Object.keys((parentSchema?.properties ?? {}) as object);
      const name = String(about.additionalProperty ?? about.unevaluatedProperty);
      const near = nearest(name, names);
      const advice = near
        ? `; did you mean ${list([near])}?`
        : names.length > 0
          ? `; there are ${list(names)}`
          : "";
      return `must not have ${list([cutText(name, 60)])}${advice}`;
    }
    case "false schema":
      return schema === false ? "must not be there" : "is not allowed";
    default:
      return cutText(message ?? `does not keep to ${keyword}`, LIST_CHARACTERS).replace(
        "must NOT",
        "must not",
      );
  }
}
