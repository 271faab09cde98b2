/** Fairness on the host's thread: what is done at once, without waiting for a disk, still has to let others have a turn. */

/** Milliseconds that files may take of one turn of the event loop. */
const SHARE = 2;
let until: number | null = null;

/** Waits for the next turn of the event loop if all files together have used up their share of this one. */
export function breathe(): Promise<void> | undefined {
  if (until === null) {
    until = performance.now() + SHARE;
    setImmediate(() => {
      until = null;
    });
    return undefined;
  }
  return performance.now() < until ? undefined : new Promise((resolve) => setImmediate(resolve));
}
