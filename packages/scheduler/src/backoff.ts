const FIRST_MS = 100;
const MOST_MS = 30_000;

/**
 * Milliseconds to wait before retry number `retry` (from 1): 100 ms, doubling, at most 30 s, and of that between half
 * and all, so that what failed together does not come back together.
 * @param random from 0 (inclusive) to 1
 */
export function backoffMs(retry: number, random: number): number {
  const full = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(retry - 1, 20));
  return Math.round(full / 2 + (full / 2) * random);
}
