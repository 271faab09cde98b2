import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { type ImageLayout, type ReadAt, readLayout } from "./image.ts";

/** The engine's image: in its file until somebody needs it in memory. */
export class BaseImage {
  readonly layout: ImageLayout;
  readonly #read: ReadAt;
  #memory: Uint8Array | null = null;

  constructor(path: string) {
    const file = openSync(path, "r");
    this.#read = (position, into) => {
      for (let at = 0; at < into.length; ) {
        const length = readSync(file, into, at, into.length - at, position + at);
        if (length === 0) throw new RangeError("an image that ends too early");
        at += length;
      }
    };
    try {
      this.layout = readLayout(this.#read, fstatSync(file).size);
    } catch (error) {
      closeSync(file);
      throw error;
    }
  }

  /** Fills memory that is all zeros. The first time it comes from the file, without a copy between. */
  fillFresh(memory: Uint8Array): void {
    const { runs } = this.layout;
    if (this.#memory)
      for (const { start, bytes } of runs) memory.set(this.#memory.subarray(start, start + bytes), start);
    else for (const { start, bytes, at } of runs) this.#read(at, memory.subarray(start, start + bytes));
  }

  /** Sets a part of another memory to what it is in this one; behind the end of this one to zeros. */
  copy(memory: Uint8Array, start: number, end: number): void {
    const inside = Math.min(end, this.layout.length);
    if (start < inside) memory.set(this.memory.subarray(start, inside), start);
    if (inside < end) memory.fill(0, Math.max(start, inside), end);
  }

  /** The whole memory. Zero pages of it take no room until somebody writes to them. */
  get memory(): Uint8Array {
    if (!this.#memory) {
      const memory = new Uint8Array(this.layout.length);
      for (const { start, bytes, at } of this.layout.runs)
        this.#read(at, memory.subarray(start, start + bytes));
      this.#memory = memory;
    }
    return this.#memory;
  }
}
