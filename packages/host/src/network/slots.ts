/** Places that are given to whoever asks first. */
export interface Slots {
  /** Resolves when there is a place; it is given back by calling what comes. @throws the signal's reason */
  take(signal: AbortSignal): Promise<() => void>;
  /** Turns away who waits, with this. */
  close(reason: Error): void;
}

export function slots(places: number): Slots {
  let free = places;
  /** Each with what turns it away. */
  const waiting = new Map<() => void, (reason: Error) => void>();

  function giveBack(): () => void {
    let isBack = false;
    return () => {
      if (isBack) return;
      isBack = true;
      const [next] = waiting.keys();
      if (next) next();
      else free++;
    };
  }

  return {
    take(signal) {
      if (signal.aborted) return Promise.reject(signal.reason);
      if (free > 0) {
        free--;
        return Promise.resolve(giveBack());
      }
      return new Promise((resolve, reject) => {
        const next = (): void => {
          waiting.delete(next);
          signal.removeEventListener("abort", giveUp);
          resolve(giveBack());
        };
        const turnAway = (reason: Error): void => {
          waiting.delete(next);
          signal.removeEventListener("abort", giveUp);
          reject(reason);
        };
        const giveUp = (): void => turnAway(signal.reason);
        signal.addEventListener("abort", giveUp, { once: true });
        waiting.set(next, turnAway);
      });
    },
    close(reason) {
      for (const turnAway of [...waiting.values()]) turnAway(reason);
    },
  };
}
