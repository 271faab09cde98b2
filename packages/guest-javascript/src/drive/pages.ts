/**
 * A program's memory as the pages in which it differs from its engine's: `u32 bytes of memory · u32 number of pages ·
 * u32 index of each · their contents`, little endian.
 */
const PAGE = 4096;
const WASM_PAGE = 65_536;

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

/**
 * `base` with a difference applied: a new array.
 * @throws RangeError if the difference is not one
 */
export function applied(pages: Uint8Array, base: Uint8Array): Uint8Array {
  if (pages.length < 8) throw new RangeError("not a page difference");
  const view = new DataView(pages.buffer, pages.byteOffset, pages.length);
  const length = view.getUint32(0, true);
  const count = view.getUint32(4, true);
  if (length < base.length || length % WASM_PAGE !== 0 || pages.length !== 8 + count * (4 + PAGE))
    throw new RangeError("not a page difference");
  const memory = new Uint8Array(length);
  memory.set(base);
  for (let i = 0; i < count; i++) {
    const at = 8 + count * 4 + i * PAGE;
    memory.set(pages.subarray(at, at + PAGE), view.getUint32(8 + i * 4, true) * PAGE);
  }
  return memory;
}
