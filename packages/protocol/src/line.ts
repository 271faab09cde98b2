/** Gives a place back. Calling it again does nothing. */
export type Leave = () => void;

interface Waiting {
  readonly isFree: () => boolean;
  /** Ends the waiting, with a place or without. */
  settle(hasPlace: boolean): void;
}

const always = (): boolean => true;

/**
 * Places for so many at a time; the others wait, and get theirs in the order in which they came. Whatever the length of
 * the line, coming, leaving and giving up take constant time.
 */
export class Line {
  readonly #places: number;
  #inside = 0;
  /** By numbers that count up: iterating over a `Map` from its beginning steps over all that was deleted there. */
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  /** Of those who wait none has a smaller number. */
  #first = 0;

  /** @param places how many can be inside at once; `Infinity`: all */
  constructor(places: number) {
    this.#places = places;
  }

  /** Whether anybody waits. */
  get isUsed(): boolean {
    return this.#waiting.size > 0;
  }

  /** Resolves with a place. */
  enter(): Promise<Leave>;
  /**
   * Resolves with a place; with null, at once and without one, when `signal` is aborted or the line is closed before.
   * @param isFree is asked of whoever is first when there is a place, and once more at each `look`: while it is false
   *   nobody comes in. It is never asked again once it was true, so that it may take what it looks for.
   */
  enter(signal: AbortSignal, isFree?: () => boolean): Promise<Leave | null>;
  async enter(signal?: AbortSignal, isFree = always): Promise<Leave | null> {
    if (signal?.aborted) return null;
    if (this.#inside < this.#places && !this.isUsed && isFree()) this.#inside++;
    else if (!(await this.#turn(signal, isFree))) return null;
    let isInside = true;
    return () => {
      if (!isInside) return;
      isInside = false;
      this.#inside--;
      this.look();
    };
  }

  /** Lets in who can come in by now: whoever makes an `isFree` true calls it. */
  look(): void {
    while (this.isUsed && this.#inside < this.#places) {
      while (!this.#waiting.has(this.#first)) this.#first++;
      const first = this.#waiting.get(this.#first) as Waiting;
      if (!first.isFree()) return;
      this.#inside++;
      first.settle(true);
    }
  }

  /** Turns away who waits. Who is inside stays, and others may come. */
  clear(): void {
    for (const { settle } of [...this.#waiting.values()]) settle(false);
  }

  #turn(signal: AbortSignal | undefined, isFree: () => boolean): Promise<boolean> {
    return new Promise((resolve) => {
      const number = this.#next++;
      const settle = (hasPlace: boolean): void => {
        this.#waiting.delete(number);
        signal?.removeEventListener("abort", giveUp);
        resolve(hasPlace);
      };
      const giveUp = (): void => {
        settle(false);
        // It may have kept others from coming in.
        this.look();
      };
      this.#waiting.set(number, { isFree, settle });
      signal?.addEventListener("abort", giveUp, { once: true });
    });
  }
}
