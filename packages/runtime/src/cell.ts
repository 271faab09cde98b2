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
  revoke(message: Of<"revoke">): void;
  output(message: Of<"output">): void;
  idle(message: Of<"idle">): void;
  ended(message: Of<"ended">): void;
  loaded(message: Of<"loaded">): void;
  /** Its cell died or was killed. */
  lost(reason: string): void;
}

interface Live {
  readonly listener: SandboxListener;
  calls: number;
  outputBytes: number;
  /** It said that the rest of its output is dropped. */
  outputFull: boolean;
  /** Ticks since it was told to stop; −1: it was not. */
  stopTicks: number;
}

/** Artifacts a cell keeps; each takes the memory of a whole image. */
const KEPT_ARTIFACTS = 16;
/** Ticks of the host's own clock without an answer after which a cell is given up: a suspended laptop has none. */
const SILENT_TICKS = 40;
/** Ticks a sandbox may take to stop: a check comes within microseconds, so only a broken cell needs them. */
const STOP_TICKS = 8;
const STDERR_KEPT = 4096;
/** Bytes sent to a cell that it has not read yet; more can't come about while it reads between its slices. */
const MOST_UNREAD = 1024 ** 3;

/** One cell process. */
export class Cell {
  readonly #child: ChildProcess;
  readonly #reader = new FrameReader();
  readonly #live = new Map<number, Live>();
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
    child.on("error", (error) => this.#lose(`a cell could not be started: ${error.message}`));
    const lose = (): void =>
      this.#lose(this.#reason || exitReason(child.exitCode, child.signalCode, this.#stderr));
    child.on("close", lose);
    // One that was started early may have ended early: its events are over.
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null)
      setTimeout(lose, 100).unref();
  }

  get started(): boolean {
    return this.#ready;
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
    pipe.write(encode(message));
    if (pipe.writableLength > this.#mostUnread) this.kill("a cell does not read what it is sent");
  }

  listen(sandbox: number, listener: SandboxListener): void {
    this.#live.set(sandbox, { listener, calls: 0, outputBytes: 0, outputFull: false, stopTicks: -1 });
    if (this.#ready) listener.started();
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
    this.#reason ||= reason;
    this.#child.kill("SIGKILL");
    this.#lose(reason);
  }

  #hear(chunk: Uint8Array): void {
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
    switch (message.type) {
      case "call":
        if (message.call !== ++live.calls) throw new FrameError("a call out of order");
        live.listener.call(message);
        break;
      case "revoke":
        if (message.call < 1 || message.call > live.calls) throw new FrameError("a call it never made");
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
      case "ended":
        this.#live.delete(message.sandbox);
        live.listener.ended(message);
        break;
      case "loaded":
        this.#live.delete(message.sandbox);
        live.listener.loaded(message);
        break;
    }
  }

  #lose(reason: string): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#onExit(this, reason);
    const lost = [...this.#live.values()];
    this.#live.clear();
    for (const { listener } of lost) listener.lost(reason);
  }
}

function exitReason(code: number | null, signal: string | null, stderr: string): string {
  const how = signal ? `was killed by ${signal}` : `ended with code ${code}`;
  const [line] = stderr.split("\n").filter((text) => /error/i.test(text));
  return `the cell ${how}${line ? `: ${line.trim().slice(0, 200)}` : ""}`;
}
