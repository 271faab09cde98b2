import {
  type AttemptUsage,
  type Envelope,
  type HostRequest,
  isRetryable,
  LIMITS,
  type Outcome,
} from "@capsule-run/protocol";
import { backoffMs } from "./backoff.ts";

/** What all attempts of an execution used together. */
export interface Spent {
  readonly ms: number;
  readonly fuel: number;
  /** Peak, not sum. */
  readonly ram: number;
  /** The first `LIMITS.hostRequests` of them. */
  readonly requests: readonly HostRequest[];
}

/** One execution of a task: attempts, and waits between them, until an envelope. */
export type Execution =
  | {
      readonly state: "running";
      readonly task: string;
      readonly maxRetries: number;
      readonly attempt: number;
      readonly spent: Spent;
    }
  | {
      readonly state: "waiting";
      readonly task: string;
      readonly maxRetries: number;
      readonly attempt: number;
      readonly spent: Spent;
    }
  | { readonly state: "ended"; readonly envelope: Envelope };

export type ExecutionEvent =
  /** `random`: from 0 to 1, recorded with the outcome, so that a replay waits as long. */
  | { readonly type: "attempt_ended"; readonly outcome: Outcome; readonly random: number }
  | { readonly type: "wait_over" }
  /** The attempt that was to start may not: the run has used up its budget. */
  | { readonly type: "refused"; readonly message: string };

/** What the caller does next. */
export type ExecutionStep =
  | { readonly do: "start"; readonly attempt: number }
  | { readonly do: "wait"; readonly ms: number }
  | { readonly do: "finish"; readonly envelope: Envelope };

const NOTHING: Spent = { ms: 0, fuel: 0, ram: 0, requests: [] };

/** An execution whose first attempt starts now. */
export const begin = (task: string, maxRetries: number): Execution => ({
  state: "running",
  task,
  maxRetries,
  attempt: 0,
  spent: NOTHING,
});

/** The next state of an execution, and what to do. Pure: time and chance come with the event. */
export function next(
  execution: Execution,
  event: ExecutionEvent,
): { readonly execution: Execution; readonly step: ExecutionStep } {
  if (execution.state === "ended") throw new Error("an ended execution gets no events");
  if (event.type === "wait_over") {
    const attempt = execution.attempt + 1;
    return { execution: { ...execution, state: "running", attempt }, step: { do: "start", attempt } };
  }
  if (event.type === "refused") {
    const outcome = { ok: false, error: "limit_exceeded", message: event.message, usage: NOTHING } as const;
    const retries = Math.max(0, execution.attempt - 1);
    const envelope = envelopeOf(execution.task, retries, execution.spent, outcome);
    return { execution: { state: "ended", envelope }, step: { do: "finish", envelope } };
  }
  const { outcome, random } = event;
  const spent = add(execution.spent, outcome.usage);
  if (!outcome.ok && isRetryable(outcome.error) && execution.attempt < execution.maxRetries) {
    const ms = backoffMs(execution.attempt + 1, random);
    return { execution: { ...execution, state: "waiting", spent }, step: { do: "wait", ms } };
  }
  const envelope = envelopeOf(execution.task, execution.attempt, spent, outcome);
  return { execution: { state: "ended", envelope }, step: { do: "finish", envelope } };
}

const add = (spent: Spent, usage: AttemptUsage): Spent => ({
  ms: spent.ms + usage.ms,
  fuel: spent.fuel + usage.fuel,
  ram: Math.max(spent.ram, usage.ram),
  requests:
    usage.requests.length === 0
      ? spent.requests
      : [...spent.requests, ...usage.requests].slice(0, LIMITS.hostRequests),
});

/** The envelope of an execution that ended with `outcome` after `retries` retries. */
function envelopeOf(task: string, retries: number, spent: Spent, outcome: Outcome): Envelope {
  const execution = {
    task_name: task,
    duration_ms: Math.round(spent.ms),
    retries,
    fuel_consumed: spent.fuel,
    ram_used: spent.ram,
    host_requests: spent.requests,
  };
  return outcome.ok
    ? { success: true, resultJson: Buffer.from(outcome.value).toString(), execution }
    : { success: false, error: { error_type: outcome.error, message: outcome.message }, execution };
}

/** The envelope of a task execution that never got a sandbox. */
export const refused = (task: string, { error, message }: ErrorOutcome): Envelope =>
  envelopeOf(task, 0, NOTHING, { ok: false, error, message, usage: NOTHING });

type ErrorOutcome = Pick<Outcome & { ok: false }, "error" | "message">;
