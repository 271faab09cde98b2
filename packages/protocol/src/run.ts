/** What a host program asks of a run and hears of it, as the runtime takes it and as the SDK, which knows no runtime, offers it. */
import type { Envelope } from "./envelope.ts";
import type { ErrorType } from "./errors.ts";
import type { ToolFailure } from "./tools.ts";

/** What is run, and what its tasks get. */
export interface RunBasis {
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
  /** What tasks get at most, beside what `capsule.toml` says: `{ allowed_hosts: ["api.example.com"], max_tasks: 100 }`. */
  readonly policy?: PolicyOptions | undefined;
  /** No files, hosts or variables, whatever the program asks for. Default: false. */
  readonly sealed?: boolean | undefined;
  /** Names the run, in events and in the record: 1 to 64 letters, digits, `.`, `_` and `-`. Default: a random UUID. */
  readonly runId?: string | undefined;
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

/** A piece of what a task printed: whole characters. */
export interface PrintedBytes {
  readonly stream: "stdout" | "stderr";
  readonly bytes: Uint8Array;
  /** The task that printed it. */
  readonly task: string;
  /** `0` for `main`, `0.3` for the third call it made. */
  readonly path: string;
}

/**
 * Something that happened in a run. `path` is `0` for `main`, `0.3` for the third call it made, of a task or a tool.
 * @typeParam E the form of envelopes
 */
export type RunEventOf<E = Envelope> = {
  readonly run: string;
  readonly path: string;
  readonly task: string;
} & (
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
  | { readonly type: "task_ended"; readonly envelope: E }
  /** A tool is called, by `task`; `path` is the call's own. */
  | { readonly type: "tool_called"; readonly tool: string }
  | {
      readonly type: "tool_ended";
      readonly tool: string;
      /** Milliseconds that the host took. */
      readonly durationMs: number;
      /** What the guest hears of a failure; null if it has a result. */
      readonly error: ToolFailure | null;
    }
);
