import type { Grain } from "../mark/grain.ts";

const BLOCK = 64;

/**
 * Bytes that differ between two images of a memory, the later one perhaps longer, although no page near them is
 * marked: there should be none. Page 0 counts as marked.
 */
export function unmarkedBytes(
  before: Uint8Array,
  after: Uint8Array,
  map: Uint8Array,
  { shift, slop }: Grain,
): number[] {
  const near = new Uint8Array(after.length);
  const size = 2 ** shift;
  for (let page = 0; page * size < after.length + slop; page++)
    if (page === 0 || map[page]) near.fill(1, Math.max(0, page * size - slop), page * size + size + slop);
  const found: number[] = [];
  const zeros = new Uint8Array(BLOCK);
  for (let at = 0; at < after.length; at += BLOCK) {
    const old = at < before.length ? before.subarray(at, at + BLOCK) : zeros;
    if (Buffer.compare(old, after.subarray(at, at + BLOCK)) === 0) continue;
    for (let i = 0; i < BLOCK; i++) if (old[i] !== after[at + i] && !near[at + i]) found.push(at + i);
  }
  return found;
}
