import { UsageError } from "@capsule-run/protocol";
import type { RunRequest } from "@capsule-run/runtime";
import { GUEST_LIMITS } from "./answer.ts";
import type { CodeCallOptions, CodeLanguage } from "./api.ts";
import type { Printed } from "./execution.ts";
import type { Piece } from "./guest/javascript/translate.ts";
import type { Place } from "./place.ts";
import { ofOptions } from "./words.ts";
import { workspaceAt } from "./workspace.ts";

/** The parts of a run or of a session's call that are the call's own. */
export async function callOf(
  { signal, runId, onEvent, tools }: CodeCallOptions,
  language: CodeLanguage,
  code: string,
  env: Readonly<Record<string, string>>,
  printed: Printed,
): Promise<Pick<RunRequest, "args" | "signal" | "runId" | "onEvent" | "tools" | "onOutput">> {
  const piece = language === "javascript" ? await pieceOf(code) : undefined;
  return {
    args: [code, { env, limits: GUEST_LIMITS, piece }],
    ...{ signal, runId, onEvent, tools },
    onOutput: (output) => printed.take(output),
  };
}

/**
 * Characters of JavaScript that this process parses itself: that takes a few milliseconds at most, whatever the code is,
 * and a fiftieth of what the sandbox needs for it. Longer code is parsed in there, on its own account: labels, loops and
 * groups of regular expressions in each other take the parser a time that grows with the square of their number.
 */
const PARSED_HERE = 4 * 1024;

let translator: typeof import("./guest/javascript/translate.ts") | null = null;

/** Undefined: the sandbox shall parse it, and say what is wrong with it. */
async function pieceOf(code: string): Promise<Piece | true | undefined> {
  if (code.length > PARSED_HERE) return undefined;
  translator ??= await import("./guest/javascript/translate.ts");
  const { asItIs, translate } = translator;
  try {
    return asItIs(code) ? true : translate(code);
  } catch {
    return undefined;
  }
}

/** What the runtime finds wrong with its policy is wrong with our options. @throws UsageError */
export async function inOurWords<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (!(cause instanceof UsageError) || cause.slug !== "policy") throw cause;
    throw new UsageError("run-option", ofOptions(cause.text), { cause });
  }
}

/** The files that a sandbox is opened with. */
export async function putFiles(
  place: Place,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<void> {
  const { writeFile } = workspaceAt(place);
  for (const [name, data] of Object.entries(files)) await writeFile(name, data);
}
