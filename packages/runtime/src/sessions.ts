import { grouped, LIMITS, Line, UsageError } from "@capsule-run/protocol";
import type { RunRequest, RunResult, Session, SessionCall, SessionRequest } from "./api.ts";
import { randomId } from "./chance.ts";
import type { FoundProgram } from "./locate.ts";
import type { MemoryPlan } from "./memory.ts";
import type { Program } from "./program.ts";
import { SessionSandbox } from "./session-sandbox.ts";
import type { RunWorld } from "./world.ts";

/** What a run, or all calls of a session, are made of. */
export interface Prepared {
  readonly found: FoundProgram;
  /** Null: cancelled before it was there. Another one once it needs another engine. */
  program: Program | null;
  readonly world: RunWorld | null;
}

/** What a call of a session is given. */
export interface Given {
  readonly prepared: Prepared;
  readonly sandbox: SessionSandbox;
}

export interface SessionsHost {
  readonly memory: MemoryPlan;
  /** Aborted when the runtime is closed. */
  readonly closing: AbortSignal;
  prepare(request: RunRequest, id: string, signal: AbortSignal): Promise<Prepared>;
  run(request: RunRequest, given: Given): Promise<RunResult>;
  /** What is parked has become more, or less, by so many bytes. */
  parked(bytes: number): void;
}

/** The sessions of a runtime. */
export class Sessions {
  readonly #host: SessionsHost;
  readonly #open = new Set<OneSession>();
  #seats = 0;
  #opening = 0;

  constructor(host: SessionsHost) {
    this.#host = host;
  }

  /** @throws UsageError */
  async open(request: SessionRequest): Promise<Session> {
    if (this.#open.size + this.#opening >= LIMITS.sessions)
      throw new UsageError(
        "run-option",
        `a runtime has ${grouped(LIMITS.sessions)} open sessions at most: close those that are not needed`,
      );
    this.#opening++;
    try {
      const sandbox = new SessionSandbox({ ...this.#host, nextSeat: () => ++this.#seats });
      const session = new OneSession(request, this.#host, sandbox, () => this.#open.delete(session));
      await session.prepare();
      this.#open.add(session);
      return session;
    } finally {
      this.#opening--;
    }
  }

  /** Closes all. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.#open].map((session) => session.close()));
  }
}

class OneSession implements Session {
  readonly #request: SessionRequest;
  readonly #host: SessionsHost;
  readonly #sandbox: SessionSandbox;
  readonly #onClose: () => void;
  /** One call at a time. */
  readonly #line = new Line(1);
  readonly #closing = new AbortController();
  readonly #signal: AbortSignal;
  /** Null: to be made by the next call. */
  #prepared: Prepared | null = null;

  constructor(request: SessionRequest, host: SessionsHost, sandbox: SessionSandbox, onClose: () => void) {
    this.#request = request;
    this.#host = host;
    this.#sandbox = sandbox;
    this.#onClose = onClose;
    this.#signal = AbortSignal.any([host.closing, this.#closing.signal]);
  }

  /** @throws UsageError */
  async prepare(): Promise<Prepared> {
    this.#prepared ??= await this.#host.prepare(this.#request, randomId(), this.#signal);
    return this.#prepared;
  }

  async run(call: SessionCall): ReturnType<Session["run"]> {
    if (this.#closing.signal.aborted)
      throw new UsageError("runtime-closed", "the session was closed; open another one");
    const signal = call.signal ? AbortSignal.any([this.#signal, call.signal]) : this.#signal;
    const leave = await this.#line.enter(signal);
    // One that is cancelled before its turn touches nothing: another call may be under way.
    const isTurn = leave !== null;
    if (isTurn) this.#sandbox.begin();
    try {
      const prepared = await this.prepare();
      const { file, cwd, root, policy, sealed, mounts, env } = this.#request;
      const request = { ...call, file, cwd, root, policy, sealed, mounts, env, signal };
      const result = await this.#host.run(request, { prepared, sandbox: this.#sandbox });
      return { ...result, memory: isTurn ? this.#sandbox.memory : "kept" };
    } finally {
      if (isTurn) this.#sandbox.end();
      leave?.();
    }
  }

  async reset(): Promise<void> {
    const leave = await this.#line.enter(this.#signal);
    try {
      if (!this.#signal.aborted) await this.#leave();
    } finally {
      leave?.();
    }
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    const leave = await this.#line.enter();
    try {
      await this.#leave();
    } finally {
      leave();
      this.#onClose();
    }
  }

  async #leave(): Promise<void> {
    await this.#sandbox.close();
    this.#prepared?.world?.close();
    this.#prepared = null;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
