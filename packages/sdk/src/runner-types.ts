/// <reference lib="esnext.disposable" preserve="true" />
import type { PrintedBytes, RunBasis, RunEventOf, TaskResult } from "@capsule-run/protocol";
import type { Gate, Tools } from "@capsule-run/tools/declare";

export type { PolicyOptions } from "@capsule-run/protocol";

/** How a runtime is made. An unknown option or a wrong value throws. */
export interface RuntimeOptions {
  /** The folder in which relative files are looked up; default: the process's when it is needed. */
  readonly cwd?: string | undefined;
  /** Runs that go on at the same time, 1 or more; others wait for their turn. Default: as many as there are. */
  readonly concurrency?: number | undefined;
  /** Where compiled programs are kept; default: `.capsule/cache` in the project of each program. */
  readonly cacheDir?: string | undefined;
  /** Where `@capsule-run/cli` is: its folder, or its command. Default: it is looked for. */
  readonly capsulePath?: string | undefined;
  /** Something to know once, such as a cache that can't be written; default: `process.emitWarning`. */
  readonly onWarning?: ((message: string) => void) | undefined;
}

/** What is run, and how. An unknown option or a wrong value throws. */
export interface RunOptions extends RunBasis {
  /** Cancels the run: its envelope says `cancelled`. */
  readonly signal?: AbortSignalLike | undefined;
  /** Functions of this process that tasks may call, by the names they call them by. Default: none. */
  readonly tools?: Tools | undefined;
  /** Decides on each call of a tool. Default: all are allowed. */
  readonly gate?: Gate | undefined;
  /** What tasks print, as it happens. If it throws, or its promise rejects, the run ends and throws that. */
  readonly onOutput?: ((output: Output) => unknown) | undefined;
  /** What happens in the run, in order. If it throws, or its promise rejects, the run ends and throws that. */
  readonly onEvent?: ((event: RunEvent) => unknown) | undefined;
}

/** Options of `run` without a runtime of one's own. */
export interface SharedRunOptions extends RunOptions {
  /** Where `@capsule-run/cli` is: its folder, or its command. Default: it is looked for. */
  readonly capsulePath?: string | undefined;
}

/** An `AbortSignal`, without asking for the types of a platform. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** A piece of what a task printed: whole characters. `bytes` are the same as it was printed, for what is no text. */
export interface Output extends PrintedBytes {
  readonly text: string;
}

/** Something that happened, in order. */
export type RunEvent = RunEventOf<TaskResult<unknown>>;

/**
 * The envelope of `main`. `runId` and `resultJson` are not enumerable: as JSON it is what `capsule run --json` prints,
 * but for integers that only `resultJson` has exactly.
 */
export type RunResult<T> = TaskResult<T> & {
  readonly runId: string;
  /** The result's exact JSON text; null when the task failed. */
  readonly resultJson: string | null;
};

/** A program that is compiled. */
export interface LoadedProgram {
  /** As it was asked for. */
  readonly file: string;
  readonly language: "javascript" | "python";
  /** Names of its tasks. */
  readonly tasks: readonly string[];
  /** Whether it was compiled before. */
  readonly cached: boolean;
}

/** Cells, caches and programs that many runs share. */
export interface Runtime extends AsyncDisposable {
  /**
   * Compiles a program, so that its first run need not.
   * @throws UsageError if it does not compile, or is not there
   */
  load(file: string): Promise<LoadedProgram>;
  /**
   * Runs a program's `main` once. What a task did wrong is in the envelope.
   * @throws UsageError for wrong use: no such file, a compile error, a wrong option
   */
  run<T = unknown>(options: RunOptions): Promise<RunResult<T>>;
  /** Cancels what runs, and ends its processes. */
  close(): Promise<void>;
}
