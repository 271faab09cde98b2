import {
  createRuntime as createBare,
  type LoadedProgram,
  type RunRequest,
  type RunResult,
  type Runtime,
  type RuntimeOptions,
  type Session,
  type SessionRequest,
  type ToolHost,
} from "@capsule-run/runtime";
import type { openRemoteTools as OpenRemoteTools, ToolsRequest } from "@capsule-run/tools";
import { findArtifact, findProgram } from "./program.ts";
import { VERSION } from "./version.ts";

export type * from "@capsule-run/code";
/**
 * `@capsule-run/cli/runtime`: the runtime for programs without a terminal. `@capsule-run/sdk/runner` loads it; its shape
 * holds for a runner of the same version only.
 */
export { createCodeRuntime } from "@capsule-run/code";
export { VERSION };

/** Makes tools of functions, for the option `tools` of a run. What that takes is loaded with the first. */
export const openTools = async (request: ToolsRequest): Promise<ToolHost> =>
  (await import("@capsule-run/tools")).openTools(request);

/** The same of functions that somebody else has, such as a worker's client. */
export const openRemoteTools = async (
  ...[tools, perform]: Parameters<typeof OpenRemoteTools>
): Promise<ToolHost> => (await import("@capsule-run/tools")).openRemoteTools(tools, perform);

/** A runtime whose files are looked at first, as the command line looks at them. */
export async function createRuntime(options: RuntimeOptions): Promise<Omit<Runtime, "export">> {
  const runtime = await createBare(options);
  const find = (file: string, cwd = options.cwd ?? process.cwd()): string =>
    file.endsWith(".wasm") ? findArtifact(file, cwd) : findProgram(file, cwd);
  return {
    load: async (file: string): Promise<LoadedProgram> => runtime.load(find(file)),
    run: async (request: RunRequest): Promise<RunResult> =>
      runtime.run({ ...request, file: find(request.file, request.cwd) }),
    openSession: async (request: SessionRequest): Promise<Session> =>
      runtime.openSession({ ...request, file: find(request.file, request.cwd) }),
    close: runtime.close,
    [Symbol.asyncDispose]: runtime.close,
  };
}
