import type { Cell } from "./cell.ts";

/** Where a session's sandbox is, between its attempts too. It is used for one sandbox: who begins afresh takes another. */
export class Seat {
  /** Names it among all that its cell may have. */
  readonly id: number;
  readonly #onLost: (reason: string) => void;
  #cell: Cell | null = null;
  /** Calls that its attempts have made; the numbers of the next one's go on from there. */
  calls = 0;

  /** @param onLost is told when its cell is gone, and all that was in it */
  constructor(id: number, onLost: (reason: string) => void) {
    this.id = id;
    this.#onLost = onLost;
  }

  get cell(): Cell | null {
    return this.#cell;
  }

  take(cell: Cell): void {
    this.#cell = cell;
  }

  /** Its cell is gone. */
  lose(reason: string): void {
    this.#cell = null;
    this.#onLost(reason);
  }

  /** Gives back what is there. Nothing of it runs. */
  leave(): void {
    const cell = this.#cell;
    this.#cell = null;
    cell?.leave(this);
  }
}
