import { UsageError } from "@capsule-run/sdk/runner";
import { type CodeResult, resultOf } from "./code-result.ts";
import { type CodeInput, type CodeSchema, codeSchema } from "./code-schema.ts";
import { checkOptions } from "./options.ts";
import { execute } from "./run-code.ts";
import type { Session } from "./session.ts";
import type { Language, RunCodeOptions, SandboxOptions } from "./types.ts";

/** Characters of a text that a model gets, where nothing else is said. */
const MAX_TEXT = 20_000;

/** Options of a tool that runs code for a model. */
export interface CodeToolOptions extends SandboxOptions, Pick<RunCodeOptions, "exportTo"> {
  /** The name the model calls it by; default: `execute_python`, `execute_javascript`. */
  readonly name?: string | undefined;
  /** What the model is told of it, in place of what says that it is isolated, and what it may reach. */
  readonly description?: string | undefined;
  /** Runs all calls in this session, so that variables and files stay. It is the caller's to close. */
  readonly session?: Session | undefined;
  /** Characters of output, and of an error, that the model gets; what is in the middle is left out. Default: 20,000. */
  readonly maxText?: number | undefined;
  /**
   * Images (PNG and JPEG) that the model gets of a call, such as figures of matplotlib. What serves the model has to take
   * images in results of tools: OpenAI's Responses API does, its chat completions do not. Default: 0.
   */
  readonly maxImages?: number | undefined;
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

/** @throws UsageError `run-option` */
export function codeTool(language: Language, options: CodeToolOptions): CodeTool {
  checkOptions("executeTool", options);
  const { name, description, session, maxText = MAX_TEXT, maxImages = 0, ...sandbox } = options;
  if (session && session.language !== language)
    throw new UsageError(
      "run-option",
      `a tool that runs ${NAMES[language]} can't run it in a session of ${NAMES[session.language]}`,
    );
  const [first] = Object.entries(sandbox).flatMap(([key, value]) => (value === undefined ? [] : [key]));
  if (session && first !== undefined)
    throw new UsageError(
      "run-option",
      first === "exportTo"
        ? "exportTo is of single calls; what is written in a session stays there, for its exportFile"
        : `${first} is an option of the session, not of a tool that uses one`,
    );
  return {
    name: name ?? `execute_${language}`,
    description: description ?? describe(language, options),
    schema: codeSchema(`${NAMES[language]} source code`),
    async run({ code }, signal) {
      const execution = session
        ? await session.execute(code, { signal })
        : await execute(code, { ...sandbox, language, signal });
      return resultOf(execution, maxText, maxImages);
    },
  };
}
