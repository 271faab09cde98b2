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

/** Jobs that may be under way together, and jobs that must be alone. */
export interface Lock {
  together<T>(job: () => Promise<T>): Promise<T>;
  alone<T>(job: () => Promise<T>): Promise<T>;
}

/** Admits jobs in the order they came. */
export function makeLock(): Lock {
  const waiting = new Fifo<{ readonly alone: boolean; readonly go: () => void }>();
  let inside = 0;
  let isAlone = false;
  const admit = (): void => {
    for (let first = waiting.peek(); first !== undefined; first = waiting.peek()) {
      if (isAlone || (first.alone && inside > 0)) return;
      waiting.shift();
      inside++;
      isAlone = first.alone;
      first.go();
    }
  };
  const run = async <T>(alone: boolean, job: () => Promise<T>): Promise<T> => {
    await new Promise<void>((go) => {
      waiting.push({ alone, go });
      admit();
    });
    try {
      return await job();
    } finally {
      inside--;
      isAlone = false;
      admit();
    }
  };
  return { together: (job) => run(false, job), alone: (job) => run(true, job) };
}
