/** Checks of what programs in JavaScript may get wrong: what the types of `types.ts` say. */
import {
  check,
  FUNCTION,
  isObject,
  type OptionCheck,
  PATH,
  SIGNAL,
  shown,
  TOOLS,
} from "@capsule-run/sdk/internal";
import { UsageError } from "@capsule-run/sdk/runner";
import type { Language } from "./types.ts";

const LANGUAGES: readonly unknown[] = ["python", "javascript"] satisfies Language[];
const LANGUAGE: OptionCheck = ['"python" or "javascript"', (value) => LANGUAGES.includes(value)];

const isText = (value: unknown): value is string => typeof value === "string";

const atLeast = (least: number): OptionCheck => [
  `an integer of ${least} or more`,
  (value) => Number.isSafeInteger(value) && (value as number) >= least,
];

const SANDBOX: Readonly<Record<string, OptionCheck>> = {
  limits: ['an object such as { timeout: "10s" }', isObject],
  hosts: [
    'a list of hosts such as "api.example.com"',
    Array.isArray,
    ['a host such as "api.example.com"', isText],
  ],
  env: ["an object of texts", isObject, ["a text", isText]],
  files: [
    "an object of texts or bytes by path",
    isObject,
    ["a text, or bytes", (each) => isText(each) || each instanceof Uint8Array],
  ],
  tools: TOOLS,
  gate: FUNCTION,
  capsulePath: PATH,
};

const CALL: Readonly<Record<string, OptionCheck>> = { signal: SIGNAL, onOutput: FUNCTION };

const ONE_CALL = { ...SANDBOX, ...CALL, exportTo: PATH };

const OPTIONS = {
  runPython: ONE_CALL,
  runJavaScript: ONE_CALL,
  execute: { language: LANGUAGE, ...ONE_CALL },
  Session: { ...SANDBOX, onOutput: FUNCTION },
  "session.run": CALL,
  executeTool: {
    ...SANDBOX,
    exportTo: PATH,
    name: ["a name of letters, digits, _ and -", (value) => isText(value) && /^[\w-]{1,64}$/.test(value)],
    description: ["a text", isText],
    session: ["a Session", isObject],
    maxText: atLeast(100),
    maxImages: atLeast(0),
  },
} satisfies Record<string, Readonly<Record<string, OptionCheck>>>;

/** @throws UsageError `run-option` */
export const checkOptions = (what: keyof typeof OPTIONS, options: unknown): void =>
  check(what, options, OPTIONS[what]);

/** @throws UsageError `run-option` */
export function checkCode(what: string, code: unknown): void {
  if (!isText(code))
    throw new UsageError("run-option", `${what}: the code is ${shown(code)}; allowed: a text`);
}

/** @throws UsageError `run-option` */
export function checkLanguage(language: unknown): void {
  const [allowed, fits] = LANGUAGE;
  if (!fits(language))
    throw new UsageError("run-option", `Session: the language is ${shown(language)}; allowed: ${allowed}`);
}

/** What is wrong with using a session after `close`. */
export const closed = (): UsageError =>
  new UsageError("runtime-closed", "the session was closed; make another one");
