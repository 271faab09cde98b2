import {
  Fifo,
  type FromCell,
  type GuestEvent,
  type GuestHost,
  LIMITS,
  type Loaded,
  type SandboxLimits,
  type Surroundings,
  type TurnEnd,
  wholeCharacters,
} from "@capsule-run/protocol";
import { broken, carriedArguments, endingOf, loadedMessage } from "./ending.ts";
import type { InstancePool, Lease } from "./pool.ts";
import { RandomStream } from "./random.ts";
import { type Left, NOTHING_LEFT, type Session } from "./session.ts";
import { nextSlice, nextStart, type Place } from "./slices.ts";

export interface SandboxTerms<Prepared> {
  readonly seed: string;
  /** Bytes of memory it may have. */
  readonly granted: number;
  /** Where it leaves its instance, and may find one. */
  readonly session: Session<Prepared> | null;
}

export type Send = (message: FromCell) => void;

/**
 * One attempt in this cell: an instance, its calls and its place between turns. Everything the guest can cause ends as
 * a message to the host.
 */
export class Sandbox<Prepared> {
  readonly #id: number;
  readonly #send: Send;
  readonly #pool: InstancePool<Prepared>;
  readonly #session: Session<Prepared> | null;
  /** Null before it has begun, and when it has ended. */
  #lease: Lease<Prepared> | null = null;
  readonly #random: RandomStream;
  readonly #onEnd: () => void;
  #calls: number;
  /** Calls that earlier attempts of its session have made. */
  readonly #former: number;
  /** Units of fuel that the host has heard of; null while a program is loaded, which is no part of a run. */
  #fuelTold: number | null = null;
  #revoked = 0;
  #outputBytes = 0;
  #outputFull = false;
  /** What the guest is suspended for in the middle of a turn, if it is: which events it goes on with. */
  #suspended: { accepts(event: GuestEvent): boolean; resume(event: GuestEvent | null): void } | null = null;
  /** Whether a turn is running, and so nobody may enter the instance. */
  #inTurn = false;
  #stopped = false;
  #ended = false;
  /** Bytes of memory the host has granted, and what goes on when it grants more. */
  #granted: number;
  #held: (() => void) | null = null;
  /** Its place in the line for an instance or for the next slice, while it waits there. */
  #place: Place | null = null;
  /** Bytes of answers that the guest has taken and the host does not know of. */
  #taken = 0;
  /** What came while a turn was running. */
  readonly #events = new Fifo<GuestEvent>();

  constructor(
    id: number,
    pool: InstancePool<Prepared>,
    { seed, granted, session }: SandboxTerms<Prepared>,
    send: Send,
    onEnd: () => void,
  ) {
    this.#id = id;
    this.#pool = pool;
    this.#granted = granted;
    this.#session = session;
    this.#calls = this.#former = session?.calls ?? 0;
    this.#send = send;
    this.#random = new RandomStream(seed);
    this.#onEnd = onEnd;
  }

  get #instance(): Lease<Prepared>["instance"] {
    if (!this.#lease) throw new Error("a sandbox has its instance from its beginning to its end");
    return this.#lease.instance;
  }

  /** Takes an instance; false if it was stopped before there was one. */
  async #begin(): Promise<boolean> {
    this.#inTurn = true;
    this.#lease = this.#session?.enter() ?? null;
    if (this.#lease) {
      this.#lease.host = this.#guestHost();
      this.#lease.instance.grant(this.#granted);
      return true;
    }
    if (!this.#pool.has(this.#granted)) await this.#queue(nextStart());
    if (this.#stopped) {
      this.#settle({ state: "stopped" });
      return false;
    }
    try {
      this.#lease = this.#pool.take(this.#guestHost(), this.#granted);
      this.#lease.instance.grant(this.#granted);
      return true;
    } catch (error) {
      this.#settle(broken(error));
      return false;
    }
  }

  async #queue(place: Place): Promise<void> {
    this.#place = place;
    await place.turn;
    this.#place = null;
  }

  /** Loads a program and answers with `loaded`, or with `ended` if that fails. */
  async load(bundle: Uint8Array, limits: SandboxLimits, variables: readonly string[]): Promise<void> {
    if (!(await this.#begin())) return;
    const outcome = await this.#entered(() => {
      this.#instance.reset(null, limits, 0);
      return this.#instance.load(bundle, variables);
    });
    if ("state" in outcome) this.#settle(outcome);
    else this.#loaded(outcome);
  }

  async start(
    program: Prepared,
    task: string,
    args: Uint8Array,
    limits: SandboxLimits,
    now: number,
    surroundings: Surroundings,
  ): Promise<void> {
    if (!(await this.#begin())) return;
    this.#fuelTold = 0;
    const goesOn = this.#session?.has(this.#lease) === true;
    await this.#turn(() => {
      if (goesOn) return this.#instance.again(task, args, limits, now);
      this.#instance.reset(program, limits, now);
      return this.#instance.start(task, args, surroundings);
    });
  }

  /** Delivers the envelope of a call: to the guest that is suspended for it, or by a turn. */
  complete(call: number, envelope: Uint8Array, now: number): void {
    this.#deliver({ type: "complete", call, now, envelope });
  }

  wake(now: number): void {
    this.#deliver({ type: "wake", now });
  }

  /** Ends it wherever it is. */
  stop(): void {
    if (this.#ended) return;
    this.#stopped = true;
    if (this.#place) this.#place.hurry();
    else if (this.#held) this.#held();
    else if (this.#suspended) this.#resume(null);
    else if (!this.#inTurn) this.#settle({ state: "stopped" });
  }

  /** Its memory may be as large as that. */
  grant(bytes: number): void {
    this.#granted = bytes;
    this.#lease?.instance.grant(bytes);
    this.#held?.();
  }

  /** Waits until the host has granted the memory there is; false if the sandbox is to end instead. */
  async #hold(): Promise<boolean> {
    while (!this.#stopped && this.#instance.memory > this.#granted) {
      this.#send({ type: "grown", sandbox: this.#id, ram: this.#instance.memory });
      await new Promise<void>((resolve) => {
        this.#held = resolve;
      });
      this.#held = null;
    }
    return !this.#stopped;
  }

  #deliver(event: GuestEvent): void {
    if (this.#suspended?.accepts(event)) {
      this.#take(event);
      this.#resume(event);
      return;
    }
    this.#events.push(event);
    if (!this.#inTurn) void this.#drain();
  }

  /** Notes that an answer waits here no longer, so that the host goes on with what would bring more. */
  #take(event: GuestEvent): void {
    if (event.type !== "complete") return;
    this.#taken += event.envelope.length;
    if (this.#stopped || this.#taken < LIMITS.takenReport) return;
    this.#send({ type: "took", sandbox: this.#id, bytes: this.#taken });
    this.#taken = 0;
  }

  /** Suspends the guest until an event comes that `accepts` takes; null ends it. */
  #suspend(accepts: (event: GuestEvent) => boolean): Promise<GuestEvent | null> {
    if (this.#stopped) return Promise.resolve(null);
    return new Promise((resume) => {
      this.#suspended = { accepts, resume };
    });
  }

  #resume(event: GuestEvent | null): void {
    const suspended = this.#suspended;
    this.#suspended = null;
    suspended?.resume(event);
  }

  async #drain(): Promise<void> {
    while (!this.#inTurn && !this.#ended) {
      const event = this.#events.shift();
      if (!event) return;
      this.#take(event);
      if (event.type === "wake") await this.#turn(() => this.#instance.wake(event.now));
      else await this.#turn(() => this.#instance.complete(event.call, event.envelope, event.now));
    }
  }

  async #turn(enter: () => Promise<TurnEnd>): Promise<void> {
    this.#inTurn = true;
    const end = await this.#entered(enter);
    if (end.state === "idle") await this.#hold();
    this.#inTurn = false;
    if (this.#stopped) this.#settle({ state: "stopped" });
    else if (end.state !== "idle") this.#settle(end);
    else {
      this.#idle(end.wake, end.pending);
      if (this.#events.size > 0) void this.#drain();
    }
  }

  /** Lets the host count what the attempt uses while it runs: its run may have a budget. */
  #tellFuel(): void {
    const { fuel } = this.#usage();
    if (this.#stopped || this.#fuelTold === null || fuel - this.#fuelTold < LIMITS.fuelReport) return;
    this.#fuelTold = fuel;
    this.#send({ type: "used", sandbox: this.#id, fuel });
  }

  #idle(wake: number | null, pending: number): void {
    this.#tellFuel();
    this.#send({ type: "idle", sandbox: this.#id, wake: wake ?? -1, pending });
  }

  /** Suspends the guest; the host hears what it would at the end of a turn, so that both count alike. */
  async #rest(wake: number | null, pending: number, deaf: boolean): Promise<GuestEvent | null> {
    if (!(await this.#hold())) return null;
    this.#idle(wake, pending);
    const event = deaf ? undefined : this.#events.shift();
    if (event) {
      this.#take(event);
      return event;
    }
    return this.#suspend(({ type }) => type === "wake" || !deaf);
  }

  /** Enters the instance. What fails in there of itself, such as its memory that can't be had, fails this sandbox only. */
  async #entered<T>(enter: () => Promise<T>): Promise<T | TurnEnd> {
    try {
      return await enter();
    } catch (error) {
      return broken(error);
    }
  }

  #loaded(loaded: Loaded): void {
    const message = loadedMessage(this.#id, loaded, this.#usage());
    if ("state" in message) this.#settle(message);
    else this.#end(message);
  }

  #settle(end: Exclude<TurnEnd, { state: "idle" }> | TurnEnd): void {
    const { ok, error, plain, body } = endingOf(end);
    const lacks = end.state === "lacking" ? end.code.slice(0, 200) : "";
    if (this.#ended) return;
    const usage = this.#usage();
    const left = this.#session ? this.#leave(this.#session, end) : NOTHING_LEFT;
    this.#end({ type: "ended", sandbox: this.#id, ok, error, plain, lacks, ...left, ...usage, body });
  }

  /** Leaves its instance to its session, if that is worth it. */
  #leave(session: Session<Prepared>, end: TurnEnd): Left {
    const lease = this.#lease;
    const found = session.has(lease);
    const left = session.end(lease, end, this.#granted);
    if (found || session.has(lease)) this.#lease = null;
    session.calls = this.#calls;
    return left;
  }

  #end(message: FromCell): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#lease?.release();
    this.#lease = null;
    const tell = (): void => {
      this.#send(message);
      this.#onEnd();
      // When the answer has been sent.
      if (this.#session) setImmediate((session) => session.save(), this.#session);
    };
    // Whoever hears of the end counts on the memory. Nothing on the stack holds it any more when it is collected.
    if (this.#pool.worthCollecting)
      setImmediate(() => {
        this.#pool.collect();
        tell();
      });
    else tell();
  }

  #usage(): { fuel: number; ram: number } {
    if (!this.#lease) return { fuel: 0, ram: 0 };
    const { fuelUsed, ramUsed } = this.#lease.instance;
    return { fuel: Math.max(0, Math.round(fuelUsed)), ram: ramUsed };
  }

  #guestHost(): GuestHost {
    return {
      pause: async () => {
        this.#tellFuel();
        await this.#queue(nextSlice());
        return this.#hold();
      },
      call: (mode, task, args) => {
        const body = carriedArguments(args);
        const sandbox = this.#id;
        return this.#ask((call) => ({ type: "call", sandbox, call, mode, task: task.slice(0, 200), body }));
      },
      effect: (mode, name, request) => {
        const body = request.length <= LIMITS.effectBytes + LIMITS.effectHeadBytes ? request : NOTHING;
        return this.#ask((call) => ({ type: "effect", sandbox: this.#id, call, mode, name, body }));
      },
      wait: async (call) => {
        const event = await this.#suspend((each) => each.type === "complete" && each.call === call);
        return event?.type === "complete" ? event : null;
      },
      rest: (wake, pending, deaf) => this.#rest(wake, pending, deaf),
      // A guest may name calls that it never made, or one for ever; the host would take that for a broken cell.
      revoke: (call) => {
        const made = Number.isInteger(call) && call > this.#former && call <= this.#calls;
        if (this.#stopped || !made || this.#revoked === this.#calls - this.#former) return;
        this.#revoked++;
        this.#send({ type: "revoke", sandbox: this.#id, call });
      },
      output: (stream, text) => this.#output(stream, text),
      random: (length) => this.#random.next(length),
    };
  }

  /** One that was stopped may still ask on its way to the trap, or for its files to be closed; the host no longer expects it. */
  #ask(message: (call: number) => FromCell): number {
    if (this.#stopped) return this.#calls + 1;
    this.#send(message(++this.#calls));
    return this.#calls;
  }

  /** Passes console output on, up to the limit of an attempt; the first piece that is cut ends with a mark for the host. */
  #output(stream: 1 | 2, text: Uint8Array): void {
    if (this.#stopped || this.#outputFull || text.length === 0) return;
    const body = wholeCharacters(text, LIMITS.attemptOutputBytes - this.#outputBytes);
    this.#outputBytes += body.length;
    if (body.length > 0) this.#send({ type: "output", sandbox: this.#id, stream, body });
    if (body.length === text.length) return;
    this.#outputFull = true;
    this.#send({ type: "output", sandbox: this.#id, stream, body: NOTHING });
  }
}

const NOTHING = new Uint8Array(0);
