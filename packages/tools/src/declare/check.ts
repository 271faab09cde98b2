import {
  isObject,
  isToolName,
  type OptionCheck,
  parseTimeout,
  shown,
  UsageError,
  wrongOption,
} from "@capsule-run/protocol";
import type { Tool, Tools } from "./tool-types.ts";

/** Tools of one run. */
const MOST_TOOLS = 1000;

/** Names that arguments may be given by in both languages. */
const isParameter = (name: unknown): boolean =>
  typeof name === "string" && /^[A-Za-z_]\w{0,99}$/.test(name) && name !== "__proto__";

const SCHEMA: OptionCheck = [
  "a Standard Schema (zod 4, valibot, …) or a JSON Schema",
  (value) =>
    typeof value === "boolean" ||
    // Some libraries' schemas are functions.
    ((isObject(value) || typeof value === "function") && standardOrPlain(value)),
];

const FIELDS: Readonly<Record<keyof Tool, OptionCheck>> = {
  handler: ["a function", (value) => typeof value === "function"],
  description: ["a text", (value) => typeof value === "string"],
  input: SCHEMA,
  output: SCHEMA,
  parameters: [
    'a list of different names such as ["q", "limit"]',
    (value) => Array.isArray(value) && value.every(isParameter) && new Set(value).size === value.length,
  ],
  timeout: ['a time such as "30s", or milliseconds', (value) => parseTimeout(value).ok],
};

function standardOrPlain(value: object): boolean {
  const standard: unknown = (value as { readonly "~standard"?: unknown })["~standard"];
  if (standard === undefined) return typeof value !== "function";
  const { version, validate } = (standard ?? {}) as {
    readonly version?: unknown;
    readonly validate?: unknown;
  };
  return version === 1 && typeof validate === "function";
}

/**
 * Looks at a tool's definition.
 * @throws UsageError `tool`
 */
export function checkTool(what: string, definition: unknown): asserts definition is Tool {
  const wrong = (text: string): UsageError => new UsageError("tool", `${what}: ${text}`);
  if (!isObject(definition))
    throw wrong(`it is ${shown(definition)}; allowed: a function, or what tool() makes`);
  const found = wrongOption(definition, FIELDS);
  if (found !== null) throw wrong(found);
  if (definition.handler === undefined) throw wrong("handler is undefined; allowed: a function");
}

/**
 * Looks at the tools of a run.
 * @throws UsageError `tool`
 */
export function checkTools(what: string, tools: unknown): asserts tools is Tools {
  if (!isObject(tools))
    throw new UsageError(
      "tool",
      `${what}: tools is ${shown(tools)}; allowed: an object of functions and tools`,
    );
  const entries = Object.entries(tools);
  if (entries.length > MOST_TOOLS)
    throw new UsageError("tool", `${what}: ${entries.length} tools; allowed: at most ${MOST_TOOLS}`);
  for (const [name, tool] of entries) {
    if (!isToolName(name))
      throw new UsageError("tool", `${what}: a tool can't be called ${shown(name)}; allowed: ${NAMES}`);
    if (typeof tool !== "function") checkTool(`the tool "${name}"`, tool);
  }
}

/** What names of tools are made of, in words. */
const NAMES =
  "1 to 64 letters, digits, underscores and dashes, a letter or underscore first, and nothing that languages call themselves, such as then or __len__";
