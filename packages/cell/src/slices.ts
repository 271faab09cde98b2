import { Fifo } from "@capsule-run/protocol";

/**
 * Who runs next. A sandbox that has used up a slice waits here while the others have theirs, and while the event loop
 * hears the host: one wakes per turn of the loop, first come, first served.
 */
const waiting = new Fifo<() => void>();
let scheduled = false;

/** Resolves when it is the caller's turn again. */
export function nextSlice(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (!scheduled) {
      scheduled = true;
      setImmediate(wakeNext);
    }
  });
}

function wakeNext(): void {
  const next = waiting.shift();
  scheduled = waiting.size > 0;
  if (scheduled) setImmediate(wakeNext);
  next?.();
}
