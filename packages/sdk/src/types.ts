import type { TaskResult } from "@capsule-run/protocol";

export type { ErrorInfo, ErrorType, ExecutionInfo, HostRequest, TaskResult } from "@capsule-run/protocol";

/** What a task is called and what one execution of it may use. An unknown option or a wrong value throws. */
export interface TaskOptions {
  /**
   * The task's identifier, unique in a program: 1 to 200 characters without control characters. `main` is the
   * entry point.
   */
  readonly name: string;
  /**
   * Fuel for one attempt, sub-tasks not included; one unit is one executed Wasm instruction. `"LOW"`: 100,000,000;
   * `"MEDIUM"`, the default: 2,000,000,000; `"HIGH"`: 50,000,000,000; or an exact amount, as an integer or its digits.
   */
  readonly compute?: "LOW" | "MEDIUM" | "HIGH" | number | `${bigint}` | undefined;
  /**
   * Memory of one sandbox: `"64MB"`, `"2GB"`, `"512KiB"` (MB = 1024² bytes), or bytes.
   * Default: the engine's own limit of 4 GiB.
   */
  readonly ram?: string | number | undefined;
  /**
   * Wall time of one attempt, waiting included: `"500ms"`, `"30s"`, `"5m"`, `"1h"`, or milliseconds.
   * Default: unlimited.
   */
  readonly timeout?: string | number | undefined;
  /** How often a failed execution is tried again: an integer of 0 or more. Default: 0. */
  readonly maxRetries?: number | undefined;
  /**
   * Folders inside the project that the task may use, by paths relative to its root: read-write unless the mode says
   * otherwise. Default: none.
   */
  readonly allowedFiles?: readonly (string | AllowedFolder)[] | undefined;
  /**
   * Hosts the task may send requests to: `"api.example.com"`, `"api.example.com:8443"`, `"*.example.com"` (any depth
   * below it, not itself), `"*"` (every public host). Default: none.
   */
  readonly allowedHosts?: readonly string[] | undefined;
  /** Names of environment variables the task sees. Default: none. */
  readonly envVariables?: readonly string[] | undefined;
}

/** A folder that a task may use. */
export interface AllowedFolder {
  readonly path: string;
  /** Default: `"read-write"`. */
  readonly mode?: "read-only" | "ro" | "read-write" | "rw" | undefined;
}

/**
 * What calling a task gives: an envelope, or a promise of one where the function is async. A function whose type
 * says nothing (`any`) counts as sync.
 */
export type TaskCall<R> = 0 extends 1 & R
  ? TaskResult<R>
  : [R] extends [never]
    ? TaskResult<never>
    : [R] extends [PromiseLike<unknown>]
      ? Promise<TaskResult<Awaited<R>>>
      : TaskResult<Awaited<R>>;

/**
 * The type of `task`. The function's own type is taken as it is written: `CallableFunction` gives its parameters no
 * types from outside, so that defaults (`b = 10`) keep theirs.
 */
export type DefineTask = <F extends CallableFunction>(
  options: TaskOptions,
  fn: F,
) => F extends (...args: infer A) => infer R ? (...args: A) => TaskCall<R> : never;
