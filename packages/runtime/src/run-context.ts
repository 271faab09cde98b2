import type { Toolbox } from "@capsule-run/host";
import type { Budget } from "@capsule-run/scheduler";
import type { Output, RunEvent } from "./api.ts";
import type { Program } from "./program.ts";
import type { SessionSandbox } from "./session-sandbox.ts";
import type { RunWorld } from "./world.ts";

/** What an attempt needs of its run. */
export interface RunContext {
  readonly program: Program;
  /** Goes on with the program on the variant of its engine that has `code`. */
  complete(code: string): Promise<void>;
  /** Random bytes that only this run's host knows. */
  seed(path: string, attempt: number): string;
  output(output: Output): void;
  /** The rest of what an attempt prints is dropped. */
  outputFull(task: string, path: string): void;
  emit(event: RunEvent): void;
  /** Bytes that the run's pending calls take. */
  readonly queue: { bytes: number };
  /** What the whole run may use. */
  readonly budget: Budget;
  /** Counts what an attempt used, which may end the run. */
  spend(fuel: number): void;
  /** Resolves when files may be touched; null: at once. */
  readyForFiles(): Promise<void> | null;
  readonly world: RunWorld;
  readonly tools: Toolbox;
  /** In which `main` goes on; null: it has a sandbox of its own. */
  readonly session: SessionSandbox | null;
}
