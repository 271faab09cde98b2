import { dirtyRuns, PAGE } from "@capsule-run/wasm/host";
import type { PageSource, Slate } from "./restore.ts";

/** Pages whose copies are allocated together. */
const SLAB = 64;

/** What an instance was at the end of a task: the pages in which it differs from what it began with. */
export class SavedPages implements PageSource {
  readonly #under: PageSource | null;
  readonly #own = new Map<number, Uint8Array>();
  #slab = new Uint8Array(0);
  #used = 0;
  #length = 0;

  /** @param under what the instance began with: a program's pages, or null for the bare engine's */
  constructor(under: PageSource | null) {
    this.#under = under;
  }

  get length(): number {
    return this.#length;
  }

  /** Bytes of the copies. */
  get bytes(): number {
    return this.#own.size * PAGE;
  }

  get pages(): readonly number[] {
    return [...new Set([...(this.#under?.pages ?? []), ...this.#own.keys()])];
  }

  page(number: number): Uint8Array | undefined {
    return this.#own.get(number) ?? this.#under?.page(number);
  }

  /**
   * Copies what was written since the memory was last what this, or what is under it, says.
   * @param length bytes of memory that the guest has
   * @throws RangeError if there is no memory for it
   */
  take({ memory, marks }: Slate, length: number): void {
    const bytes = new Uint8Array(memory.buffer);
    for (const { start, end } of dirtyRuns(marks, length))
      for (let page = Math.floor(start / PAGE); page * PAGE < end; page++) {
        const known = this.#own.get(page);
        const from = known ? Math.max(start, page * PAGE) : page * PAGE;
        const to = known ? Math.min(end, (page + 1) * PAGE) : (page + 1) * PAGE;
        (known ?? this.#add(page)).set(bytes.subarray(from, to), from - page * PAGE);
      }
    this.#length = length;
  }

  #add(page: number): Uint8Array {
    if (this.#used === this.#slab.length) {
      this.#slab = new Uint8Array(SLAB * PAGE);
      this.#used = 0;
    }
    const copy = this.#slab.subarray(this.#used, this.#used + PAGE);
    this.#used += PAGE;
    this.#own.set(page, copy);
    return copy;
  }
}

/** Bytes of the pages that were written since the marks were cleared; a few more, for what lies beside them. */
export const dirtyBytes = ({ marks }: Slate, length: number): number =>
  dirtyRuns(marks, length).reduce(
    (sum, { start, end }) => sum + (Math.ceil(end / PAGE) - Math.floor(start / PAGE)) * PAGE,
    0,
  );
