/** Checks of what programs in JavaScript may get wrong: what the types of `runner-types.ts` say. */
import { argumentsJson } from "@capsule-run/guest-javascript/plain";
import { nearest, UsageError } from "@capsule-run/protocol";

/** What a value must be, in words, and whether it is. */
export type Check = readonly [allowed: string, fits: (value: unknown) => boolean];

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const PATH: Check = [
  "a path",
  (value) => typeof value === "string" && value !== "" && !value.includes("\0"),
];
export const FUNCTION: Check = ["a function", (value) => typeof value === "function"];
export const SIGNAL: Check = ["an AbortSignal", (value) => value instanceof AbortSignal];

/** What is in it is looked at where it is made use of. */
export const TOOLS: Check = ["an object of functions and tools", isObject];

const RUNTIME: Readonly<Record<string, Check>> = {
  cwd: PATH,
  concurrency: ["an integer of 1 or more", (value) => Number.isSafeInteger(value) && (value as number) >= 1],
  cacheDir: PATH,
  capsulePath: PATH,
  onWarning: FUNCTION,
};

const RUN: Readonly<Record<string, Check>> = {
  file: PATH,
  args: ["a list of JSON values", Array.isArray],
  mounts: [
    'a list of texts such as "data:ro"',
    (value) => Array.isArray(value) && value.every((each) => typeof each === "string"),
  ],
  cwd: PATH,
  env: [
    "an object of texts",
    (value) =>
      isObject(value) && Object.values(value).every((each) => each === undefined || typeof each === "string"),
  ],
  policy: ["an object such as { max_tasks: 100 }", isObject],
  sealed: ["true or false", (value) => typeof value === "boolean"],
  signal: SIGNAL,
  runId: [
    "1 to 64 letters, digits, dots, underscores and dashes, a letter or digit first",
    (value) => typeof value === "string" && /^[A-Za-z0-9][\w.-]{0,63}$/.test(value),
  ],
  tools: TOOLS,
  gate: FUNCTION,
  onOutput: FUNCTION,
  onEvent: FUNCTION,
};

/** A value in a message: short, and never what it says about itself. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (value === null || typeof value !== "object")
    return typeof value === "function" ? "a function" : String(value);
  return Array.isArray(value) ? "a list" : "an object";
}

/**
 * Looks at options one by one; `undefined` is as if it were not there.
 * @param what the function they are given to, for messages
 * @throws UsageError `run-option`
 */
export function check(what: string, options: unknown, checks: Readonly<Record<string, Check>>): void {
  if (!isObject(options))
    throw new UsageError("run-option", `${what}: the options are ${shown(options)}; allowed: an object`);
  for (const [name, value] of Object.entries(options)) {
    const known = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (!known) {
      const names = Object.keys(checks);
      const near = nearest(name, names);
      const advice = near ? `did you mean "${near}"?` : `there are ${names.join(", ")}`;
      throw new UsageError("run-option", `${what}: there is no option "${name}"; ${advice}`);
    }
    const [allowed, fits] = known;
    if (value !== undefined && !fits(value))
      throw new UsageError("run-option", `${what}: ${name} is ${shown(value)}; allowed: ${allowed}`);
  }
}

/** @throws UsageError `run-option` */
export const checkRuntimeOptions = (options: unknown): void => check("createRuntime", options, RUNTIME);

/**
 * Looks at the options of one run.
 * @param shared whether it may say where the command line is
 * @returns the arguments as JSON text, without those at the end that are `undefined`
 * @throws UsageError `run-option`; or what a getter or `toJSON` of an argument throws
 */
export function checkRunOptions(options: unknown, shared: boolean): string {
  check("run", options, shared ? { ...RUN, capsulePath: PATH } : RUN);
  const { file, args = [] } = options as { file?: unknown; args?: readonly unknown[] };
  if (file === undefined) throw new UsageError("run-option", `run: file is undefined; allowed: a path`);
  const json = argumentsJson("main", args);
  if (!json.ok) throw new UsageError("run-option", `run: ${json.problem}`);
  return json.text;
}

/** @throws UsageError `run-option` */
export function checkFile(file: unknown): asserts file is string {
  if (!PATH[1](file)) throw new UsageError("run-option", `load: the file is ${shown(file)}; allowed: a path`);
}
