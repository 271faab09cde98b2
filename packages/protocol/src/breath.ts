/** Milliseconds that work in parts keeps the event loop before it lets others have it. */
const PART_MS = 3;

/** When work in parts began in this round of the event loop. */
let since: number | null = null;
/** Who waits for a round: one goes on in each, so that many at once keep the loop no longer than one. */
let line: Promise<unknown> | null = null;

/**
 * Whether work in parts has kept the event loop long enough in this round: whoever does such work asks this between two
 * parts, and if so awaits `breath()`. Work that is soon done never waits, so that a short-lived process loses nothing.
 */
export function isLong(): boolean {
  if (since !== null) return performance.now() - since > PART_MS;
  since = performance.now();
  setImmediate(() => {
    since = null;
  });
  return false;
}

/** Lets everything else that waits for the event loop have its turn. */
export function breath(): Promise<void> {
  const round = (line ?? Promise.resolve()).then(() => new Promise<void>((next) => setImmediate(next)));
  line = round;
  return round.then(() => {
    if (line === round) line = null;
  });
}
