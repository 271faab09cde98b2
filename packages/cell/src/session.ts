import type { SessionMemory, TurnEnd } from "@capsule-run/protocol";
import type { InstancePool, Lease } from "./pool.ts";

/** What an attempt leaves for the next one of its session. */
export interface Left {
  readonly memory: SessionMemory | "";
  /** Bytes of memory of the instance, and of the image that is taken of it. */
  readonly parked: number;
  readonly image: number;
}

/** What an attempt without a session leaves. */
export const NOTHING_LEFT: Left = { memory: "", parked: 0, image: 0 };

/** An instance may be so much larger than its image before another one takes its place when it goes back to that. */
const SPARE = 16 * 1024 * 1024;

/** An instance that attempts enter one after the other, without a reset; it never goes back to the pool. */
export class Session<Prepared> {
  readonly #pool: InstancePool<Prepared>;
  /** Null until an attempt has left something. */
  #lease: Lease<Prepared> | null = null;
  /** Whether an image of what it is now is still to be taken. */
  #isUnsaved = false;
  /** Calls that its attempts have made: their numbers go on, so that none is taken for one of an earlier attempt. */
  calls = 0;

  constructor(pool: InstancePool<Prepared>) {
    this.#pool = pool;
  }

  /** Its instance, ready to be entered; null: there is none yet. */
  enter(): Lease<Prepared> | null {
    this.save();
    return this.#lease;
  }

  /**
   * An attempt has ended. What is let go of is for the caller to collect.
   * @param lease what it ran in; null: nothing of it ran. It is this session's from now on, unless that leaves nothing
   * @param granted bytes of memory it had
   */
  end(lease: Lease<Prepared> | null, end: TurnEnd, granted: number): Left {
    if (lease && leavesMore(end)) {
      lease.instance.keep();
      this.#lease = lease;
      this.#isUnsaved = true;
      return this.#left("kept");
    }
    if (!lease || !this.#lease) return this.#left("rolled_back");
    try {
      this.#rollBack(this.#lease, granted);
      return this.#left("rolled_back");
    } catch {
      this.drop();
      return this.#left("lost");
    }
  }

  /** Whether it is the one that an attempt ran in. */
  has(lease: Lease<Prepared> | null): boolean {
    return lease !== null && this.#lease === lease;
  }

  /** Takes the image that is due. Nobody hears of it if that fails: only who needs it does. */
  save(): void {
    if (!this.#isUnsaved || !this.#lease) return;
    this.#isUnsaved = false;
    try {
      this.#lease.instance.save();
    } catch {
      // There was no memory for it: a failure of the next attempt loses the session.
    }
  }

  drop(): void {
    this.#lease?.discard();
    this.#lease = null;
    this.#isUnsaved = false;
    this.#pool.collectSoon();
  }

  #rollBack(lease: Lease<Prepared>, granted: number): void {
    const { instance } = lease;
    if (instance.memory <= instance.savedMemory + SPARE) {
      instance.restore();
      return;
    }
    // Memory can't be given back but with all of its instance.
    const other = this.#pool.take(lease.host, Math.max(granted, instance.savedMemory));
    other.instance.adopt(instance);
    lease.discard();
    this.#lease = other;
  }

  #left(memory: SessionMemory): Left {
    if (!this.#lease) return { memory, parked: 0, image: 0 };
    this.#lease.host = null;
    const { instance } = this.#lease;
    return { memory, parked: instance.memory, image: instance.imageBytes };
  }
}

/**
 * Whether a task ended by itself, so that its engine is sound: by a result, also a wrong one, or by an exception; not by
 * one for want of memory, which may have come anywhere.
 */
function leavesMore(end: TurnEnd): boolean {
  if (end.state === "result") return true;
  if (end.state === "raised") return end.error !== "out_of_memory";
  return end.state === "failed" && (end.error === "invalid_result" || end.error === "invalid_arguments");
}
