/** Those who wait their turn, in the order they came. */
export interface Line {
  /** Whether anybody waits. */
  readonly isUsed: boolean;
  /** Resolves when there is room and `isFree`, or there is nothing to wait for any more. Each must leave. */
  enter(stop: AbortSignal, isFree: () => boolean): Promise<void>;
  leave(): void;
  /** Looks whether the next one can go. */
  look(): void;
}

/** @param places so many can be inside at once */
export function makeLine(places: number): Line {
  const waiting = new Map<() => void, () => boolean>();
  let inside = 0;
  const look = (): void => {
    for (const [go, isFree] of waiting) {
      if (inside >= places || !isFree()) return;
      go();
    }
  };
  return {
    look,
    get isUsed() {
      return waiting.size > 0;
    },
    leave() {
      inside--;
      look();
    },
    async enter(stop, isFree) {
      if (stop.aborted || (inside < places && waiting.size === 0 && isFree())) {
        inside++;
        return;
      }
      await new Promise<void>((resolve) => {
        const go = (): void => {
          stop.removeEventListener("abort", go);
          waiting.delete(go);
          inside++;
          resolve();
        };
        stop.addEventListener("abort", go, { once: true });
        waiting.set(go, isFree);
      });
    },
  };
}
