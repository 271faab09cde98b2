import type { ChildProcess } from "node:child_process";
import { type CellParts, startCell } from "@capsule-run/cell";
import { LIMITS, type SandboxLimits, type Surroundings } from "@capsule-run/protocol";
import { Cell, type CellArtifact, type Of, type SandboxListener, type Terms } from "./cell.ts";
import type { Seat } from "./seat.ts";
import { Turns } from "./turns.ts";

export interface OpenRequest {
  readonly artifact: CellArtifact;
  readonly task: string;
  readonly args: Uint8Array;
  readonly limits: SandboxLimits;
  /** Bytes of memory it may have until it asks. */
  readonly granted: number;
  readonly seed: string;
  readonly surroundings: Surroundings;
  /** Of the session it goes on in; null: it is on its own. */
  readonly seat: Seat | null;
}

/** A live sandbox, from the host's side. */
export interface SandboxHandle {
  /** Whether a turn is running or about to: it can use a core. */
  readonly busy: boolean;
  /** @param answer an envelope, or what `encodeAnswer` gave */
  complete(call: number, answer: Uint8Array): void;
  /** @param at the time it asked for, which the guest's clock must not miss */
  wake(at: number): void;
  /** Answers `grown`: it may have so many bytes of memory. */
  grant(granted: number): void;
  stop(): void;
}

export interface PoolOptions {
  readonly parts: CellParts;
  /** The engine's hash: what a cell must say it has. */
  readonly engine: string;
  /** Cells at most. */
  readonly most: number;
  /** A cell that was started before the pool was there. */
  readonly early?: ChildProcess | null;
  /** Milliseconds between two looks at whether the cells answer. */
  readonly tickMs?: number;
  /** Bytes of memory that unused instances of one cell may take together; default: the cell's own. */
  readonly kept?: number;
  /** Bytes a cell may leave unread before it is given up. */
  readonly mostUnread?: number;
}

const TICK_MS = 250;
/** Cells in a row that ended before they were ready, after which starting more makes no sense for a while. */
const MOST_FAILURES = 3;
const BROKEN_MS = 5000;

/** The cells of a runtime: started when needed, one sandbox on the least busy one, replaced when lost. */
export class CellPool {
  readonly #options: PoolOptions;
  readonly #cells: Cell[] = [];
  #early: ChildProcess | null;
  #timer: NodeJS.Timeout | null = null;
  #sandboxes = 0;
  #failures = 0;
  #failure = { at: 0, reason: "" };
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#early = options.early ?? null;
  }

  /** Process ids of the cells, for tests and tools. */
  get pids(): readonly number[] {
    return this.#cells.flatMap(({ pid }) => pid ?? []);
  }

  /** Why no cell can be started, if none can. */
  get broken(): string | null {
    return this.#failures >= MOST_FAILURES ? this.#failure.reason : null;
  }

  /** @throws Error if there can be no cell */
  open(request: OpenRequest, listener: SandboxListener): SandboxHandle {
    const { artifact, task, args, limits, granted, seed, surroundings, seat } = request;
    return this.#place({ purpose: "attempt", granted, seat }, listener, (cell, sandbox) => {
      cell.give(artifact);
      cell.send({
        type: "open",
        sandbox,
        session: seat?.id ?? 0,
        artifact: artifact.hash,
        task,
        limits,
        granted,
        seed,
        now: Date.now(),
        environment: JSON.stringify(surroundings.environment),
        mounts: JSON.stringify(surroundings.mounts),
        body: args,
      });
    });
  }

  /** @throws Error if there can be no cell */
  load(
    source: Uint8Array,
    limits: SandboxLimits,
    variables: readonly string[],
    listener: SandboxListener,
  ): SandboxHandle {
    const terms = { purpose: "load", granted: limits.ram ?? LIMITS.memoryBytes, seat: null } as const;
    return this.#place(terms, listener, (cell, sandbox) =>
      cell.send({ type: "load", sandbox, limits, variables: JSON.stringify(variables), body: source }),
    );
  }

  /** Kills all cells. */
  close(): void {
    this.#closed = true;
    if (this.#timer) clearInterval(this.#timer);
    this.#early?.kill("SIGKILL");
    for (const cell of [...this.#cells]) cell.kill("the runtime was closed");
  }

  #place(
    terms: Terms,
    listener: SandboxListener,
    open: (cell: Cell, sandbox: number) => void,
  ): SandboxHandle {
    const sandbox = new PlacedSandbox(++this.#sandboxes, terms, listener, open, () =>
      this.#choose(terms.seat),
    );
    sandbox.place();
    return sandbox;
  }

  /**
   * The cell of the seat; else the least busy one that answers; another one if all are busy and there may be more. Sessions
   * stay where they begin, so they are spread.
   */
  #choose(seat: Seat | null): Cell {
    if (seat?.cell) return seat.cell;
    let best: Cell | null = null;
    for (const cell of this.#cells) if (!best || isBetter(cell, best)) best = cell;
    const free = best !== null && best.load === 0 && !best.quiet && (seat === null || best.seats === 0);
    if (best && (free || this.#cells.length >= this.#options.most)) return best;
    return this.#add();
  }

  #add(): Cell {
    const { parts, engine, tickMs = TICK_MS, mostUnread, kept } = this.#options;
    if (this.#closed) throw new Error("the runtime was closed");
    if (this.#failures >= MOST_FAILURES && performance.now() - this.#failure.at < BROKEN_MS)
      throw new Error(`cells end before they have started: ${this.#failure.reason}`);
    const child = this.#early ?? startCell(parts);
    this.#early = null;
    const onExit = (gone: Cell, reason: string): void => {
      this.#cells.splice(this.#cells.indexOf(gone), 1);
      this.#failures = gone.started ? 0 : this.#failures + 1;
      this.#failure = { at: performance.now(), reason };
    };
    const cell = new Cell(child, engine, onExit, mostUnread);
    if (kept !== undefined) cell.send({ type: "keep", bytes: kept });
    this.#cells.push(cell);
    this.#timer ??= setInterval(() => {
      for (const each of [...this.#cells]) each.tick();
    }, tickMs).unref();
    return cell;
  }
}

/**
 * Whether more work should go to one cell rather than to another. What waits counts last, so that one that only says
 * that all in it waits does not get everything.
 */
function isBetter(a: Cell, b: Cell): boolean {
  if (a.quiet !== b.quiet) return b.quiet;
  if (a.load !== b.load) return a.load < b.load;
  return a.sandboxes < b.sandboxes;
}

/** A sandbox on the cell it was given; on another one if that ended before it had begun. */
class PlacedSandbox implements SandboxHandle, SandboxListener {
  readonly #id: number;
  readonly #terms: Terms;
  readonly #listener: SandboxListener;
  readonly #open: (cell: Cell, sandbox: number) => void;
  readonly #choose: () => Cell;
  #cell: Cell | null = null;
  #turns = new Turns();
  #stopping = false;
  #over = false;

  constructor(
    id: number,
    terms: Terms,
    listener: SandboxListener,
    open: (cell: Cell, sandbox: number) => void,
    choose: () => Cell,
  ) {
    this.#id = id;
    this.#terms = terms;
    this.#listener = listener;
    this.#open = open;
    this.#choose = choose;
  }

  get busy(): boolean {
    return this.#turns.busy;
  }

  /** @throws Error if there can be no cell */
  place(): void {
    const cell = this.#choose();
    this.#cell = cell;
    cell.load++;
    cell.listen(this.#id, this.#terms, this);
    this.#open(cell, this.#id);
  }

  complete(call: number, envelope: Uint8Array): void {
    if (this.#over) return;
    this.#change(() => this.#turns.completed(call));
    this.#cell?.send({ type: "complete", sandbox: this.#id, call, now: Date.now(), body: envelope });
  }

  wake(at: number): void {
    if (this.#over) return;
    this.#change(() => this.#turns.woken());
    this.#cell?.send({ type: "wake", sandbox: this.#id, now: Math.max(at, Date.now()) });
  }

  grant(granted: number): void {
    if (this.#over) return;
    this.#change(() => this.#turns.granted());
    this.#cell?.grant(this.#id, granted);
  }

  stop(): void {
    this.#stopping = true;
    this.#cell?.stop(this.#id);
  }

  started(): void {
    this.#listener.started();
  }

  call(message: Of<"call">): void {
    this.#change(() => this.#turns.called(message.call, message.mode));
    this.#listener.call(message);
  }

  effect(message: Of<"effect">): void {
    this.#change(() => this.#turns.called(message.call, message.mode));
    this.#listener.effect(message);
  }

  revoke(message: Of<"revoke">): void {
    this.#turns.spoke();
    this.#listener.revoke(message);
  }

  output(message: Of<"output">): void {
    this.#turns.spoke();
    this.#listener.output(message);
  }

  idle(message: Of<"idle">): void {
    this.#change(() => this.#turns.idle());
    this.#listener.idle(message);
  }

  grown(message: Of<"grown">): void {
    this.#change(() => this.#turns.grown());
    this.#listener.grown(message);
  }

  took(message: Of<"took">): void {
    this.#listener.took(message);
  }

  used(message: Of<"used">): void {
    this.#listener.used(message);
  }

  ended(message: Of<"ended">): void {
    this.#end();
    this.#listener.ended(message);
  }

  loaded(message: Of<"loaded">): void {
    this.#end();
    this.#listener.loaded(message);
  }

  lost(reason: string): void {
    if (!this.#stopping && this.#cell && !this.#cell.started) {
      try {
        this.place();
        return;
      } catch {
        // Then it is lost.
      }
    }
    this.#end();
    this.#listener.lost(reason);
  }

  #change(act: () => void): void {
    const before = this.busy;
    act();
    if (this.#cell) this.#cell.load += Number(this.busy) - Number(before);
  }

  #end(): void {
    this.#change(() => this.#turns.ended());
    this.#over = true;
  }
}
