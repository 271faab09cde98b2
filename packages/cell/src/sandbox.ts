import {
  type ErrorType,
  type FromCell,
  type GuestHost,
  type Image,
  LIMITS,
  type Loaded,
  type PreparedImage,
  type SandboxLimits,
  type TurnEnd,
} from "@capsule-run/protocol";
import type { InstancePool } from "./pool.ts";
import { RandomStream } from "./random.ts";
import { nextSlice } from "./slices.ts";

/** What an attempt runs from. */
export type Program =
  | { readonly snapshot: "after"; readonly image: PreparedImage }
  | { readonly snapshot: "before"; readonly source: Uint8Array };

export type Send = (message: FromCell) => void;

/** What the host told a sandbox that can't take it yet, because a turn is running. */
type Event =
  | { readonly type: "complete"; call: number; now: number; body: Uint8Array }
  | { readonly type: "wake"; now: number };

/**
 * One attempt in this cell: an instance, its calls and its place between turns. Everything the guest can cause ends as
 * a message to the host.
 */
export class Sandbox {
  readonly #id: number;
  readonly #send: Send;
  readonly #lease: ReturnType<InstancePool["take"]>;
  readonly #random: RandomStream;
  readonly #onEnd: () => void;
  #calls = 0;
  #outputBytes = 0;
  /** The sync call the guest is suspended in. */
  #waiting: { readonly call: number; resolve(envelope: Uint8Array | null): void } | null = null;
  /** Whether a turn is running, and so nobody may enter the instance. */
  #inTurn = false;
  #stopped = false;
  #ended = false;
  readonly #events: Event[] = [];

  constructor(id: number, pool: InstancePool, seed: string, send: Send, onEnd: () => void) {
    this.#id = id;
    this.#send = send;
    this.#random = new RandomStream(seed);
    this.#onEnd = onEnd;
    this.#lease = pool.take(this.#guestHost());
  }

  /** Loads a program and answers with `loaded`, or with `ended` if that fails. */
  async load(source: Uint8Array, limits: SandboxLimits): Promise<void> {
    this.#inTurn = true;
    this.#lease.instance.reset(null, limits, 0);
    const outcome = await this.#lease.instance.load(source);
    if ("state" in outcome) this.#settle(outcome);
    else this.#loaded(outcome);
  }

  async start(
    program: Program,
    task: string,
    args: Uint8Array,
    limits: SandboxLimits,
    now: number,
  ): Promise<void> {
    const { instance } = this.#lease;
    instance.reset(program.snapshot === "after" ? program.image : null, limits, now);
    await this.#turn(() => instance.start(task, args, program.snapshot === "before" ? program.source : null));
  }

  /** Delivers the envelope of a call: to the guest that is suspended in it, or by a turn. */
  complete(call: number, envelope: Uint8Array, now: number): void {
    if (this.#waiting?.call === call) {
      const { resolve } = this.#waiting;
      this.#waiting = null;
      resolve(envelope);
    } else this.#deliver({ type: "complete", call, now, body: envelope });
  }

  wake(now: number): void {
    this.#deliver({ type: "wake", now });
  }

  /** Ends it wherever it is. */
  stop(): void {
    this.#stopped = true;
    if (this.#waiting) {
      const { resolve } = this.#waiting;
      this.#waiting = null;
      resolve(null);
    } else if (!this.#inTurn) this.#settle({ state: "stopped" });
  }

  #deliver(event: Event): void {
    this.#events.push(event);
    if (!this.#inTurn) void this.#drain();
  }

  async #drain(): Promise<void> {
    const { instance } = this.#lease;
    while (!this.#inTurn && !this.#ended) {
      const event = this.#events.shift();
      if (!event) return;
      if (event.type === "wake") await this.#turn(() => instance.wake(event.now));
      else await this.#turn(() => instance.complete(event.call, event.body, event.now));
    }
  }

  async #turn(enter: () => Promise<TurnEnd>): Promise<void> {
    this.#inTurn = true;
    const end = await enter();
    this.#inTurn = false;
    if (this.#stopped) this.#settle({ state: "stopped" });
    else if (end.state !== "idle") this.#settle(end);
    else {
      this.#send({ type: "idle", sandbox: this.#id, wake: end.wake ?? -1, pending: end.pending });
      if (this.#events.length > 0) void this.#drain();
    }
  }

  #loaded({ tasks, snapshot, reasons, output, image }: Loaded): void {
    const { fuel, ram } = this.#usage();
    this.#end({
      type: "loaded",
      sandbox: this.#id,
      tasks,
      snapshot,
      reasons: JSON.stringify(reasons),
      output: JSON.stringify(output),
      globals: image.globals,
      fuel,
      ram,
      body: snapshot === "after" ? image.pages : new Uint8Array(0),
    });
  }

  #settle(end: Exclude<TurnEnd, { state: "idle" }> | TurnEnd): void {
    const { ok, error, plain, body } = endOf(end);
    this.#end({ type: "ended", sandbox: this.#id, ok, error, plain, ...this.#usage(), body });
  }

  #end(message: FromCell): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#lease.release();
    this.#send(message);
    this.#onEnd();
  }

  #usage(): { fuel: number; ram: number } {
    const { fuelUsed, ramUsed } = this.#lease.instance;
    return { fuel: Math.max(0, Math.round(fuelUsed)), ram: ramUsed };
  }

  #guestHost(): GuestHost {
    return {
      pause: async () => {
        await nextSlice();
        return !this.#stopped;
      },
      call: (mode, task, args) => {
        const call = ++this.#calls;
        this.#send({ type: "call", sandbox: this.#id, call, mode, task, body: args });
        return call;
      },
      wait: (call) =>
        this.#stopped
          ? Promise.resolve(null)
          : new Promise((resolve) => {
              this.#waiting = { call, resolve };
            }),
      output: (stream, text) => this.#output(stream, text),
      random: (length) => this.#random.next(length),
    };
  }

  /** Passes console output on, up to the limit of an attempt; the host says so once when it has seen that much. */
  #output(stream: 1 | 2, text: Uint8Array): void {
    const room = LIMITS.attemptOutputBytes - this.#outputBytes;
    if (room <= 0) return;
    const body = text.length > room ? text.subarray(0, room) : text;
    this.#outputBytes += body.length;
    this.#send({ type: "output", sandbox: this.#id, stream, body });
  }
}

interface Ending {
  readonly ok: boolean;
  readonly error: ErrorType | "";
  readonly plain: boolean;
  readonly body: Uint8Array;
}

function endOf(end: TurnEnd): Ending {
  const text = (value: string): Uint8Array => Buffer.from(value);
  switch (end.state) {
    case "result":
      return end.json.length <= LIMITS.resultBytes
        ? { ok: true, error: "", plain: false, body: end.json }
        : { ok: false, error: "invalid_result", plain: true, body: text("the result is too large") };
    case "raised":
      return { ok: false, error: end.error, plain: false, body: text(JSON.stringify(end.report)) };
    case "failed":
      return { ok: false, error: end.error, plain: true, body: text(end.message) };
    case "stopped":
      return { ok: false, error: "cancelled", plain: true, body: text("stopped") };
    case "idle":
      return {
        ok: false,
        error: "internal_error",
        plain: true,
        body: text("a task ended while it was idle"),
      };
  }
}

export type { Image };
