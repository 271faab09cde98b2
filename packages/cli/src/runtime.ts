import {
  createRuntime as createBare,
  type LoadedProgram,
  type RunRequest,
  type RunResult,
  type Runtime,
  type RuntimeOptions,
} from "@capsule-run/runtime";
import { findArtifact, findProgram } from "./program.ts";
import { VERSION } from "./version.ts";

/**
 * `@capsule-run/cli/runtime`: the runtime for programs without a terminal. `@capsule-run/sdk/runner` loads it; its shape
 * holds for a runner of the same version only.
 */
export type * from "@capsule-run/code";
export { VERSION };

/** A runtime whose files are looked at first, as the command line looks at them. */
export async function createRuntime(options: RuntimeOptions): Promise<Omit<Runtime, "export">> {
  const runtime = await createBare(options);
  const find = (file: string, cwd = options.cwd ?? process.cwd()): string =>
    file.endsWith(".wasm") ? findArtifact(file, cwd) : findProgram(file, cwd);
  return {
    load: async (file: string): Promise<LoadedProgram> => runtime.load(find(file)),
    run: async (request: RunRequest): Promise<RunResult> =>
      runtime.run({ ...request, file: find(request.file, request.cwd) }),
    close: runtime.close,
    [Symbol.asyncDispose]: runtime.close,
  };
}
