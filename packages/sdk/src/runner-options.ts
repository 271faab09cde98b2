/** Checks of what programs in JavaScript may get wrong: what the types of `runner-types.ts` say. */
import { argumentsJson } from "@capsule-run/guest-javascript/plain";
import { isObject, type OptionCheck, shown, UsageError, wrongOption } from "@capsule-run/protocol";

type Checks = Readonly<Record<string, OptionCheck>>;

export const PATH: OptionCheck = [
  "a path",
  (value) => typeof value === "string" && value !== "" && !value.includes("\0"),
];
export const FUNCTION: OptionCheck = ["a function", (value) => typeof value === "function"];
export const SIGNAL: OptionCheck = ["an AbortSignal", (value) => value instanceof AbortSignal];

/** What is in it is looked at where it is made use of. */
export const TOOLS: OptionCheck = ["an object of functions and tools", isObject];

const RUNTIME: Checks = {
  cwd: PATH,
  concurrency: ["an integer of 1 or more", (value) => Number.isSafeInteger(value) && (value as number) >= 1],
  cacheDir: PATH,
  capsulePath: PATH,
  onWarning: FUNCTION,
};

const RUN: Checks = {
  file: PATH,
  args: ["a list of JSON values", Array.isArray],
  mounts: [
    'a list of texts such as "data:ro"',
    Array.isArray,
    ['a text such as "data:ro"', (each) => typeof each === "string"],
  ],
  cwd: PATH,
  env: ["an object of texts", isObject, ["a text", (each) => each === undefined || typeof each === "string"]],
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

/**
 * @param what the function they are given to, for messages
 * @throws UsageError `run-option`
 */
export function check(what: string, options: unknown, checks: Checks): void {
  const wrong = isObject(options)
    ? wrongOption(options, checks)
    : `the options are ${shown(options)}; allowed: an object${what === "run" ? ' such as { file: "./sandbox.ts" }' : ""}`;
  if (wrong !== null) throw new UsageError("run-option", `${what}: ${wrong}`);
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
