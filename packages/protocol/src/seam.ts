import type { EffectName } from "./effects.ts";
import type { HostRequest } from "./envelope.ts";
import type { ErrorType } from "./errors.ts";
import type { TaskPolicy } from "./policy.ts";

/** Bytes of JSON text. Values above 64 KiB may come to live elsewhere when runs become durable. */
export type Value = Uint8Array;

/**
 * One attempt of a task execution. `path` names the execution in its run's tree (`0` is `main`, `0.3` the third call
 * it made); `run`, `path` and `attempt` together are the stable key of everything the attempt does.
 */
export interface AttemptSpec {
  readonly run: string;
  readonly path: string;
  readonly attempt: number;
  readonly artifact: string;
  readonly task: string;
  readonly args: Value;
  readonly policy: TaskPolicy;
}

/** What an attempt used. */
export interface AttemptUsage {
  readonly fuel: number;
  readonly ram: number;
  /** Wall time from the start in a sandbox; queueing excluded. */
  readonly ms: number;
  /** HTTP requests that the host made for it. */
  readonly requests: readonly HostRequest[];
}

export type Outcome =
  | { readonly ok: true; readonly value: Value; readonly usage: AttemptUsage }
  | { readonly ok: false; readonly error: ErrorType; readonly message: string; readonly usage: AttemptUsage };

/** What an attempt asks of the world outside its sandbox, in the order in which it asked. */
export type Op = { readonly seq: number } & (
  | { readonly kind: "task"; readonly spec: AttemptSpec }
  | { readonly kind: "sleep"; readonly ms: number }
  | { readonly kind: "effect"; readonly name: EffectName; readonly request: Uint8Array }
);

export interface Completion {
  readonly seq: number;
  /** Of an attempt; null for a sleep and for an effect. */
  readonly outcome: Outcome | null;
  /** To an effect. */
  readonly answer?: Uint8Array;
}

/** Does an effect. Gives its answer as it crosses, and never rejects. */
export type Perform = (stop: AbortSignal) => Promise<Uint8Array>;

/**
 * The record of one attempt, and its only door to the world. What stands behind it may be memory, a database or a
 * distributed engine: the driver of an attempt can't tell.
 */
export interface AttemptLog {
  /** Asks for `op`. The same order on a replay, where `perform` is not called for an effect whose answer is recorded. */
  issue(op: Op, perform?: Perform): void;
  /** Gives up an op that was issued: a sub-task is cancelled. Its completion does not come. */
  revoke(seq: number): void;
  /** The next completion, in recorded order; null when the attempt is cancelled. */
  next(): Promise<Completion | null>;
  /** Bytes of memory that the attempt has from its start. */
  readonly granted: number;
  /** What the attempt does now, for whoever admits others. No part of the record. */
  state(state: AttemptState): void;
  /**
   * Asks for memory: `bytes` in all. Resolves true when the attempt has them; false if it can't have them, because nobody
   * would go on any more if it waited: then it has to end. No part of the record: only how the attempt ends is.
   */
  memory(bytes: number): Promise<boolean>;
}

/**
 * `active`: it could use a core now. `waiting`: it goes on when one of its sub-tasks has ended. `sleeping`: it goes on
 * when a time has come or an effect has ended, whatever other attempts do.
 */
export type AttemptState = "active" | "waiting" | "sleeping";

/** Ours: sandboxes, policy, retries, timeouts. Never rejects for what a guest did. */
export type Execute = (spec: AttemptSpec, log: AttemptLog) => Promise<Outcome>;
