/** `Event` and `CustomEvent`: https://dom.spec.whatwg.org/#events, for targets that have no parents. */

/** What a target may change of an event while it dispatches it. */
export interface Dispatch {
  readonly type: string;
  readonly cancelable: boolean;
  target: object | null;
  currentTarget: object | null;
  dispatching: boolean;
  stopped: boolean;
  stoppedAtOnce: boolean;
  canceled: boolean;
  passive: boolean;
}

const states = new WeakMap<object, Dispatch>();

/** The state of an event, undefined for anything else. */
export const dispatchOf = (event: object): Dispatch | undefined => states.get(event);

function stateOf(event: object): Dispatch {
  const state = states.get(event);
  if (!state) throw new TypeError('Value of "this" must be of type Event');
  return state;
}

interface EventOptions {
  bubbles?: boolean;
  cancelable?: boolean;
  composed?: boolean;
}

export class Event {
  static readonly NONE = 0;
  static readonly CAPTURING_PHASE = 1;
  static readonly AT_TARGET = 2;
  static readonly BUBBLING_PHASE = 3;

  readonly #bubbles: boolean;
  readonly #composed: boolean;
  #timeStamp: number | null = null;

  constructor(...given: [type?: unknown, options?: EventOptions | null]) {
    if (given.length === 0) throw new TypeError('The "type" argument must be specified');
    const [type, options] = given;
    if (options != null && typeof options !== "object")
      throw new TypeError('The "options" argument must be of type object');
    this.#bubbles = Boolean(options?.bubbles);
    this.#composed = Boolean(options?.composed);
    states.set(this, {
      type: `${type}`,
      cancelable: Boolean(options?.cancelable),
      target: null,
      currentTarget: null,
      dispatching: false,
      stopped: false,
      stoppedAtOnce: false,
      canceled: false,
      passive: false,
    });
  }

  get type(): string {
    return stateOf(this).type;
  }
  get target(): object | null {
    return stateOf(this).target;
  }
  get srcElement(): object | null {
    return stateOf(this).target;
  }
  get currentTarget(): object | null {
    return stateOf(this).currentTarget;
  }
  composedPath(): object[] {
    const { currentTarget } = stateOf(this);
    return currentTarget === null ? [] : [currentTarget];
  }
  get eventPhase(): number {
    return stateOf(this).dispatching ? Event.AT_TARGET : Event.NONE;
  }
  get bubbles(): boolean {
    return this.#bubbles;
  }
  get cancelable(): boolean {
    return stateOf(this).cancelable;
  }
  get composed(): boolean {
    return this.#composed;
  }
  get defaultPrevented(): boolean {
    const { cancelable, canceled } = stateOf(this);
    return cancelable && canceled;
  }
  get returnValue(): boolean {
    return !this.defaultPrevented;
  }
  get cancelBubble(): boolean {
    return stateOf(this).stopped;
  }
  set cancelBubble(stop: boolean) {
    if (stop) stateOf(this).stopped = true;
  }
  get isTrusted(): boolean {
    return false;
  }
  /** Read when asked for: an event that is made while the program loads must not ask for the time. */
  get timeStamp(): number {
    this.#timeStamp ??= performance.now();
    return this.#timeStamp;
  }
  preventDefault(): void {
    const state = stateOf(this);
    if (state.cancelable && !state.passive) state.canceled = true;
  }
  stopPropagation(): void {
    stateOf(this).stopped = true;
  }
  stopImmediatePropagation(): void {
    const state = stateOf(this);
    state.stopped = true;
    state.stoppedAtOnce = true;
  }
  get [Symbol.toStringTag](): string {
    return "Event";
  }
}

export class CustomEvent extends Event {
  readonly #detail: unknown;

  constructor(type: unknown, options?: EventOptions & { detail?: unknown }) {
    super(type, options ?? null);
    this.#detail = options?.detail ?? null;
  }

  get detail(): unknown {
    return this.#detail;
  }
  override get [Symbol.toStringTag](): string {
    return "CustomEvent";
  }
}

const listed: readonly (keyof Event)[] = [
  "type",
  "target",
  "srcElement",
  "currentTarget",
  "composedPath",
  "eventPhase",
  "bubbles",
  "cancelable",
  "composed",
  "defaultPrevented",
  "returnValue",
  "cancelBubble",
  "timeStamp",
  "preventDefault",
  "stopPropagation",
  "stopImmediatePropagation",
];
for (const name of listed) Object.defineProperty(Event.prototype, name, { enumerable: true });
for (const [name, phase] of Object.entries({ NONE: 0, CAPTURING_PHASE: 1, AT_TARGET: 2, BUBBLING_PHASE: 3 }))
  Object.defineProperty(Event.prototype, name, { value: phase, enumerable: true });
