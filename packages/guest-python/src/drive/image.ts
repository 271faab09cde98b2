import { PAGE } from "@capsule-run/wasm/host";

/**
 * An engine's memory after its boot, as it is kept: only what is not zero, because two thirds of it are.
 * `u32 bytes of memory · u32 number of runs · (u32 first page · u32 pages) of each · their contents`, little endian.
 */
export interface ImageLayout {
  /** Bytes of memory. */
  readonly length: number;
  /** Runs of pages that are not all zeros, in order: where each begins in memory, its bytes, and where it is in the file. */
  readonly runs: readonly { readonly start: number; readonly bytes: number; readonly at: number }[];
}

const HEAD = 8;
const RUN = 8;

export function encodeImage(memory: Uint8Array): Uint8Array {
  const zeros = Buffer.alloc(PAGE);
  const runs: { first: number; pages: number }[] = [];
  for (let page = 0; page < memory.length / PAGE; page++) {
    if (Buffer.compare(memory.subarray(page * PAGE, (page + 1) * PAGE), zeros) === 0) continue;
    const last = runs.at(-1);
    if (last && last.first + last.pages === page) last.pages++;
    else runs.push({ first: page, pages: 1 });
  }
  const contents = runs.reduce((sum, { pages }) => sum + pages * PAGE, 0);
  const image = new Uint8Array(HEAD + runs.length * RUN + contents);
  const view = new DataView(image.buffer);
  view.setUint32(0, memory.length, true);
  view.setUint32(4, runs.length, true);
  let at = HEAD + runs.length * RUN;
  for (const [i, { first, pages }] of runs.entries()) {
    view.setUint32(HEAD + i * RUN, first, true);
    view.setUint32(HEAD + i * RUN + 4, pages, true);
    image.set(memory.subarray(first * PAGE, (first + pages) * PAGE), at);
    at += pages * PAGE;
  }
  return image;
}

/** Reads by position, as from a file: fills `into`. */
export type ReadAt = (position: number, into: Uint8Array) => void;

/** @throws RangeError if it is no image */
export function readLayout(read: ReadAt, size: number): ImageLayout {
  const head = new Uint8Array(HEAD);
  if (size < HEAD) throw new RangeError("not an image");
  read(0, head);
  const view = new DataView(head.buffer);
  const length = view.getUint32(0, true);
  const count = view.getUint32(4, true);
  if (size < HEAD + count * RUN) throw new RangeError("not an image");
  const table = new Uint8Array(count * RUN);
  read(HEAD, table);
  const entries = new DataView(table.buffer);
  let at = HEAD + table.length;
  const runs = Array.from({ length: count }, (_, i) => {
    const run = {
      start: entries.getUint32(i * RUN, true) * PAGE,
      bytes: entries.getUint32(i * RUN + 4, true) * PAGE,
      at,
    };
    at += run.bytes;
    if (run.start + run.bytes > length) throw new RangeError("an image larger than its memory");
    return run;
  });
  if (at !== size) throw new RangeError("an image of another size than it says");
  return { length, runs };
}
