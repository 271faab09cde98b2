import { Fifo } from "@capsule-run/protocol";

/** Lets so many jobs be under way at once; the others wait in the order they came. */
export function makeGate(width: number): <T>(job: () => Promise<T>) => Promise<T> {
  const waiting = new Fifo<() => void>();
  let free = width;
  return async (job) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await job();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    }
  };
}
