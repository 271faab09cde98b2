import type { CodeError, Execution } from "./types.ts";

/**
 * Code that failed: it raised an exception that nothing caught, or it reached a limit, or was cancelled.
 *
 * ```ts
 * try {
 *   await runPython("1 / 0");
 * } catch (error) {
 *   if (error instanceof CapsuleError) console.log(error.kind, error.message);
 * }
 * ```
 */
export class CapsuleError extends Error {
  override readonly name = "CapsuleError";
  /** `"exception"`, or what ended the call from outside: `"timeout"`, `"out_of_fuel"`, `"out_of_memory"`, … */
  readonly kind: CodeError["kind"];
  /** The guest's own traceback of an exception, which the message holds, too; else null. */
  readonly traceback: string | null;
  /** All that is known of the call: what it printed before it failed, for one. */
  readonly execution: Execution;

  constructor(execution: Execution, error: CodeError) {
    const said = error.kind === "exception" ? error.traceback.trimEnd() : error.message;
    super(execution.notice === null ? said : `${said}\n${execution.notice}`);
    this.kind = error.kind;
    this.traceback = error.kind === "exception" ? error.traceback : null;
    this.execution = execution;
  }
}

/** @throws CapsuleError unless the code came to its end */
export function succeeded(execution: Execution): Execution {
  if (execution.error) throw new CapsuleError(execution, execution.error);
  return execution;
}
