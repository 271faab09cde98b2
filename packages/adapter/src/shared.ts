/** The runtime that all code of this process runs in: one, unless somebody uses two command lines. */
import { findCli, loadCli, sharedRuntimes, usageErrorOf } from "@capsule-run/sdk/internal";
import type { CliCode, CodeRuntime } from "./cli-code.ts";
import type { SandboxOptions } from "./types.ts";

const warn = (message: string): void => process.emitWarning(message, "CapsuleWarning");

const shared = sharedRuntimes<CodeRuntime>(async (cli) =>
  loadCli<CliCode>(cli).createCodeRuntime({ onWarning: warn }),
);

/**
 * It ends with the process and does not keep it up.
 * @throws UsageError if there is no `@capsule-run/cli` of this version, or it can't start
 */
export async function sharedRuntime(capsulePath?: string): Promise<CodeRuntime> {
  try {
    const cli = findCli(capsulePath, import.meta.url);
    return await shared.get(cli);
  } catch (error) {
    throw usageErrorOf(error);
  }
}

/**
 * What a sandbox is opened with, its tools ready to be called.
 * @throws UsageError `tool`, `cli-missing`, `cli-version`
 */
export async function bareSandbox<O extends SandboxOptions>({ tools, gate, capsulePath, ...sandbox }: O) {
  if (!tools) return sandbox;
  try {
    const { openTools } = loadCli<CliCode>(findCli(capsulePath, import.meta.url));
    return { ...sandbox, tools: await openTools({ tools, gate, report: warn }) };
  } catch (error) {
    throw usageErrorOf(error);
  }
}

/**
 * Cancels all code that runs, closes all sessions, and ends the processes they are in; the next call starts anew. Not
 * needed at a program's end: for tests, and for programs that want the memory back.
 */
export const closeAll = (): Promise<void> => shared.closeAll();
