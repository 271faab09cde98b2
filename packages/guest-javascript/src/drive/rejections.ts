import type { QuickJs } from "./exports.ts";
import { OutOfGuestMemory } from "./values.ts";

/** Rejections without a handler in one turn; the cell keeps a record of each. */
const MOST = 1_000_000;

interface Rejection {
  readonly promise: number;
  readonly reason: number;
}

/** Rejected promises without a handler, in the order of rejection. All of it is plain calls. */
export class Rejections {
  readonly #js: QuickJs;
  /** By object. */
  readonly #open = new Map<number, Rejection>();

  constructor(js: QuickJs) {
    this.#js = js;
  }

  /** For an instance whose memory is another now. */
  reset(): void {
    this.#open.clear();
  }

  /** Takes the reason of the first, which is the caller's from now on. */
  takeFirst(): number | undefined {
    for (const [object, { promise, reason }] of this.#open) {
      this.#open.delete(object);
      this.#js.qjs_free_value(promise);
      return reason;
    }
    return undefined;
  }

  /** Nobody is to hear of those there are. */
  forgive(): void {
    while (this.#open.size > 0) this.#js.qjs_free_value(this.takeFirst() as number);
  }

  /** A promise was rejected that has no handler, or got one. Throws when there are too many, which ends the guest. */
  follow(promise: number, reason: number, handled: boolean): void {
    const object = this.#js.qjs_get_value_ptr(promise);
    const known = this.#open.get(object);
    if (handled) {
      this.#open.delete(object);
      for (const value of [promise, reason, known?.promise, known?.reason])
        if (value !== undefined) this.#js.qjs_free_value(value);
    } else {
      if (this.#open.size >= MOST) throw new OutOfGuestMemory();
      // The promise stays alive, so that its address can't become another's.
      this.#open.set(object, { promise, reason });
    }
  }
}
