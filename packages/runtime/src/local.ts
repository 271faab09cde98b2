import type { AttemptLog, AttemptSpec, Completion, Execute, Op, Outcome } from "@capsule-run/protocol";
import { type Admission, type AdmissionEvent, admit, createAdmission } from "@capsule-run/scheduler";

const NEVER = new AbortController().signal;
const NOTHING = { fuel: 0, ram: 0, ms: 0 };
const CANCELLED: Outcome = { ok: false, error: "cancelled", message: "cancelled", usage: NOTHING };

/**
 * Sandboxes of one run that may live at one level of nesting. They are small (about two megabytes for an ordinary
 * task), and a level needs many only when its tasks wait.
 */
const LIVE_PER_LEVEL = 256;
/** Attempts per cell that share its core by slices, so that a long one never keeps short ones waiting for its end. */
const ACTIVE_PER_CELL = 16;

/**
 * Keeps runs alive in the memory of this process: the first engine behind the seam. A run that it runs ends with the
 * process.
 */
export class LocalEngine {
  readonly #admission: Admission;
  readonly #starts = new Map<number, () => void>();
  readonly #execute: Execute;
  #ids = 0;

  constructor(execute: Execute, cells: number) {
    this.#execute = execute;
    this.#admission = createAdmission({ active: cells * ACTIVE_PER_CELL, livePerLevel: LIVE_PER_LEVEL });
  }

  /**
   * A log for a caller that is no attempt itself: the root of a run. Cancelling it ends what it asked for, and the
   * completions say so.
   */
  root(cancelled: AbortSignal): AttemptLog {
    return new MemoryLog(this, NEVER, () => {}, cancelled);
  }

  /** Executes an attempt when there is room for it. */
  async attempt(spec: AttemptSpec, cancelled: AbortSignal): Promise<Outcome> {
    const id = ++this.#ids;
    const depth = spec.path.split(".").length - 1;
    if (cancelled.aborted) return CANCELLED;
    const admitted = await new Promise<boolean>((resolve) => {
      const withdraw = (): void => {
        this.#starts.delete(id);
        this.#admit({ type: "withdrawn", id });
        resolve(false);
      };
      cancelled.addEventListener("abort", withdraw, { once: true });
      this.#starts.set(id, () => {
        cancelled.removeEventListener("abort", withdraw);
        resolve(true);
      });
      this.#admit({ type: "arrived", candidate: { id, run: spec.run, depth } });
    });
    if (!admitted) return CANCELLED;
    const log = new MemoryLog(this, cancelled, (active) =>
      this.#admit({ type: active ? "active" : "waiting", id }),
    );
    try {
      return await this.#execute(spec, log);
    } finally {
      log.close();
      this.#admit({ type: "ended", id });
    }
  }

  #admit(event: AdmissionEvent): void {
    for (const id of admit(this.#admission, event)) {
      const start = this.#starts.get(id);
      this.#starts.delete(id);
      start?.();
    }
  }
}

/** A log that forgets: ops run at once, completions come in the order in which they happen. */
class MemoryLog implements AttemptLog {
  readonly #engine: LocalEngine;
  readonly #cancelled: AbortSignal;
  readonly #onActive: (active: boolean) => void;
  readonly #revoked: AbortSignal | null;
  readonly #open = new Map<number, () => void>();
  readonly #ready: Completion[] = [];
  #wake: (() => void) | null = null;
  readonly #onCancel = (): void => this.#wake?.();

  /** @param revoked when it aborts, every op ends at once, and its completion comes */
  constructor(
    engine: LocalEngine,
    cancelled: AbortSignal,
    onActive: (active: boolean) => void,
    revoked: AbortSignal | null = null,
  ) {
    this.#engine = engine;
    this.#cancelled = cancelled;
    this.#onActive = onActive;
    this.#revoked = revoked;
    cancelled.addEventListener("abort", this.#onCancel);
  }

  issue(op: Op): void {
    const revoked = this.#revoked;
    if (op.kind === "sleep") {
      const over = (): void => this.#complete(op.seq, null);
      const timer = setTimeout(over, revoked?.aborted ? 0 : Math.min(op.ms, 2 ** 31 - 1));
      revoked?.addEventListener("abort", over, { once: true });
      this.#open.set(op.seq, () => {
        clearTimeout(timer);
        revoked?.removeEventListener("abort", over);
      });
      return;
    }
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    if (revoked?.aborted) abort();
    revoked?.addEventListener("abort", abort, { once: true });
    this.#open.set(op.seq, abort);
    void this.#engine.attempt(op.spec, controller.signal).then((outcome) => this.#complete(op.seq, outcome));
  }

  revoke(seq: number): void {
    const undo = this.#open.get(seq);
    this.#open.delete(seq);
    undo?.();
  }

  async next(): Promise<Completion | null> {
    for (;;) {
      if (this.#cancelled.aborted) return null;
      const completion = this.#ready.shift();
      if (completion) return completion;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  active(active: boolean): void {
    this.#onActive(active);
  }

  /** Gives up whatever is still under way. */
  close(): void {
    this.#cancelled.removeEventListener("abort", this.#onCancel);
    for (const seq of [...this.#open.keys()]) this.revoke(seq);
  }

  #complete(seq: number, outcome: Outcome | null): void {
    // A revoked op's completion must not be seen.
    if (!this.#open.delete(seq)) return;
    this.#ready.push({ seq, outcome });
    this.#wake?.();
  }
}
