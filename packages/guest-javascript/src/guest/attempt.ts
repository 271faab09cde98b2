/** The state of the attempt that this sandbox executes: where it stands, and how it ended. A session has one after the other. */
import { STATUS } from "../door.ts";
import { reportJson } from "./errors.ts";

export interface Attempt {
  /** Tasks may still be defined: the program's top-level code has not finished. */
  open: boolean;
  /** The name of the running task; null while the program is loading. */
  running: string | null;
  /** The answer that ends the attempt, once there is one. */
  outcome: string | null;
  /** Which task it is: what an earlier one still does is nothing to this one. */
  number: number;
}

export const attempt: Attempt = { open: true, running: null, outcome: null, number: 0 };

/** Ends the attempt with an answer; the first one stays. */
export function settle(outcome: string): void {
  attempt.outcome ??= outcome;
}

/** Ends the attempt with an exception that nothing caught: of the task, a timer's callback, a microtask, a listener. */
export function fail(thrown: unknown): void {
  settle(STATUS.error + reportJson(thrown));
}

/**
 * Ends the attempt with a rejection that nothing handled. It replaces a result of the same turn: hiding a failure
 * behind a result that did not wait for it would be worse.
 */
export function failUnhandled(reason: unknown): void {
  if (attempt.outcome === null || attempt.outcome[0] === STATUS.result)
    attempt.outcome = STATUS.error + reportJson(reason, "unhandled_rejection");
}
