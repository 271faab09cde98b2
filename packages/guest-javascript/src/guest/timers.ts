/**
 * Timers as Node has them. They live in here; the host knows only the time of the next one (`wake`) and lets one due
 * timer fire per `poll`, so that microtasks run between two callbacks.
 *
 * `unref` differs in one point: a timeout that was unreferenced still wakes an attempt that has nothing else to wait
 * for, because it is mostly a time limit for something that never comes. An unreferenced interval does not.
 */
import { fail } from "./attempt.ts";
import { pendingCalls } from "./calls.ts";
import { apply, create, defineHidden, floor, now, SafeTypeError, toText } from "./primordials.ts";
import { type Due, pop, push, rebuild } from "./queue.ts";

type Callback = (...args: unknown[]) => unknown;

interface Timer {
  readonly id: number;
  readonly callback: Callback;
  readonly args: readonly unknown[];
  readonly handle: object;
  readonly delay: number;
  readonly every: boolean;
  held: boolean;
  cleared: boolean;
  /** Its entry in the queue; null when it is not waiting. */
  entry: Entry | null;
}

interface Entry extends Due {
  readonly timer: Timer;
}

/** Node's limit: longer delays, and what is not a number, become 1 ms. */
const LONGEST = 2 ** 31 - 1;

const queue: Entry[] = [];
/** Timers that were asked for their number, which may come back as a number or its digits. */
const byNumber: Record<string, Timer | undefined> = create(null);
let ids = 0;
let entries = 0;
/** Entries of the queue whose timer was cleared or set anew. */
let stale = 0;

const timerOf = new WeakMap<object, Timer>();
const find = timerOf.get.bind(timerOf);
const remember = timerOf.set.bind(timerOf);

function arm(timer: Timer): void {
  disarm(timer);
  timer.entry = { at: floor(now()) + timer.delay, id: ++entries, timer };
  push(queue, timer.entry);
}

function disarm(timer: Timer): void {
  if (timer.entry === null) return;
  timer.entry = null;
  if (++stale > 64 && stale > queue.length >> 1) compact();
}

/** Drops the stale entries: a program may set and clear a long timeout for each of a million steps. */
function compact(): void {
  let kept = 0;
  for (let i = 0; i < queue.length; i++) {
    const entry = queue[i] as Entry;
    if (entry.timer.entry === entry) queue[kept++] = entry;
  }
  queue.length = kept;
  stale = 0;
  rebuild(queue);
}

/** The next entry that still counts. */
function first(): Entry | undefined {
  for (;;) {
    const entry = queue[0];
    if (entry === undefined || entry.timer.entry === entry) return entry;
    pop(queue);
    stale--;
  }
}

/** Fires the first timer if it is due. */
export function fireDue(): boolean {
  const entry = first();
  if (entry === undefined || entry.at > now()) return false;
  const { timer } = entry;
  pop(queue);
  timer.entry = null;
  try {
    apply(timer.callback, timer.handle, timer.args);
  } catch (error) {
    fail(error);
  }
  // Cleared or set anew by its own callback: then it is not for us to repeat.
  if (timer.every && timer.entry === null && !timer.cleared) arm(timer);
  if (timer.entry === null) delete byNumber[timer.id];
  return true;
}

/** When the host must wake this sandbox: milliseconds since 1970, or null. */
export function nextWake(): number | null {
  const entry = first();
  if (entry === undefined) return null;
  return pendingCalls() > 0 || anyHolds() ? entry.at : null;
}

function anyHolds(): boolean {
  for (let i = 0; i < queue.length; i++) {
    const { timer } = queue[i] as Entry;
    if (timer.entry === queue[i] && (timer.held || !timer.every)) return true;
  }
  return false;
}

/** What `setTimeout` and `setInterval` give. */
class Timeout {
  ref(): this {
    const timer = find(this);
    if (timer) timer.held = true;
    return this;
  }
  unref(): this {
    const timer = find(this);
    if (timer) timer.held = false;
    return this;
  }
  hasRef(): boolean {
    return find(this)?.held === true;
  }
  /** Starts the delay again, also of a timer that has fired. */
  refresh(): this {
    const timer = find(this);
    if (timer && !timer.cleared) arm(timer);
    return this;
  }
  close(): this {
    clear(this);
    return this;
  }
  [Symbol.toPrimitive](): number {
    const timer = find(this);
    if (!timer) return Number.NaN;
    if (timer.entry !== null) byNumber[timer.id] = timer;
    return timer.id;
  }
  [Symbol.dispose](): void {
    clear(this);
  }
}

/** What `setImmediate` gives. */
class Immediate {
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
  hasRef(): boolean {
    return find(this)?.entry != null;
  }
  [Symbol.dispose](): void {
    clear(this);
  }
}

function set(callback: unknown, delay: number, every: boolean, args: unknown[], handle: object): object {
  if (typeof callback !== "function")
    throw new SafeTypeError('The "callback" argument must be of type function');
  const timer: Timer = {
    id: ++ids,
    callback: callback as Callback,
    args,
    handle,
    delay,
    every,
    held: true,
    cleared: false,
    entry: null,
  };
  remember(handle, timer);
  arm(timer);
  return handle;
}

function toDelay(given: unknown): number {
  const ms = +(given as number);
  return ms >= 1 && ms <= LONGEST ? floor(ms) : 1;
}

/** Accepts a handle, its number, or the number's digits; ignores everything else, as Node does. */
function clear(given: unknown): void {
  const timer =
    typeof given === "object" && given !== null
      ? find(given)
      : typeof given === "number" || typeof given === "string"
        ? byNumber[toText(given)]
        : undefined;
  if (!timer) return;
  disarm(timer);
  timer.cleared = true;
  delete byNumber[timer.id];
}

/** The engine's own microtask queue, except that a callback that throws fails the attempt. */
function wrapMicrotask(native: (job: () => void) => void): (callback: unknown) => void {
  return function queueMicrotask(callback) {
    if (typeof callback !== "function")
      throw new SafeTypeError('The "callback" argument must be of type function');
    native(() => {
      try {
        apply(callback as Callback, undefined, []);
      } catch (error) {
        fail(error);
      }
    });
  };
}

export const timers = {
  setTimeout: (callback: unknown, delay?: unknown, ...args: unknown[]): object =>
    set(callback, toDelay(delay), false, args, new Timeout()),
  setInterval: (callback: unknown, delay?: unknown, ...args: unknown[]): object =>
    set(callback, toDelay(delay), true, args, new Timeout()),
  /** Due at once, so before any timer that is set now, and after those that are due already. */
  setImmediate: (callback: unknown, ...args: unknown[]): object =>
    set(callback, 0, false, args, new Immediate()),
  clearTimeout: (timer?: unknown): void => clear(timer),
  clearInterval: (timer?: unknown): void => clear(timer),
  clearImmediate: (timer?: unknown): void => clear(timer),
};

export function installTimers(): void {
  for (const name in timers) defineHidden(globalThis, name, timers[name as keyof typeof timers]);
  defineHidden(globalThis, "queueMicrotask", wrapMicrotask(globalThis.queueMicrotask));
}
