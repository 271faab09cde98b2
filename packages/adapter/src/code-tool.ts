import { UsageError } from "@capsule-run/sdk/runner";
import { type CodeInput, type CodeSchema, codeSchema } from "./code-schema.ts";
import { checkOptions } from "./options.ts";
import { execute } from "./run-code.ts";
import type { Session } from "./session.ts";
import { textOf } from "./text.ts";
import type { Execution, Language, SandboxOptions } from "./types.ts";

/** Characters of a text that a model gets, where nothing else is said. */
const MAX_TEXT = 20_000;

/** Options of a tool that runs code for a model. */
export interface CodeToolOptions extends SandboxOptions {
  /** The name the model calls it by; default: `execute_python`, `execute_javascript`. */
  readonly name?: string | undefined;
  /** What the model is told of it, in place of what says that it is isolated, and what it may reach. */
  readonly description?: string | undefined;
  /** Runs all calls in this session, so that variables and files stay. It is the caller's to close. */
  readonly session?: Session | undefined;
  /** Characters of output, and of an error, that the model gets; what is in the middle is left out. Default: 20,000. */
  readonly maxText?: number | undefined;
}

/** What the model gets. Fields are left out where there is nothing to say. */
export interface CodeResult {
  /** What the code printed, then the value of its last expression. */
  readonly output: string;
  /** What it printed to stderr. */
  readonly stderr?: string;
  /** The traceback, or the limit that was reached. */
  readonly error?: string;
  /** Files of the workspace that it wrote. */
  readonly files?: readonly string[];
  readonly notice?: string;
}

/** A tool, before it has the shape of a framework. */
export interface CodeTool {
  readonly name: string;
  readonly description: string;
  readonly schema: CodeSchema;
  run(input: CodeInput, signal: AbortSignal | undefined): Promise<CodeResult>;
}

const NAMES: Readonly<Record<Language, string>> = { python: "Python", javascript: "JavaScript" };

function describe(language: Language, { hosts = [], session }: CodeToolOptions): string {
  const reach =
    hosts.length > 0 ? `Of the network it reaches ${hosts.join(", ")} only.` : "It has no network.";
  const state = session
    ? "Variables, functions and files in workspace/ stay from call to call."
    : "Nothing stays from call to call.";
  return `Runs ${NAMES[language]} code in an isolated sandbox, as a REPL: gives what it prints and the value of its last expression. ${reach} ${state}`;
}

/** The beginning and the end of a text that is too long. */
function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const half = most >> 1;
  return `${text.slice(0, half)}\n… ${text.length - 2 * half} characters are left out …\n${text.slice(text.length - half)}`;
}

/** What a model has to know of an execution. */
function resultOf(execution: Execution, most: number): CodeResult {
  const { stderr, error, files, notice } = execution;
  const failure = error && (error.kind === "exception" ? error.traceback : error.message);
  return {
    output: cut(textOf(execution), most),
    ...(stderr !== "" && { stderr: cut(stderr, most) }),
    ...(failure !== null && { error: cut(failure, most) }),
    ...(files.length > 0 && { files: files.map(({ path }) => path) }),
    ...(notice !== null && { notice }),
  };
}

/** @throws UsageError `run-option` */
export function codeTool(language: Language, options: CodeToolOptions): CodeTool {
  checkOptions("executeTool", options);
  const { name, description, session, maxText = MAX_TEXT, ...sandbox } = options;
  if (session && session.language !== language)
    throw new UsageError(
      "run-option",
      `a tool that runs ${NAMES[language]} can't run it in a session of ${NAMES[session.language]}`,
    );
  if (session && Object.keys(sandbox).length > 0)
    throw new UsageError(
      "run-option",
      `${Object.keys(sandbox)[0]} is an option of the session, not of a tool that uses one`,
    );
  return {
    name: name ?? `execute_${language}`,
    description: description ?? describe(language, options),
    schema: codeSchema(`${NAMES[language]} source code`),
    async run({ code }, signal) {
      const execution = session
        ? await session.execute(code, { signal })
        : await execute(code, { ...sandbox, language, signal });
      return resultOf(execution, maxText);
    },
  };
}
