/** Lets so many in at a time; the others wait for their turn, in the order in which they came. */
export class Gate {
  #free: number;
  readonly #waiting = new Set<() => void>();

  /** @param most how many; `Infinity`: all */
  constructor(most: number) {
    this.#free = most;
  }

  /**
   * Resolves when it is this one's turn; when `signal` is aborted before, at once and without a place.
   * @returns what to call at the end
   */
  async enter(signal: AbortSignal): Promise<() => void> {
    if (signal.aborted) return () => {};
    if (this.#free > 0) this.#free--;
    else if (!(await this.#turn(signal))) return () => {};
    return () => this.#leave();
  }

  /** The place goes to the one that has waited longest, and is never free in between. */
  #leave(): void {
    const [next] = this.#waiting;
    if (next) next();
    else this.#free++;
  }

  /** Whether the turn came before the signal. */
  #turn(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (came: boolean): void => {
        this.#waiting.delete(next);
        signal.removeEventListener("abort", aborted);
        resolve(came);
      };
      const next = (): void => settle(true);
      const aborted = (): void => settle(false);
      this.#waiting.add(next);
      signal.addEventListener("abort", aborted);
    });
  }
}
