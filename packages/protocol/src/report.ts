/**
 * An exception of the guest as its language reports it, before its stack is translated to the user's files.
 * JavaScript frames read `at name (file:line:column)`.
 */
export interface ErrorReport {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  /** How the exception reached the host, if not by the task's own throw. */
  readonly via?: "unhandled_rejection" | undefined;
  readonly cause?: ErrorReport | undefined;
  /** What its class makes it, where that is not `task_error`. */
  readonly type?: "stack_overflow" | "out_of_memory" | undefined;
}
