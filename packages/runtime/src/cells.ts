import type { ChildProcess } from "node:child_process";
import { type CellParts, startCell } from "@capsule-run/cell";
import {
  checkFromCell,
  encode,
  FrameError,
  FrameReader,
  type FromCell,
  LIMITS,
  type SandboxLimits,
  type SnapshotPoint,
  type ToCell,
} from "@capsule-run/protocol";

/** What a cell needs of a program to run it. */
export interface CellArtifact {
  readonly hash: string;
  readonly snapshot: SnapshotPoint;
  readonly globals: readonly number[];
  /** Page difference if `after`, bundle if `before`. */
  readonly body: Uint8Array;
}

export interface OpenRequest {
  readonly artifact: CellArtifact;
  readonly task: string;
  readonly args: Uint8Array;
  readonly limits: SandboxLimits;
  readonly seed: string;
}

type Of<T extends FromCell["type"]> = Extract<FromCell, { type: T }>;

/** What a sandbox says. After `ended`, `loaded` or `lost` it says nothing more. */
export interface SandboxListener {
  /** Its cell is up and has begun with it. */
  started(): void;
  call(message: Of<"call">): void;
  output(message: Of<"output">): void;
  idle(message: Of<"idle">): void;
  ended(message: Of<"ended">): void;
  loaded(message: Of<"loaded">): void;
  /** Its cell died or was killed. */
  lost(reason: string): void;
}

/** A live sandbox, from the host's side. */
export interface SandboxHandle {
  /** Whether a turn is running or about to: it can use a core. */
  readonly busy: boolean;
  complete(call: number, envelope: Uint8Array): void;
  /** @param at the time it asked for, which the guest's clock must not miss */
  wake(at: number): void;
  stop(): void;
}

interface Live {
  readonly listener: SandboxListener;
  calls: number;
  outputBytes: number;
  /** Ticks since it was told to stop; −1: it was not. */
  stopTicks: number;
}

/** Artifacts a cell keeps; each takes the memory of a whole image. */
const KEPT_ARTIFACTS = 16;
const TICK_MS = 250;
/** Ticks of the host's own clock without an answer after which a cell is given up: a suspended laptop has none. */
const SILENT_TICKS = 40;
/** Ticks a sandbox may take to stop: a check comes within microseconds, so only a broken cell needs them. */
const STOP_TICKS = 8;
const STDERR_KEPT = 4096;

/** One cell process. */
class Cell {
  readonly #child: ChildProcess;
  readonly #reader = new FrameReader();
  readonly #live = new Map<number, Live>();
  readonly #artifacts = new Set<string>();
  readonly #engine: string;
  readonly #onExit: (cell: Cell) => void;
  #ready = false;
  #gone = false;
  #reason = "";
  #stderr = "";
  #corked = false;
  #silent = 0;
  #pings = 0;
  /** Turns that are running in it, as far as the host knows. */
  load = 0;

  constructor(child: ChildProcess, engine: string, onExit: (cell: Cell) => void) {
    this.#child = child;
    this.#engine = engine;
    this.#onExit = onExit;
    child.stdout?.on("data", (chunk: Uint8Array) => this.#hear(chunk));
    child.stderr?.on("data", (chunk: Uint8Array) => {
      if (this.#stderr.length < STDERR_KEPT) this.#stderr += Buffer.from(chunk).toString();
    });
    child.stdin?.on("error", () => {});
    child.on("error", (error) => this.#lose(`a cell could not be started: ${error.message}`));
    child.on("exit", (code, signal) => this.#lose(this.#reason || exitReason(code, signal, this.#stderr)));
  }

  get started(): boolean {
    return this.#ready;
  }

  get usable(): boolean {
    return !this.#gone;
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
  }

  listen(sandbox: number, listener: SandboxListener): void {
    this.#live.set(sandbox, { listener, calls: 0, outputBytes: 0, stopTicks: -1 });
    if (this.#ready) listener.started();
  }

  stop(sandbox: number): void {
    const live = this.#live.get(sandbox);
    if (!live || live.stopTicks >= 0) return;
    live.stopTicks = 0;
    this.send({ type: "stop", sandbox });
  }

  /** Sends an artifact unless the cell has it. */
  give({ hash, snapshot, globals, body }: CellArtifact): void {
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
    this.send({ type: "artifact", hash, snapshot, globals, body });
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
    if (message.type === "pong") {
      if (message.n > this.#pings) throw new FrameError("an answer to no question");
      return;
    }
    const live = this.#live.get(message.sandbox);
    if (!live) throw new FrameError(`"${message.type}" of a sandbox it does not have`);
    switch (message.type) {
      case "call":
        if (message.call !== ++live.calls) throw new FrameError("a call out of order");
        live.listener.call(message);
        break;
      case "output":
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
    this.#onExit(this);
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

/** Cells in a row that ended before they were ready, after which starting more makes no sense. */
const MOST_FAILURES = 3;

/** The cells of a runtime: started when needed, one sandbox on the least busy one, replaced when lost. */
export class CellPool {
  readonly #parts: CellParts;
  readonly #engine: string;
  readonly #most: number;
  readonly #cells: Cell[] = [];
  #early: ChildProcess | null;
  #timer: NodeJS.Timeout | null = null;
  #sandboxes = 0;
  #failures = 0;
  #closed = false;

  /**
   * @param engine the engine's hash: what a cell must say it has
   * @param early a cell that was started before the pool was there
   */
  constructor(parts: CellParts, engine: string, most: number, early: ChildProcess | null) {
    this.#parts = parts;
    this.#engine = engine;
    this.#most = most;
    this.#early = early;
  }

  /** Process ids of the cells, for tests and tools. */
  get pids(): readonly number[] {
    return this.#cells.flatMap(({ pid }) => pid ?? []);
  }

  open(request: OpenRequest, listener: SandboxListener): SandboxHandle {
    const { artifact, task, args, limits, seed } = request;
    return this.#start(listener, (cell, sandbox) => {
      cell.give(artifact);
      cell.send({
        type: "open",
        sandbox,
        artifact: artifact.hash,
        task,
        limits,
        seed,
        now: Date.now(),
        body: args,
      });
    });
  }

  load(source: Uint8Array, limits: SandboxLimits, listener: SandboxListener): SandboxHandle {
    return this.#start(listener, (cell, sandbox) =>
      cell.send({ type: "load", sandbox, limits, body: source }),
    );
  }

  /** Kills all cells. */
  close(): void {
    this.#closed = true;
    if (this.#timer) clearInterval(this.#timer);
    this.#early?.kill("SIGKILL");
    for (const cell of [...this.#cells]) cell.kill("the runtime was closed");
  }

  #start(listener: SandboxListener, open: (cell: Cell, sandbox: number) => void): SandboxHandle {
    const cell = this.#choose();
    const sandbox = ++this.#sandboxes;
    let turns = 1;
    cell.load++;
    const turnOver = (): void => {
      if (turns > 0) cell.load--;
      turns = Math.max(0, turns - 1);
    };
    const over = (): void => {
      cell.load -= turns;
      turns = 0;
    };
    cell.listen(sandbox, {
      started: () => listener.started(),
      call: (message) => {
        // A sync call suspends the turn; its completion resumes it.
        if (message.mode === "sync") turnOver();
        listener.call(message);
      },
      output: (message) => listener.output(message),
      idle: (message) => {
        turnOver();
        listener.idle(message);
      },
      ended: (message) => {
        over();
        listener.ended(message);
      },
      loaded: (message) => {
        over();
        listener.loaded(message);
      },
      lost: (reason) => {
        over();
        listener.lost(reason);
      },
    });
    open(cell, sandbox);
    const enter = (): void => {
      turns++;
      cell.load++;
    };
    return {
      complete: (call, envelope) => {
        enter();
        cell.send({ type: "complete", sandbox, call, now: Date.now(), body: envelope });
      },
      wake: (at) => {
        enter();
        cell.send({ type: "wake", sandbox, now: Math.max(at, Date.now()) });
      },
      stop: () => cell.stop(sandbox),
      get busy() {
        return turns > 0;
      },
    };
  }

  /** The least busy cell; another one if all are busy and there may be more. */
  #choose(): Cell {
    let best: Cell | null = null;
    for (const cell of this.#cells) if (!best || cell.load < best.load) best = cell;
    if (best && (best.load === 0 || this.#cells.length >= this.#most)) return best;
    return this.#add();
  }

  #add(): Cell {
    if (this.#closed) throw new Error("the runtime is closed");
    if (this.#failures >= MOST_FAILURES) throw new Error("cells end before they have started");
    const child = this.#early ?? startCell(this.#parts);
    this.#early = null;
    const cell = new Cell(child, this.#engine, (gone) => {
      this.#cells.splice(this.#cells.indexOf(gone), 1);
      this.#failures = gone.started ? 0 : this.#failures + 1;
    });
    this.#cells.push(cell);
    this.#timer ??= setInterval(() => {
      for (const each of [...this.#cells]) each.tick();
    }, TICK_MS).unref();
    return cell;
  }
}
