/**
 * `structuredClone`: https://html.spec.whatwg.org/multipage/structured-data.html#structuredserializeinternal.
 * A proxy is cloned like the object it shows, for the engine does not tell it apart.
 */
type Memory = Map<object, unknown>;

const ERRORS: Readonly<Record<string, new (message?: string) => Error>> = {
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};

/** Objects that are no data, by the method that only they have. */
const UNCLONEABLE: readonly ((value: never) => unknown)[] = [
  (value: Promise<unknown>) => Promise.prototype.then.call(value, undefined, () => {}),
  (value: WeakMap<object, unknown>) => WeakMap.prototype.has.call(value, {}),
  (value: WeakSet<object>) => WeakSet.prototype.has.call(value, {}),
  (value: WeakRef<object>) => WeakRef.prototype.deref.call(value),
];

const fail = (what: string): DOMException =>
  new DOMException(`${what} could not be cloned.`, "DataCloneError");

/** Whether `test` accepts the value: built-in methods throw for objects that lack their internal slot. */
function has(test: (value: never) => unknown, value: object): boolean {
  try {
    test(value as never);
    return true;
  } catch {
    return false;
  }
}

function clone(value: unknown, memory: Memory): unknown {
  if (typeof value === "symbol") throw fail(String(value));
  if (typeof value === "function") throw fail(Function.prototype.toString.call(value));
  if (typeof value !== "object" || value === null) return value;
  if (memory.has(value)) return memory.get(value);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (Array.isArray(value))
    return copyProperties(value, remember(memory, value, new Array(value.length)), memory);
  if (prototype !== Object.prototype && prototype !== null) {
    const special = cloneSpecial(value, memory);
    if (special !== undefined) return special;
  }
  return copyProperties(value, remember(memory, value, {}), memory);
}

function remember<T extends object>(memory: Memory, original: object, copy: T): T {
  memory.set(original, copy);
  return copy;
}

function copyProperties<T extends object>(from: object, to: T, memory: Memory): T {
  for (const key of Object.keys(from)) {
    if (!Object.hasOwn(from, key)) continue;
    const value = clone((from as Record<string, unknown>)[key], memory);
    Object.defineProperty(to, key, { value, writable: true, enumerable: true, configurable: true });
  }
  return to;
}

/** The clone of an object with internal slots, undefined for an ordinary object. */
function cloneSpecial(value: object, memory: Memory): unknown {
  const tag = ArrayBuffer.isView(value) ? "view" : Object.prototype.toString.call(value).slice(8, -1);
  if (tag === "view") return cloneView(value as Uint8Array, memory);
  if (value instanceof Error || tag === "Error") return cloneError(value as Error, memory);
  if (has((date: Date) => Date.prototype.getTime.call(date), value))
    return remember(memory, value, new Date(Date.prototype.getTime.call(value)));
  if (has((regexp: RegExp) => lastOf(regexp), value)) {
    const { source, flags } = value as RegExp;
    return remember(memory, value, new RegExp(source, flags));
  }
  if (has(sizeOf.map, value)) return cloneMap(value as Map<unknown, unknown>, memory);
  if (has(sizeOf.set, value)) return cloneSet(value as Set<unknown>, memory);
  if (has(sizeOf.buffer, value)) return cloneBuffer(value as ArrayBuffer, memory);
  if (typeof SharedArrayBuffer === "function" && value instanceof SharedArrayBuffer) return value;
  for (const unwrap of WRAPPERS)
    if (has(unwrap, value)) return remember(memory, value, Object(unwrap(value as never)) as object);
  for (const test of UNCLONEABLE) if (has(test, value)) throw fail(`#<${tag}>`);
  if (tag === "Generator" || tag === "AsyncGenerator") throw fail(`#<${tag}>`);
  return undefined;
}

const getterOf = (prototype: object, key: PropertyKey): ((self: never) => unknown) => {
  const get = Object.getOwnPropertyDescriptor(prototype, key)?.get as () => unknown;
  return (self) => Reflect.apply(get, self, []);
};

const sizeOf = {
  map: getterOf(Map.prototype, "size"),
  set: getterOf(Set.prototype, "size"),
  buffer: getterOf(ArrayBuffer.prototype, "byteLength"),
};

const kindOf = getterOf(Object.getPrototypeOf(Uint8Array.prototype) as object, Symbol.toStringTag);
const globalOf = getterOf(RegExp.prototype, "global");

/** Throws for anything but a regular expression. `RegExp.prototype` itself answers undefined and is ordinary. */
function lastOf(regexp: RegExp): void {
  if (globalOf(regexp as never) === undefined) throw new TypeError("not a RegExp");
}

const WRAPPERS: readonly ((value: never) => unknown)[] = [
  (value) => Number.prototype.valueOf.call(value),
  (value) => String.prototype.valueOf.call(value),
  (value) => Boolean.prototype.valueOf.call(value),
  (value) => BigInt.prototype.valueOf.call(value),
];

function cloneMap(from: Map<unknown, unknown>, memory: Memory): Map<unknown, unknown> {
  const to = remember(memory, from, new Map<unknown, unknown>());
  for (const [key, item] of [...Map.prototype.entries.call(from)])
    to.set(clone(key, memory), clone(item, memory));
  return to;
}

function cloneSet(from: Set<unknown>, memory: Memory): Set<unknown> {
  const to = remember(memory, from, new Set<unknown>());
  for (const item of [...Set.prototype.values.call(from)]) to.add(clone(item, memory));
  return to;
}

function cloneBuffer(from: ArrayBuffer, memory: Memory): ArrayBuffer {
  if (from.detached)
    throw new DOMException("An ArrayBuffer is detached and could not be cloned.", "DataCloneError");
  const options = from.resizable ? { maxByteLength: from.maxByteLength } : undefined;
  const to = new ArrayBuffer(from.byteLength, options);
  new Uint8Array(to).set(new Uint8Array(from));
  return remember(memory, from, to);
}

/** A view keeps its place in a clone of the whole buffer. */
function cloneView(from: Uint8Array, memory: Memory): unknown {
  const buffer = clone(from.buffer, memory) as ArrayBuffer;
  const { byteOffset } = from;
  if (from instanceof DataView)
    return remember(memory, from, new DataView(buffer, byteOffset, from.byteLength));
  const View = (globalThis as unknown as Record<string, typeof Uint8Array>)[kindOf(from as never) as string];
  return remember(memory, from, new (View as typeof Uint8Array)(buffer, byteOffset, from.length));
}

/** Known names keep their class; message, stack and cause are all that is taken along. */
function cloneError(from: Error, memory: Memory): unknown {
  if (from instanceof DOMException) return remember(memory, from, new DOMException(from.message, from.name));
  const { name, stack } = from;
  const Made = (Object.hasOwn(ERRORS, String(name)) ? ERRORS[name] : Error) as new () => Error;
  const to = remember(memory, from, new Made());
  const define = (key: string, value: unknown): unknown =>
    Object.defineProperty(to, key, { value, writable: true, enumerable: false, configurable: true });
  const message = Object.getOwnPropertyDescriptor(from, "message");
  if (message && "value" in message) define("message", String(message.value));
  if (typeof stack === "string") define("stack", stack);
  if (Object.hasOwn(from, "cause")) define("cause", clone(from.cause, memory));
  return to;
}

/**
 * The buffers to take away from their owner. They are copied before cloning and detached after it: if cloning fails,
 * nothing was taken.
 */
function toTransfer(list: Iterable<unknown>, memory: Memory): ArrayBuffer[] {
  const buffers: ArrayBuffer[] = [];
  for (const item of list) {
    if (typeof item !== "object" || item === null || !has(sizeOf.buffer, item))
      throw new DOMException("Value not transferable", "DataCloneError");
    if (memory.has(item))
      throw new DOMException("ArrayBuffer occurs in the transfer list twice", "DataCloneError");
    buffers.push(item as ArrayBuffer);
    cloneBuffer(item as ArrayBuffer, memory);
  }
  return buffers;
}

function structuredClone(...given: [value?: unknown, options?: { transfer?: Iterable<unknown> }]): unknown {
  if (given.length === 0) throw new TypeError('The "value" argument must be specified');
  const [value, options] = given;
  const memory: Memory = new Map();
  const buffers = toTransfer(options?.transfer ?? [], memory);
  const copy = clone(value, memory);
  for (const buffer of buffers) buffer.transfer(0);
  return copy;
}

export const make = (): unknown => ({ structuredClone });
