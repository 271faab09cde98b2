import { totalmem } from "node:os";
import { type AttemptSpec, LIMITS } from "@capsule-run/protocol";

const MIB = 1024 ** 2;
/** The share of the machine's memory that a runtime takes at most unless it is told. */
const DEFAULT_SHARE = 3 / 4;
/** Of the budget, the part that unused instances may take, all cells together. The rest is for live sandboxes. */
const KEPT_SHARE = 1 / 8;
/** How much more a sandbox gets than it needs, so that it need not ask at each step: an eighth, and at least this. */
const LEAST_ROOM = 4 * MIB;
const ROOM_SHARE = 1 / 8;
/** How much more a sandbox gets from its start when the last one of its task needed it: what a cell keeps an instance for. */
const MOST_FORESIGHT = 48 * MIB;
const FORESIGHT_SHARE = 1 / 128;
/** Tasks whose need is remembered. */
const MOST_TASKS = 10_000;

/** The bytes of memory a runtime may take by default: three quarters of what the machine or its cgroup has. */
export function defaultBudget(): number {
  const constrained = process.constrainedMemory();
  const there = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
  return Math.floor(there * DEFAULT_SHARE);
}

/** What of a runtime's memory budget goes where, and how much a sandbox is given. */
export class MemoryPlan {
  /** Bytes for everything. */
  readonly budget: number;
  /** Bytes that all live sandboxes may have together. */
  readonly sandboxes: number;
  /** Bytes that unused instances may take, all cells together. */
  readonly kept: number;
  /** What the last attempt of a task had at its end. */
  readonly #needed = new Map<string, number>();

  /** @throws RangeError if `budget` is not a positive integer */
  constructor(budget: number = defaultBudget()) {
    if (!Number.isSafeInteger(budget) || budget <= 0)
      throw new RangeError(`memory: ${budget} is no positive number of bytes`);
    this.budget = budget;
    this.kept = Math.floor(budget * KEPT_SHARE);
    this.sandboxes = budget - this.kept;
  }

  /**
   * Bytes that an attempt has from its start.
   * @param pages its program's page difference
   */
  atStart(spec: AttemptSpec, pages: Uint8Array): number {
    const image = imageBytes(pages) + LEAST_ROOM;
    const foresight = Math.min(MOST_FORESIGHT, Math.floor(this.sandboxes * FORESIGHT_SHARE));
    return Math.max(image, Math.min(this.#needed.get(keyOf(spec)) ?? 0, image + foresight));
  }

  /** Bytes to ask for when a sandbox has grown to `ram` bytes: it may not need more than its limit. */
  growth(ram: number, limit: number | null): number {
    const room = ram + Math.max(LEAST_ROOM, Math.floor(ram * ROOM_SHARE));
    // A little room must not be what a sandbox fails for that has all it needs.
    const most = Math.min(limit ?? LIMITS.memoryBytes, LIMITS.memoryBytes, this.sandboxes);
    return Math.max(ram, Math.min(room, most));
  }

  /** An attempt that had so many bytes has ended. */
  ended(spec: AttemptSpec, bytes: number): void {
    const key = keyOf(spec);
    this.#needed.delete(key);
    this.#needed.set(key, bytes);
    if (this.#needed.size > MOST_TASKS)
      for (const oldest of this.#needed.keys()) {
        this.#needed.delete(oldest);
        break;
      }
  }
}

const keyOf = ({ artifact, task }: AttemptSpec): string => `${artifact} ${task}`;

/** Bytes of the memory that a page difference makes. */
export const imageBytes = (pages: Uint8Array): number =>
  pages.length < 4 ? 0 : new DataView(pages.buffer, pages.byteOffset, pages.length).getUint32(0, true);
