/// <reference lib="esnext.disposable" preserve="true" />
import type { ErrorType, TaskResult } from "@capsule-run/protocol";
import type { Gate, Tools } from "@capsule-run/tools/declare";

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
export interface RunOptions {
  /** The program: a source file in TypeScript, JavaScript or Python, or an exported `.wasm`. */
  readonly file: string;
  /** Arguments of `main`: JSON values. Default: none. */
  readonly args?: readonly unknown[] | undefined;
  /** Folders of the project for every task: `HOST[::GUEST][:ro|:rw]`. Default: none. */
  readonly mounts?: readonly string[] | undefined;
  /** The folder in which `file` is looked up; default: the runtime's. */
  readonly cwd?: string | undefined;
  /** Values of variables, in place of `process.env`; tasks see those that they name. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** What tasks get at most, beside what `capsule.toml` says. */
  readonly policy?: PolicyOptions | undefined;
  /** No files, hosts or variables, whatever the program asks for. Default: false. */
  readonly sealed?: boolean | undefined;
  /** Cancels the run: its envelope says `cancelled`. */
  readonly signal?: AbortSignalLike | undefined;
  /** Names the run: 1 to 64 letters, digits, `.`, `_` and `-`. Default: a random UUID. */
  readonly runId?: string | undefined;
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

/** The ceiling of a run: the keys and values of `[policy]` in `capsule.toml`. What is not there is not limited. */
export interface PolicyOptions {
  /** Fuel of one attempt: `"LOW"`, `"MEDIUM"`, `"HIGH"`, or an amount. */
  readonly max_compute?: string | number | undefined;
  /** Memory of one sandbox: `"1GB"`, or bytes. */
  readonly max_ram?: string | number | undefined;
  /** Time of one attempt: `"10m"`, or milliseconds. */
  readonly max_timeout?: string | number | undefined;
  /** Task executions of the run, `main` and retries included. */
  readonly max_tasks?: number | undefined;
  /** Fuel of all attempts of the run together. */
  readonly max_run_compute?: string | number | undefined;
  /** Wall time of the run. */
  readonly max_run_timeout?: string | number | undefined;
  readonly allowed_files?:
    | readonly (string | { readonly path: string; readonly mode?: string })[]
    | undefined;
  readonly allowed_hosts?: readonly string[] | undefined;
  readonly env_variables?: readonly string[] | undefined;
}

/** An `AbortSignal`, without asking for the types of a platform. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** A piece of what a task printed: whole characters. */
export interface Output {
  readonly stream: "stdout" | "stderr";
  readonly text: string;
  /** The same as it was printed, for what is no text. */
  readonly bytes: Uint8Array;
  readonly task: string;
  /** `0` for `main`, `0.3` for the third call it made. */
  readonly path: string;
}

/** Something that happened. `path` is `0` for `main`, `0.3` for the third call it made. */
export type RunEvent = { readonly run: string; readonly path: string; readonly task: string } & (
  | { readonly type: "task_queued" }
  /** The ceiling cuts what the task asks for: a line for each. Once for each task of a run. */
  | { readonly type: "task_limited"; readonly cuts: readonly string[] }
  | { readonly type: "attempt_started"; readonly attempt: number }
  | {
      readonly type: "attempt_failed";
      readonly attempt: number;
      readonly error: ErrorType;
      readonly message: string;
      readonly retryInMs: number;
    }
  | { readonly type: "task_ended"; readonly envelope: TaskResult<unknown> }
  /** A tool is called, by `task`; `path` is the call's own. */
  | { readonly type: "tool_called"; readonly tool: string }
  | {
      readonly type: "tool_ended";
      readonly tool: string;
      /** Milliseconds that the host took. */
      readonly durationMs: number;
      /** What the guest hears of a failure; null if it has a result. */
      readonly error: { readonly type: string; readonly message: string } | null;
    }
);

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
