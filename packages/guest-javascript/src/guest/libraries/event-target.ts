/** `EventTarget`: https://dom.spec.whatwg.org/#interface-eventtarget. A target here has no parents. */
import { dispatchOf, type Event } from "./event.ts";

type Callback = ((event: Event) => unknown) | { handleEvent(event: Event): unknown };

interface Listener {
  readonly callback: Callback;
  readonly capture: boolean;
  readonly once: boolean;
  readonly passive: boolean;
  removed: boolean;
}

interface ListenerOptions {
  capture?: boolean;
  once?: boolean;
  passive?: boolean;
  signal?: EventTarget & { aborted: boolean };
}

const targets = new WeakMap<object, Map<string, Listener[]>>();
let report: (thrown: unknown) => void = () => {};

/** Says where exceptions of listeners go. */
export function reportTo(fail: (thrown: unknown) => void): void {
  report = fail;
}

function listenersOf(target: object): Map<string, Listener[]> {
  const found = targets.get(target);
  if (!found) throw new TypeError('Value of "this" must be of type EventTarget');
  return found;
}

const isCallback = (value: unknown): value is Callback =>
  typeof value === "function" || (typeof value === "object" && value !== null);

const captureOf = (options: unknown): boolean =>
  typeof options === "object" && options !== null
    ? Boolean((options as ListenerOptions).capture)
    : Boolean(options);

export class EventTarget {
  constructor() {
    targets.set(this, new Map());
  }

  addEventListener(type: unknown, callback?: unknown, options?: boolean | ListenerOptions | null): void {
    const listeners = listenersOf(this);
    const { once, passive, signal } = typeof options === "object" && options !== null ? options : {};
    if (signal !== undefined && !("aborted" in Object(signal)))
      throw new TypeError('The "options.signal" property must be an instance of AbortSignal');
    if (callback === null || callback === undefined) return;
    if (!isCallback(callback))
      throw new TypeError('The "listener" argument must be a function or an object with handleEvent');
    if (signal?.aborted) return;
    const name = `${type}`;
    const capture = captureOf(options);
    const list = listeners.get(name) ?? [];
    for (const other of list) if (other.callback === callback && other.capture === capture) return;
    list.push({ callback, capture, once: Boolean(once), passive: Boolean(passive), removed: false });
    listeners.set(name, list);
    signal?.addEventListener("abort", () => this.removeEventListener(name, callback, capture), {
      once: true,
    });
  }

  removeEventListener(type: unknown, callback?: unknown, options?: boolean | ListenerOptions | null): void {
    const listeners = listenersOf(this);
    const capture = captureOf(options);
    const name = `${type}`;
    const list = listeners.get(name);
    const found = list?.find((other) => other.callback === callback && other.capture === capture);
    if (list && found) remove(listeners, name, list, found);
  }

  dispatchEvent(event: Event): boolean {
    const listeners = listenersOf(this);
    const state = typeof event === "object" && event !== null ? dispatchOf(event) : undefined;
    if (!state) throw new TypeError('The "event" argument must be an instance of Event');
    if (state.dispatching)
      throw new DOMException("The event is already being dispatched", "InvalidStateError");
    state.dispatching = true;
    state.target = this;
    state.currentTarget = this;
    // At the target, capturing listeners come first; the list is what it was when dispatching began.
    const list = [...(listeners.get(state.type) ?? [])];
    for (const capture of [true, false])
      for (const listener of list) {
        if (state.stoppedAtOnce) break;
        if (listener.capture !== capture || listener.removed) continue;
        if (listener.once) remove(listeners, state.type, listeners.get(state.type) ?? [], listener);
        state.passive = listener.passive;
        call(listener.callback, this, event);
        state.passive = false;
      }
    state.dispatching = false;
    state.currentTarget = null;
    state.stopped = false;
    state.stoppedAtOnce = false;
    return !(state.cancelable && state.canceled);
  }

  get [Symbol.toStringTag](): string {
    return "EventTarget";
  }
}

for (const name of ["addEventListener", "removeEventListener", "dispatchEvent"])
  Object.defineProperty(EventTarget.prototype, name, { enumerable: true });

function remove(listeners: Map<string, Listener[]>, type: string, list: readonly Listener[], one: Listener) {
  one.removed = true;
  listeners.set(
    type,
    list.filter((other) => other !== one),
  );
}

/** A listener that throws, or whose promise rejects, fails the attempt; the other listeners still run. */
function call(callback: Callback, target: EventTarget, event: Event): void {
  try {
    const given =
      typeof callback === "function"
        ? Reflect.apply(callback, target, [event])
        : Reflect.apply(callback.handleEvent, callback, [event]);
    if (given instanceof Promise) given.then(undefined, report);
  } catch (error) {
    report(error);
  }
}
