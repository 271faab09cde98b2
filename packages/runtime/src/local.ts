import {
  type AttemptLog,
  type AttemptSpec,
  type AttemptState,
  type Completion,
  type Execute,
  Fifo,
  type Op,
  type Outcome,
  type Perform,
} from "@capsule-run/protocol";
import { type Admission, type AdmissionEvent, admit, createAdmission, isStuck } from "@capsule-run/scheduler";

const NOTHING = { fuel: 0, ram: 0, ms: 0, requests: [] };
const FULL: Outcome = {
  ok: false,
  error: "out_of_memory",
  message:
    "the runtime's memory budget is full of what its sessions keep; close those that are not needed, or give the runtime more memory",
  usage: NOTHING,
};
const CANCELLED: Outcome = { ok: false, error: "cancelled", message: "cancelled", usage: NOTHING };

/**
 * Sandboxes of one run that may live at one level of nesting. They are small (about two megabytes for an ordinary
 * task), and a level needs many only when its tasks wait.
 */
const LIVE_PER_LEVEL = 256;
/** Attempts per cell that share its core by slices, so that a long one never keeps short ones waiting for its end. */
const ACTIVE_PER_CELL = 16;
/** Of those, attempts that have not yet shown that they are long. */
const BRISK_PER_CELL = 4;
/** What is active for more than one of these to the end is long. */
const TICK_MS = 50;
const LONGEST_TIMER = 2 ** 31 - 1;

/** Attempts that leave nothing parked, by the bytes they have from their start. */
export const needing = (bytes: (spec: AttemptSpec) => number): Pick<LocalOptions, "needs" | "left"> => ({
  needs: (spec) => ({ sandbox: bytes(spec), beside: 0, parked: 0 }),
  left: () => 0,
});

export interface LocalOptions {
  readonly cells: number;
  /** Bytes of memory that all live sandboxes may have together. */
  readonly memory: number;
  readonly needs: (spec: AttemptSpec) => Needs;
  /** Bytes of memory that an attempt which has ended left parked. */
  readonly left: (spec: AttemptSpec) => number;
}

/** The memory of an attempt, in bytes. */
export interface Needs {
  /** What its sandbox has from its start. */
  readonly sandbox: number;
  /** What it takes beside: an image to go back to. */
  readonly beside: number;
  /** What of both is parked. */
  readonly parked: number;
  /** Whether some of it stays in use when the attempt has ended; default: no. */
  readonly stays?: boolean;
}

/**
 * Keeps runs alive in the memory of this process: the first engine behind the seam. A run that it runs ends with the
 * process.
 */
export class LocalEngine {
  readonly #admission: Admission;
  /** Told whether theirs is to start. */
  readonly #starts = new Map<number, (starts: boolean) => void>();
  /** Attempts that stand still for memory. */
  readonly #asking = new Map<number, (granted: boolean) => void>();
  readonly #execute: Execute;
  readonly #needs: LocalOptions["needs"];
  readonly #left: LocalOptions["left"];
  #ids = 0;
  #ticker: NodeJS.Timeout | undefined;
  #looking: NodeJS.Immediate | undefined;

  constructor(execute: Execute, { cells, memory, needs, left }: LocalOptions) {
    this.#execute = execute;
    this.#needs = needs;
    this.#left = left;
    this.#admission = createAdmission({
      active: cells * ACTIVE_PER_CELL,
      brisk: cells * BRISK_PER_CELL,
      livePerLevel: LIVE_PER_LEVEL,
      memory,
    });
  }

  /**
   * A log for a caller that is no attempt itself: the root of a run. Cancelling it ends what it asked for, and the
   * completions say so. It must be closed.
   */
  root(cancelled: AbortSignal): AttemptLog & { close(): void } {
    return new MemoryLog(this, { onAbort: "end", signal: cancelled }, ROOT);
  }

  /** Executes an attempt when there is room for it. Never rejects. */
  async attempt(spec: AttemptSpec, cancelled: AbortSignal): Promise<Outcome> {
    const id = ++this.#ids;
    const depth = spec.path.split(".").length - 1;
    if (cancelled.aborted) return CANCELLED;
    const { sandbox, beside, parked, stays = false } = this.#needs(spec);
    const admitted = await new Promise<boolean>((resolve) => {
      const withdraw = (): void => {
        this.#starts.delete(id);
        this.#admit({ type: "withdrawn", id });
        resolve(false);
      };
      cancelled.addEventListener("abort", withdraw, { once: true });
      this.#starts.set(id, (starts) => {
        cancelled.removeEventListener("abort", withdraw);
        resolve(starts);
      });
      this.#admit({
        type: "arrived",
        candidate: { id, run: spec.run, depth, memory: sandbox + beside, parked, stays },
      });
    });
    if (!admitted) return cancelled.aborted ? CANCELLED : FULL;
    this.#ticker ??= setInterval(() => this.#admit({ type: "tick" }), TICK_MS).unref();
    const log = new MemoryLog(
      this,
      { onAbort: "give up", signal: cancelled },
      {
        granted: sandbox,
        state: (state) => this.#admit({ type: state, id }),
        memory: (bytes) =>
          new Promise((resolve) => {
            this.#asking.set(id, resolve);
            this.#admit({ type: "grown", id, memory: bytes + beside });
          }),
      },
    );
    try {
      return cancelled.aborted ? CANCELLED : await this.#execute(spec, log);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return { ok: false, error: "internal_error", message, usage: NOTHING };
    } finally {
      log.close();
      this.#asking.delete(id);
      this.#admit({ type: "ended", id, parked: this.#left(spec) });
      if (this.#admission.live.size === 0) this.#stopTicking();
    }
  }

  /** What is parked has become more, or less, by so many bytes. */
  parked(bytes: number): void {
    if (bytes !== 0) this.#admit({ type: "parked", bytes });
  }

  /** Looks once more when whoever waits for what has ended has heard of it: that takes no more than promises. */
  #lookAgain(): void {
    this.#looking ??= setImmediate(() => {
      this.#looking = undefined;
      this.#admit({ type: "quiet" });
    });
  }

  #stopTicking(): void {
    clearInterval(this.#ticker);
    this.#ticker = undefined;
  }

  #admit(event: AdmissionEvent): void {
    for (const decision of admit(this.#admission, event)) {
      const { id } = decision;
      if (decision.do === "start" || decision.do === "refuse") {
        const settle = this.#starts.get(id);
        this.#starts.delete(id);
        settle?.(decision.do === "start");
      } else {
        const answer = this.#asking.get(id);
        this.#asking.delete(id);
        answer?.(decision.do === "resume");
      }
    }
    if (event.type !== "quiet" && isStuck(this.#admission)) this.#lookAgain();
  }
}

/** The share of a log that is about admission. */
type Standing = Pick<AttemptLog, "granted" | "state" | "memory">;

/** A root has no sandbox. */
const ROOT: Standing = { granted: 0, state: () => {}, memory: async () => false };

/** What is under way for a log. */
interface OpenOp {
  giveUp(): void;
  /** Ends it at once, so that its completion comes. */
  end(): void;
}

interface Cancellation {
  readonly signal: AbortSignal;
  /** Whether the owner of the log is cancelled with all it asked for, or goes on to hear how that ends. */
  readonly onAbort: "give up" | "end";
}

/** A log that forgets: ops run at once, completions come in the order in which they happen. */
class MemoryLog implements AttemptLog {
  readonly #engine: LocalEngine;
  readonly #cancellation: Cancellation;
  readonly #standing: Standing;
  readonly granted: number;
  readonly #open = new Map<number, OpenOp>();
  readonly #ready = new Fifo<Completion>();
  #wake: (() => void) | null = null;

  constructor(engine: LocalEngine, cancellation: Cancellation, standing: Standing) {
    this.#engine = engine;
    this.#cancellation = cancellation;
    this.#standing = standing;
    this.granted = standing.granted;
    cancellation.signal.addEventListener("abort", this.#onAbort);
  }

  issue(op: Op, perform?: Perform): void {
    if (op.kind === "sleep") this.#sleep(op.seq, performance.now() + op.ms);
    else if (op.kind === "task") this.#attempt(op.seq, op.spec);
    else if (perform) this.#effect(op.seq, perform);
    const { signal, onAbort } = this.#cancellation;
    if (signal.aborted && onAbort === "end") this.#open.get(op.seq)?.end();
  }

  revoke(seq: number): void {
    const op = this.#open.get(seq);
    this.#open.delete(seq);
    op?.giveUp();
  }

  async next(): Promise<Completion | null> {
    const { signal, onAbort } = this.#cancellation;
    for (;;) {
      if (signal.aborted && onAbort === "give up") return null;
      const completion = this.#ready.shift();
      if (completion) return completion;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  state(state: AttemptState): void {
    this.#standing.state(state);
  }

  memory(bytes: number): Promise<boolean> {
    return this.#standing.memory(bytes);
  }

  /** Gives up whatever is still under way. */
  close(): void {
    this.#cancellation.signal.removeEventListener("abort", this.#onAbort);
    for (const seq of [...this.#open.keys()]) this.revoke(seq);
  }

  readonly #onAbort = (): void => {
    if (this.#cancellation.onAbort === "end") for (const op of [...this.#open.values()]) op.end();
    else this.#wake?.();
  };

  #attempt(seq: number, spec: AttemptSpec): void {
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    this.#open.set(seq, { giveUp: abort, end: abort });
    void this.#engine.attempt(spec, controller.signal).then((outcome) => this.#complete(seq, outcome));
  }

  #effect(seq: number, perform: Perform): void {
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    this.#open.set(seq, { giveUp: abort, end: abort });
    void perform(controller.signal).then((answer) => this.#complete(seq, null, answer));
  }

  /** Sleeps in parts, because a timer of Node's holds 24 days. */
  #sleep(seq: number, until: number): void {
    const left = Math.max(0, until - performance.now());
    const over = (): void => this.#complete(seq, null);
    const timer = setTimeout(
      left > LONGEST_TIMER ? () => this.#sleep(seq, until) : over,
      Math.min(left, LONGEST_TIMER),
    );
    const giveUp = (): void => clearTimeout(timer);
    this.#open.set(seq, {
      giveUp,
      end: () => {
        giveUp();
        over();
      },
    });
  }

  #complete(seq: number, outcome: Outcome | null, answer?: Uint8Array): void {
    // A revoked op's completion must not be seen.
    if (!this.#open.delete(seq)) return;
    this.#ready.push(answer ? { seq, outcome, answer } : { seq, outcome });
    this.#wake?.();
  }
}
