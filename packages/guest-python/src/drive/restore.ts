import { clearMarks, dirtyRuns, type MarkMap, PAGE, WASM_PAGE } from "@capsule-run/wasm/host";
import type { BaseImage } from "./base.ts";

/** A memory that differs from the engine's image in some pages. */
export interface PageSource {
  /** Bytes of memory. */
  readonly length: number;
  /** The contents of a page where it differs from the engine's image. */
  page(number: number): Uint8Array | undefined;
  /** Numbers of the pages that differ. */
  readonly pages: readonly number[];
}

/** The memory of an instance, and what was put there last. */
export interface Slate {
  readonly memory: WebAssembly.Memory;
  /** The pages that were written since. */
  readonly marks: MarkMap;
  /** What it held then (null: the bare engine's image); undefined: it is as it was made, all zeros. */
  held: PageSource | null | undefined;
}

/**
 * Sets an instance's memory to the engine's image with other pages in it, and all behind it to zeros. What is
 * written back are only the pages that were written since the last time and those in which the two differ.
 */
export function restore(slate: Slate, program: PageSource | null, base: BaseImage): void {
  const { memory, marks, held } = slate;
  const length = program?.length ?? base.layout.length;
  if (length > memory.buffer.byteLength) memory.grow((length - memory.buffer.byteLength) / WASM_PAGE);
  const bytes = new Uint8Array(memory.buffer);
  const write = (page: number, start: number, end: number): void => {
    const own = program?.page(page);
    if (own) bytes.set(own.subarray(start - page * PAGE, end - page * PAGE), start);
  };
  const writeAll = (pages: readonly number[] = []): void => {
    for (const page of pages) write(page, page * PAGE, (page + 1) * PAGE);
  };
  if (held === undefined) base.fillFresh(bytes);
  else {
    // All that is really there, not only what the guest knows of: a guest that broke its engine may have written to it.
    for (const { start, end } of dirtyRuns(marks, bytes.length)) {
      base.copy(bytes, start, end);
      for (let page = Math.floor(start / PAGE); page * PAGE < end; page++)
        write(page, Math.max(start, page * PAGE), Math.min(end, (page + 1) * PAGE));
    }
    if (held !== program)
      for (const page of held?.pages ?? []) base.copy(bytes, page * PAGE, (page + 1) * PAGE);
  }
  if (held !== program) writeAll(program?.pages);
  slate.held = program;
  clearMarks(marks, bytes.length);
}
