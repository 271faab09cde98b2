/** `AbortController` and `AbortSignal`: https://dom.spec.whatwg.org/#aborting-ongoing-activities. */
import type { Kit } from "../library.ts";
import { Event } from "./event.ts";
import { EventTarget } from "./event-target.ts";

interface State {
  aborted: boolean;
  reason: unknown;
  handler: ((event: Event) => unknown) | null;
  /** Signals made of this one by `any`. */
  readonly dependents: AbortSignal[];
}

const states = new WeakMap<object, State>();
const MAKE = Symbol("make");
let timers: Kit["timers"] | undefined;

/** Says which timers `AbortSignal.timeout` uses. */
export function useTimers(given: Kit["timers"]): void {
  timers = given;
}

function stateOf(signal: object): State {
  const state = states.get(signal);
  if (!state) throw new TypeError('Value of "this" must be of type AbortSignal');
  return state;
}

export class AbortSignal extends EventTarget {
  constructor(key?: unknown) {
    if (key !== MAKE) throw new TypeError("Illegal constructor");
    super();
    states.set(this, { aborted: false, reason: undefined, handler: null, dependents: [] });
  }

  static abort(reason: unknown = aborted()): AbortSignal {
    const signal = new AbortSignal(MAKE);
    abort(signal, reason);
    return signal;
  }

  static timeout(delay: number): AbortSignal {
    const ms = Number(delay);
    if (!(ms >= 0 && ms <= Number.MAX_SAFE_INTEGER))
      throw new RangeError(`The value of "delay" is out of range. It must be >= 0. Received ${delay}`);
    const signal = new AbortSignal(MAKE);
    timers?.setTimeout(
      () => abort(signal, new DOMException("The operation was aborted due to timeout", "TimeoutError")),
      ms,
    );
    return signal;
  }

  static any(signals: Iterable<AbortSignal>): AbortSignal {
    const sources = [...signals];
    const made = new AbortSignal(MAKE);
    for (const source of sources) if (stateOf(source).aborted) return AbortSignal.abort(source.reason);
    for (const source of sources) stateOf(source).dependents.push(made);
    return made;
  }

  get aborted(): boolean {
    return stateOf(this).aborted;
  }
  get reason(): unknown {
    return stateOf(this).reason;
  }
  throwIfAborted(): void {
    const { aborted, reason } = stateOf(this);
    if (aborted) throw reason;
  }
  get onabort(): unknown {
    return stateOf(this).handler;
  }
  set onabort(handler: unknown) {
    const state = stateOf(this);
    if (state.handler) this.removeEventListener("abort", state.handler);
    state.handler = typeof handler === "function" ? (handler as (event: Event) => unknown) : null;
    if (state.handler) this.addEventListener("abort", state.handler);
  }
  override get [Symbol.toStringTag](): string {
    return "AbortSignal";
  }
}

const aborted = (): DOMException => new DOMException("This operation was aborted", "AbortError");

function abort(signal: AbortSignal, reason: unknown): void {
  const state = stateOf(signal);
  if (state.aborted) return;
  // All signals change before the first listener hears of it.
  const all: AbortSignal[] = [];
  const mark = (one: AbortSignal): void => {
    const its = stateOf(one);
    if (its.aborted) return;
    its.aborted = true;
    its.reason = reason;
    all.push(one);
    its.dependents.forEach(mark);
  };
  mark(signal);
  for (const one of all) one.dispatchEvent(new Event("abort"));
}

export class AbortController {
  readonly #signal = new AbortSignal(MAKE);

  get signal(): AbortSignal {
    return this.#signal;
  }
  abort(reason: unknown = aborted()): void {
    abort(this.#signal, reason);
  }
  get [Symbol.toStringTag](): string {
    return "AbortController";
  }
}

for (const name of ["aborted", "reason", "throwIfAborted", "onabort"])
  Object.defineProperty(AbortSignal.prototype, name, { enumerable: true });
for (const name of ["signal", "abort"])
  Object.defineProperty(AbortController.prototype, name, { enumerable: true });
