/** What `task(options, fn)` checks, the same in a sandbox and in plain Node. */
import { type DeclaredPolicy, parseTaskOptions, TASK_OPTIONS } from "@capsule-run/protocol";
import {
  AsyncGeneratorPrototype,
  AsyncPrototype,
  defineHidden,
  GeneratorPrototype,
  getPrototypeOf,
  hasOwn,
  isArray,
  quote,
  SafeTypeError,
  slice,
  stringify,
  toText,
} from "./primordials.ts";

export type TaskFunction = (...args: readonly unknown[]) => unknown;

export interface Definition {
  readonly name: string;
  readonly policy: DeclaredPolicy;
  readonly async: boolean;
  readonly fn: TaskFunction;
}

/**
 * Reads the two arguments of `task`.
 * @throws TypeError named `TaskOptionError`: which task, which option, what was given and what is allowed
 */
export function defineTask(options: unknown, fn: unknown): Definition {
  if (typeof options === "function")
    throw misuse(
      typeof fn === "object" && fn !== null
        ? 'task: the options come first, then the function: task({ name: "main" }, fn)'
        : 'task: the options are missing; write task({ name: "main" }, fn)',
    );
  const parsed = parseTaskOptions(options);
  if (!parsed.ok) throw misuse(optionMessage(options, parsed));
  const { name, policy } = parsed;
  if (typeof fn !== "function")
    throw misuse(
      `task ${quote(name)}: the second argument is ${show(fn)}; allowed: a function or an async function`,
    );
  const kind: unknown = getPrototypeOf(fn);
  if (kind === GeneratorPrototype || kind === AsyncGeneratorPrototype)
    throw misuse(
      `task ${quote(name)}: fn is ${kind === GeneratorPrototype ? "a generator" : "an async generator"} function, ` +
        "but a task gives one result; allowed: a function or an async function that returns an array of the values",
    );
  return { name, policy, async: kind === AsyncPrototype, fn: fn as TaskFunction };
}

/** The names of errors that say a task was defined wrongly: the host tells them from the program's own. */
const TASK_OPTION_ERROR = "TaskOptionError";
export const DUPLICATE_TASK_ERROR = "DuplicateTaskError";

/** A TypeError under a name of its own. */
export function misuse(message: string, name = TASK_OPTION_ERROR): TypeError {
  const error = new SafeTypeError(message);
  defineHidden(error, "name", name);
  return error;
}

function optionMessage(
  options: unknown,
  { option, value, allowed }: { option: string; value: unknown; allowed: string },
): string {
  if (option === "options") return `task: options is ${show(value)}; allowed: ${allowed}`;
  const name = (options as { name?: unknown }).name;
  const who = typeof name === "string" && option !== "name" ? `task ${quote(slice(name, 0, 200))}` : "task";
  if (option !== "name" && !hasOwn(TASK_OPTIONS, option))
    return `${who}: there is no option ${quote(slice(option, 0, 60))}; allowed: ${allowed}`;
  return `${who}: ${option} is ${show(value)}; allowed: ${allowed}`;
}

/** A value as a message names it: short, and never running the value's own code except its `toJSON` and getters. */
export function show(value: unknown): string {
  const most = 80;
  const cut = (text: string): string => (text.length <= most ? text : `${slice(text, 0, most)}…`);
  switch (typeof value) {
    case "string":
      return quote(cut(value));
    case "bigint":
      return `${cut(toText(value))}n`;
    case "function":
      return "a function";
    case "symbol":
      return "a symbol";
    case "object":
      break;
    default:
      return toText(value);
  }
  if (value === null) return "null";
  try {
    return cut(stringify(value) ?? "an object");
  } catch {
    return isArraySafely(value) ? "an array" : "an object";
  }
}

/** `Array.isArray`, which throws for a revoked proxy. */
export function isArraySafely(value: unknown): value is readonly unknown[] {
  try {
    return isArray(value);
  } catch {
    return false;
  }
}
