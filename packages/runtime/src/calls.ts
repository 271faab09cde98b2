import {
  type AttemptLog,
  type AttemptSpec,
  type Completion,
  type Envelope,
  LIMITS,
  type Outcome,
  type TaskPolicy,
  type Value,
} from "@capsule-run/protocol";
import {
  type Budget,
  begin,
  type Execution,
  type ExecutionStep,
  next,
  refused,
  takeAttempt,
  usedUp,
} from "@capsule-run/scheduler";
import type { RunEvent } from "./api.ts";
import * as words from "./words.ts";

/** Whose calls these are: what an attempt and a run have in common. */
export interface Caller {
  readonly run: string;
  readonly artifact: string;
  readonly log: AttemptLog;
  readonly emit: (event: RunEvent) => void;
  /** Bytes that the pending calls of the whole run take: grown and shrunk by each of its callers. */
  readonly queue: { bytes: number };
  /** What the whole run may use. */
  readonly budget: Budget;
  /** The next number in the log: every op of the caller has one. */
  nextSeq(): number;
}

/** A task execution that the caller asked for. */
export interface TaskCall {
  readonly id: number;
  readonly path: string;
  readonly task: string;
  readonly policy: TaskPolicy;
  readonly args: Value;
  /** What the ceiling cuts of what it asks for, where nobody was told yet. */
  readonly cuts?: readonly string[];
  /** Whether it is not tried again, whatever its policy says. The policy itself has to be the world's own. */
  readonly isFinal?: boolean;
}

interface Open {
  readonly call: TaskCall;
  execution: Execution;
  seq: number;
}

interface Ended {
  readonly call: TaskCall;
  readonly envelope: Envelope;
}

/** Bytes a call takes while it is pending. */
export const callBytes = (args: Value): number => args.length + LIMITS.callBytes;

/**
 * The task executions one caller has under way: each is a chain of ops in the caller's log, attempts and the waits
 * between them.
 */
export class Calls {
  readonly #caller: Caller;
  readonly #bySeq = new Map<number, Open>();
  readonly #byId = new Map<number, Open>();
  /** Calls that wait for the time of their next attempt. */
  #pausing = 0;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  get size(): number {
    return this.#bySeq.size;
  }

  /** Calls with an attempt under way, or in the queue. The others pause before a retry. */
  get running(): number {
    return this.#bySeq.size - this.#pausing;
  }

  /** Gives the call back if it has ended already, since the run may not start it. */
  start(call: TaskCall): Ended | null {
    const { task, path, policy, isFinal = false } = call;
    const open: Open = { call, execution: begin(task, isFinal ? 0 : policy.maxRetries), seq: 0 };
    this.#byId.set(call.id, open);
    const { run, emit, queue } = this.#caller;
    emit({ type: "task_queued", run, path, task });
    if (call.cuts && call.cuts.length > 0) emit({ type: "task_limited", run, path, task, cuts: call.cuts });
    queue.bytes += callBytes(call.args);
    return this.#take(open, { do: "start", attempt: 0 });
  }

  /** Takes in a completion of the log. Gives the call that ended by it, or null if it goes on or is not a call's. */
  completed({ seq, outcome: told }: Completion): Ended | null {
    const open = this.#bySeq.get(seq);
    if (!open) return null;
    this.#bySeq.delete(seq);
    if (open.execution.state === "waiting") this.#pausing--;
    const outcome = told && this.#explained(told);
    const event = outcome
      ? ({ type: "attempt_ended", outcome, random: Math.random() } as const)
      : ({ type: "wait_over" } as const);
    const { execution, step } = next(open.execution, event);
    if (step.do === "wait" && outcome && !outcome.ok) this.#reportFailure(open, outcome, step.ms);
    open.execution = execution;
    return this.#take(open, step);
  }

  /** Gives up one call, if it is under way. */
  revoke(id: number): void {
    const open = this.#byId.get(id);
    if (open) this.#giveUp(open);
  }

  /** Gives up all that is under way. What it used so far is known to nobody any more. */
  revokeAll(): void {
    for (const open of this.#bySeq.values()) this.#giveUp(open);
  }

  #giveUp({ seq, execution, call: { id, path, task, args } }: Open): void {
    if (execution.state === "waiting") this.#pausing--;
    const { run, log, emit, queue } = this.#caller;
    this.#bySeq.delete(seq);
    this.#byId.delete(id);
    log.revoke(seq);
    queue.bytes -= callBytes(args);
    const envelope = refused(task, { error: "cancelled", message: "cancelled" });
    emit({ type: "task_ended", run, path, task, envelope });
  }

  /** What was cancelled since the run had used up its budget did not just end. */
  #explained(outcome: Outcome): Outcome {
    const { over, limits } = this.#caller.budget;
    if (over === null || outcome.ok || outcome.error !== "cancelled") return outcome;
    return { ...outcome, error: "limit_exceeded", message: words.runBudget(over, limits) };
  }

  #take(open: Open, step: ExecutionStep): Ended | null {
    const { run, artifact, log, emit } = this.#caller;
    const { call } = open;
    if (step.do === "finish") {
      this.#byId.delete(call.id);
      this.#caller.queue.bytes -= callBytes(call.args);
      emit({ type: "task_ended", run, path: call.path, task: call.task, envelope: step.envelope });
      return { call, envelope: step.envelope };
    }
    const { budget } = this.#caller;
    const missing = step.do === "start" ? usedUp(budget) : null;
    if (missing !== null) {
      const message = words.runBudget(missing, budget.limits);
      const ended = next(open.execution, { type: "refused", message });
      open.execution = ended.execution;
      return this.#take(open, ended.step);
    }
    open.seq = this.#caller.nextSeq();
    this.#bySeq.set(open.seq, open);
    if (step.do === "wait") {
      this.#pausing++;
      log.issue({ seq: open.seq, kind: "sleep", ms: step.ms });
    } else {
      takeAttempt(budget);
      const { path, task, args, policy } = call;
      const spec: AttemptSpec = { run, path, attempt: step.attempt, artifact, task, args, policy };
      log.issue({ seq: open.seq, kind: "task", spec });
    }
    return null;
  }

  #reportFailure(
    open: Open,
    outcome: NonNullable<Completion["outcome"]> & { ok: false },
    retryInMs: number,
  ): void {
    const { path, task } = open.call;
    const attempt = open.execution.state === "ended" ? 0 : open.execution.attempt;
    const { error, message } = outcome;
    this.#caller.emit({
      type: "attempt_failed",
      run: this.#caller.run,
      path,
      task,
      attempt,
      error,
      message,
      retryInMs,
    });
  }
}
