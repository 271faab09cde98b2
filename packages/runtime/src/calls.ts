import {
  type AttemptLog,
  type AttemptSpec,
  type Completion,
  type Envelope,
  LIMITS,
  type TaskPolicy,
  type Value,
} from "@capsule-run/protocol";
import { begin, type Execution, type ExecutionStep, next, refused } from "@capsule-run/scheduler";
import type { RunEvent } from "./api.ts";

/** Whose calls these are: what an attempt and a run have in common. */
export interface Caller {
  readonly run: string;
  readonly artifact: string;
  readonly log: AttemptLog;
  readonly emit: (event: RunEvent) => void;
  /** Bytes that the pending calls of the whole run take: grown and shrunk by each of its callers. */
  readonly queue: { bytes: number };
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
}

interface Open {
  readonly call: TaskCall;
  execution: Execution;
  seq: number;
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

  start(call: TaskCall): void {
    const { task, path, policy } = call;
    const open: Open = { call, execution: begin(task, policy.maxRetries), seq: 0 };
    this.#byId.set(call.id, open);
    this.#caller.emit({ type: "task_queued", run: this.#caller.run, path, task });
    this.#caller.queue.bytes += callBytes(call.args);
    this.#take(open, { do: "start", attempt: 0 });
  }

  /** Takes in a completion of the log. Gives the call that ended by it, or null if it goes on or is not a call's. */
  completed({ seq, outcome }: Completion): { readonly call: TaskCall; readonly envelope: Envelope } | null {
    const open = this.#bySeq.get(seq);
    if (!open) return null;
    this.#bySeq.delete(seq);
    if (open.execution.state === "waiting") this.#pausing--;
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

  #take(open: Open, step: ExecutionStep): { readonly call: TaskCall; readonly envelope: Envelope } | null {
    const { run, artifact, log, emit } = this.#caller;
    const { call } = open;
    if (step.do === "finish") {
      this.#byId.delete(call.id);
      this.#caller.queue.bytes -= callBytes(call.args);
      emit({ type: "task_ended", run, path: call.path, task: call.task, envelope: step.envelope });
      return { call, envelope: step.envelope };
    }
    open.seq = this.#caller.nextSeq();
    this.#bySeq.set(open.seq, open);
    if (step.do === "wait") {
      this.#pausing++;
      log.issue({ seq: open.seq, kind: "sleep", ms: step.ms });
    } else {
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
