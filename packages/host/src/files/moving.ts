import { Fifo } from "@capsule-run/protocol";

/** Jobs that may be under way together, and jobs that must be alone. */
interface Lock {
  together<T>(job: () => Promise<T>): Promise<T>;
  alone<T>(job: () => Promise<T>): Promise<T>;
}

/** Admits jobs in the order they came. */
function makeLock(): Lock {
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

/** Held by those who go by names where folders can't be held, so that no sandbox of this process moves what another one walks. */
export const MOVING = makeLock();
