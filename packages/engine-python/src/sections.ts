const HEADER = 8;
const DATA = 11;
const DATA_COUNT = 12;

/**
 * A module without its data segments: the same bytes as if it had been rewritten without them, in no time. Whoever
 * starts it brings a memory that holds them.
 */
export function withoutData(wasm: Uint8Array): Uint8Array {
  const kept = [wasm.subarray(0, HEADER)];
  for (let at = HEADER; at < wasm.length; ) {
    const start = at;
    const id = wasm[at++];
    let size = 0;
    for (let shift = 0, more = true; more; shift += 7) {
      const byte = wasm[at++] as number;
      size += (byte & 0x7f) * 2 ** shift;
      more = byte >= 0x80;
    }
    at += size;
    if (id !== DATA && id !== DATA_COUNT) kept.push(wasm.subarray(start, at));
  }
  return Buffer.concat(kept);
}
