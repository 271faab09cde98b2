import type { ChildProcess } from "node:child_process";
import {
  checkFromCell,
  encode,
  FrameError,
  FrameReader,
  type FromCell,
  LIMITS,
  type SnapshotPoint,
  type ToCell,
} from "@capsule-run/protocol";

import type { Seat } from "./seat.ts";

/** What a cell needs of a program to run it. */
export interface CellArtifact {
  readonly hash: string;
  readonly globals: readonly number[];
  /** Page difference to the engine's image. */
  readonly pages: Uint8Array;
  readonly snapshot: SnapshotPoint;
  /** The bundled program; empty where the image holds all of it. */
  readonly bundle: Uint8Array;
}

export type Of<T extends FromCell["type"]> = Extract<FromCell, { type: T }>;

/** What a sandbox says. After `ended`, `loaded` or `lost` it says nothing more. */
export interface SandboxListener {
  /** Its cell is up and has begun with it. */
  started(): void;
  call(message: Of<"call">): void;
  effect(message: Of<"effect">): void;
  revoke(message: Of<"revoke">): void;
  output(message: Of<"output">): void;
  idle(message: Of<"idle">): void;
  /** It has more memory than it was granted, and waits for `grant` or `stop`. */
  grown(message: Of<"grown">): void;
  /** It has used more fuel. */
  used(message: Of<"used">): void;
  took(message: Of<"took">): void;
  ended(message: Of<"ended">): void;
  loaded(message: Of<"loaded">): void;
  /** Its cell died or was killed. */
  lost(reason: string): void;
}

/** What a sandbox was made for: the host tells its cell to start an attempt, or to load a program. */
export type Purpose = "attempt" | "load";

/** On what terms a sandbox is on a cell. */
export interface Terms {
  readonly purpose: Purpose;
  /** Of its session; null: it has none. */
  readonly seat: Seat | null;
  /** Bytes of memory it may have until it asks for more. */
  readonly granted: number;
}

/** A process or a pipe, which Node waits for unless told otherwise. */
interface Holder {
  ref(): void;
  unref(): void;
}

interface Live {
  readonly listener: SandboxListener;
  readonly purpose: Purpose;
  readonly seat: Seat | null;
  /** Calls of its seat, earlier ones included. */
  calls: number;
  revoked: number;
  /** Units of fuel it has told of. */
  fuel: number;
  outputBytes: number;
  /** It said that the rest of its output is dropped. */
  outputFull: boolean;
  /** Bytes of memory it was granted. */
  granted: number;
  /** Ticks since it was told to stop; −1: it was not. */
  stopTicks: number;
}

/** Artifacts a cell keeps; each takes the memory of a whole image. */
const KEPT_ARTIFACTS = 16;
/** Ticks of the host's own clock without an answer after which a cell is given up: a suspended laptop has none. */
const SILENT_TICKS = 40;
/** Ticks a sandbox may take to stop: a check comes within microseconds, so only a broken cell needs them. */
const STOP_TICKS = 8;
/** Ticks without an answer after which a cell gets no more work if another can do it. */
const QUIET_TICKS = 4;
const STDERR_KEPT = 4096;
/** Bytes sent to a cell that it has not read yet; more can't come about while it reads between its slices. */
const MOST_UNREAD = 1024 ** 3;
/** What a message that is not read yet takes of the host's memory beside its bytes. */
const UNREAD_BYTES = 1024;
/** Milliseconds the host listens to one cell before it turns to whatever else there is. */
const HEARING_MS = 8;
/** A cell whose pipe closes ends, and says how; one that lives on without its pipes is of no use. */
const CLOSED_MS = 1000;

/** One cell process. */
export class Cell {
  readonly #child: ChildProcess;
  readonly #reader = new FrameReader();
  readonly #live = new Map<number, Live>();
  readonly #seats = new Set<Seat>();
  readonly #artifacts = new Set<string>();
  readonly #engine: string;
  readonly #mostUnread: number;
  readonly #onExit: (cell: Cell, reason: string) => void;
  #ready = false;
  #gone = false;
  #reason = "";
  #stderr = "";
  #corked = false;
  #silent = 0;
  /** Messages on their way to it. */
  #unread = 0;
  /** Milliseconds spent on what it said since the host last turned to others. */
  #heard = 0;
  #pings = 0;
  #pongs = 0;
  /** Sandboxes in it that can use a core, as far as the host knows. */
  load = 0;

  /** @param mostUnread bytes it may leave unread before it is given up */
  constructor(
    child: ChildProcess,
    engine: string,
    onExit: (cell: Cell, reason: string) => void,
    mostUnread = MOST_UNREAD,
  ) {
    this.#mostUnread = mostUnread;
    this.#child = child;
    this.#engine = engine;
    this.#onExit = onExit;
    child.stdout?.on("data", (chunk: Uint8Array) => this.#hear(chunk));
    child.stderr?.on("data", (chunk: Uint8Array) => {
      if (this.#stderr.length < STDERR_KEPT) this.#stderr += Buffer.from(chunk).toString();
    });
    child.stdin?.on("error", () => {});
    for (const pipe of [child.stdin, child.stdout])
      pipe?.on("close", () => setTimeout(() => this.kill("a cell closed its pipe"), CLOSED_MS).unref());
    child.on("error", (error) => this.#lose(`a cell could not be started: ${error.message}`));
    const lose = (): void =>
      this.#lose(this.#reason || exitReason(child.exitCode, child.signalCode, this.#stderr));
    child.on("close", lose);
    // One that was started early may have ended early: its events are over, and nothing else may keep this process up.
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null)
      setTimeout(lose, 100);
    this.#holdProcess(false);
  }

  get started(): boolean {
    return this.#ready;
  }

  /** Whether it has not answered for a while, as one that is stopped. */
  get quiet(): boolean {
    return this.#ready && this.#silent > QUIET_TICKS;
  }

  /** Sandboxes in it, whether or not they can use a core; those of sessions too while nothing of them runs. */
  get sandboxes(): number {
    return this.#live.size + this.#seats.size;
  }

  /** Sandboxes of sessions in it. */
  get seats(): number {
    return this.#seats.size;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** What is said in one go leaves in one system call. */
  send(message: ToCell): void {
    const pipe = this.#child.stdin;
    if (this.#gone || !pipe) return;
    if (!this.#corked) {
      this.#corked = true;
      pipe.cork();
      process.nextTick(() => {
        this.#corked = false;
        pipe.uncork();
      });
    }
    this.#unread++;
    pipe.write(encode(message), () => this.#unread--);
    if (pipe.writableLength + this.#unread * UNREAD_BYTES > this.#mostUnread)
      this.kill("a cell does not read what it is sent");
  }

  listen(sandbox: number, { purpose, granted, seat }: Terms, listener: SandboxListener): void {
    const counts = { fuel: 0, revoked: 0, outputBytes: 0, outputFull: false, stopTicks: -1 };
    const calls = seat?.calls ?? 0;
    this.#live.set(sandbox, { listener, purpose, granted, seat, calls, ...counts });
    if (seat) {
      this.#seats.add(seat);
      seat.take(this);
    }
    if (this.#live.size === 1) this.#holdProcess(true);
    if (this.#ready) listener.started();
  }

  /** A session is over: what it left there goes. */
  leave(seat: Seat): void {
    if (this.#seats.delete(seat)) this.send({ type: "drop", session: seat.id });
  }

  grant(sandbox: number, granted: number): void {
    const live = this.#live.get(sandbox);
    if (!live) return;
    live.granted = granted;
    this.send({ type: "grant", sandbox, granted });
  }

  stop(sandbox: number): void {
    const live = this.#live.get(sandbox);
    if (!live || live.stopTicks >= 0) return;
    live.stopTicks = 0;
    this.send({ type: "stop", sandbox });
  }

  /** Sends an artifact unless the cell has it. */
  give({ hash, globals, pages, snapshot, bundle }: CellArtifact): void {
    if (this.#artifacts.delete(hash)) {
      this.#artifacts.add(hash);
      return;
    }
    const [oldest] = this.#artifacts;
    if (this.#artifacts.size >= KEPT_ARTIFACTS && oldest !== undefined) {
      this.#artifacts.delete(oldest);
      this.send({ type: "forget", hash: oldest });
    }
    this.#artifacts.add(hash);
    const body = Buffer.concat([pages, bundle]);
    this.send({ type: "artifact", hash, globals, pages: pages.length, snapshot, body });
  }

  /** A tick of the host's clock: kills a cell that no longer answers. */
  tick(): void {
    if (this.#live.size === 0) {
      this.#silent = 0;
      return;
    }
    for (const live of this.#live.values())
      if (live.stopTicks >= 0 && ++live.stopTicks > STOP_TICKS) {
        this.kill("a sandbox did not stop");
        return;
      }
    if (++this.#silent > SILENT_TICKS) this.kill("a cell did not answer");
    else this.send({ type: "ping", n: ++this.#pings });
  }

  kill(reason: string): void {
    if (this.#gone) return;
    this.#reason ||= reason;
    this.#child.kill("SIGKILL");
    // What it has not read, and what it said that nobody has heard, would stay until it is buried.
    for (const pipe of this.#child.stdio) pipe?.destroy();
    this.#lose(reason);
  }

  /** Listens to it, but not for longer than others can wait. */
  #hear(chunk: Uint8Array): void {
    if (this.#gone) return;
    const began = performance.now();
    this.#understand(chunk);
    this.#heard += performance.now() - began;
    if (this.#heard < HEARING_MS || this.#gone) return;
    this.#heard = 0;
    const pipe = this.#child.stdout;
    pipe?.pause();
    setImmediate(() => pipe?.resume());
  }

  #understand(chunk: Uint8Array): void {
    this.#silent = 0;
    try {
      for (const message of this.#reader.push(chunk)) {
        if (this.#gone) return;
        this.#dispatch(checkFromCell(message));
      }
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.kill(`a cell broke the protocol: ${error.message}`);
    }
  }

  #dispatch(message: FromCell): void {
    if (message.type === "ready") {
      if (this.#ready || message.engine !== this.#engine) throw new FrameError("an unexpected greeting");
      this.#ready = true;
      for (const { listener } of this.#live.values()) listener.started();
      return;
    }
    if (!this.#ready) throw new FrameError("something before its greeting");
    if (message.type === "pong") {
      if (message.n > this.#pings || message.n <= this.#pongs)
        throw new FrameError("an answer to no question");
      this.#pongs = message.n;
      return;
    }
    const live = this.#live.get(message.sandbox);
    if (!live) throw new FrameError(`"${message.type}" of a sandbox it does not have`);
    if (live.purpose === "load" && message.type !== "loaded" && message.type !== "ended")
      throw new FrameError(`"${message.type}" of a program that it is to load`);
    switch (message.type) {
      case "call":
        if (message.call !== ++live.calls) throw new FrameError("a call out of order");
        live.listener.call(message);
        break;
      case "effect":
        if (message.call !== ++live.calls) throw new FrameError("an effect out of order");
        live.listener.effect(message);
        break;
      case "revoke":
        if (message.call <= former(live) || message.call > live.calls)
          throw new FrameError("a call it never made");
        if (++live.revoked > live.calls - former(live)) throw new FrameError("more calls given up than made");
        live.listener.revoke(message);
        break;
      case "output":
        if (live.outputFull) throw new FrameError("output after its end");
        live.outputFull = message.body.length === 0;
        live.outputBytes += message.body.length;
        if (live.outputBytes > LIMITS.attemptOutputBytes) throw new FrameError("more output than allowed");
        live.listener.output(message);
        break;
      case "idle":
        live.listener.idle(message);
        break;
      case "grown":
        if (message.ram <= live.granted) throw new FrameError("memory that it was granted");
        live.listener.grown(message);
        break;
      case "used":
        if (message.fuel < live.fuel + LIMITS.fuelReport) throw new FrameError("fuel that it told of");
        live.fuel = message.fuel;
        live.listener.used(message);
        break;
      case "took":
        live.listener.took(message);
        break;
      case "ended":
        if ((live.seat === null) !== (message.memory === ""))
          throw new FrameError("memory that nobody told it to keep");
        if (live.seat) live.seat.calls = live.calls;
        this.#forget(message.sandbox);
        live.listener.ended(message);
        break;
      case "loaded":
        if (live.purpose !== "load") throw new FrameError("a program that it was not to load");
        this.#forget(message.sandbox);
        live.listener.loaded(message);
        break;
    }
  }

  #forget(sandbox: number): void {
    this.#live.delete(sandbox);
    if (this.#live.size === 0) this.#holdProcess(false);
  }

  /** Only a cell that has something to do keeps the host's process up: one that is kept for later ends with it. */
  #holdProcess(busy: boolean): void {
    const { stdin, stdout, stderr } = this.#child;
    // The types of pipes do not say that they are handles, and a process that never started has none.
    for (const handle of [this.#child, stdin, stdout, stderr] as (Partial<Holder> | null)[])
      if (busy) handle?.ref?.();
      else handle?.unref?.();
  }

  #lose(reason: string): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#onExit(this, reason);
    const lost = [...this.#live.values()];
    this.#live.clear();
    const seats = [...this.#seats];
    this.#seats.clear();
    for (const seat of seats) seat.lose(reason);
    for (const { listener } of lost) listener.lost(reason);
  }
}

/** Calls that earlier attempts on its seat have made. */
const former = ({ seat }: Live): number => seat?.calls ?? 0;

function exitReason(code: number | null, signal: string | null, stderr: string): string {
  const how = signal ? `was killed by ${signal}` : `ended with code ${code}`;
  const lines = stderr.split("\n");
  // Node prints the line that throws above the exception.
  const line = lines.find((text) => /^\w*Error\b/.test(text)) ?? lines.find((text) => /error/i.test(text));
  return `the cell ${how}${line ? `: ${line.trim().slice(0, 200)}` : ""}`;
}
