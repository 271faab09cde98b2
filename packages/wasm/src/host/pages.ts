/**
 * A program's memory as the pages in which it differs from its engine's: `u32 bytes of memory · u32 number of pages ·
 * u32 index of each · their contents`, little endian.
 */
export const PAGE = 4096;
/** Bytes of a page of WebAssembly memory. */
export const WASM_PAGE = 65_536;

/** The difference of `memory` to `base`. Beyond the end of `base` it is compared with zeros. */
export function difference(memory: Uint8Array, base: Uint8Array): Uint8Array {
  const changed: number[] = [];
  const zeros = Buffer.alloc(PAGE);
  for (let at = 0; at < memory.length; at += PAGE) {
    const page = memory.subarray(at, at + PAGE);
    const old = at < base.length ? base.subarray(at, at + PAGE) : zeros;
    if (Buffer.compare(page, old) !== 0) changed.push(at / PAGE);
  }
  const out = new Uint8Array(8 + changed.length * (4 + PAGE));
  const view = new DataView(out.buffer);
  view.setUint32(0, memory.length, true);
  view.setUint32(4, changed.length, true);
  let at = 8 + changed.length * 4;
  for (const [i, page] of changed.entries()) {
    view.setUint32(8 + i * 4, page, true);
    out.set(memory.subarray(page * PAGE, (page + 1) * PAGE), at);
    at += PAGE;
  }
  return out;
}

/** A difference, taken apart. */
export interface PageDifference {
  /** Bytes of the memory it makes. */
  readonly length: number;
  /** Numbers of the pages that differ. */
  readonly pages: readonly number[];
  /** Their contents, one behind the other. */
  readonly contents: Uint8Array;
}

/**
 * Takes a difference apart.
 * @param base bytes of the memory it is a difference to
 * @throws RangeError if it is not one
 */
export function readDifference(bytes: Uint8Array, base: number): PageDifference {
  if (bytes.length < 8) throw new RangeError("not a page difference");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = view.getUint32(0, true);
  const count = view.getUint32(4, true);
  if (length < base || length % WASM_PAGE !== 0 || bytes.length !== 8 + count * (4 + PAGE))
    throw new RangeError("not a page difference");
  const pages = Array.from({ length: count }, (_, i) => view.getUint32(8 + i * 4, true));
  if (pages.some((page) => page >= length / PAGE)) throw new RangeError("a page outside memory");
  return { length, pages, contents: bytes.subarray(8 + count * 4) };
}

/**
 * `base` with a difference applied: a new array.
 * @throws RangeError if the difference is not one
 */
export function applied(bytes: Uint8Array, base: Uint8Array): Uint8Array {
  const { length, pages, contents } = readDifference(bytes, base.length);
  const memory = new Uint8Array(length);
  memory.set(base);
  for (const [i, page] of pages.entries())
    memory.set(contents.subarray(i * PAGE, (i + 1) * PAGE), page * PAGE);
  return memory;
}
