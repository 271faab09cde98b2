// Whatever an attempt does to its sandbox stays in it.
import { task } from "@capsule-run/sdk";

/** Indirect `eval`: in the global scope. */
const evaluate = new Function("code", "return (0, eval)(code)") as (code: string) => unknown;

type Anything = Record<PropertyKey, unknown>;
const world = globalThis as unknown as Anything;
let counter = 0;
const list: number[] = [];

const evil = (): never => {
  throw new Error("patched");
};
const patch = (on: unknown, key: PropertyKey, value: unknown): void => {
  Object.defineProperty(on as object, key, { value, writable: true, configurable: true });
};

/** Each damages what the whole engine relies on. */
const damage: Record<string, () => unknown> = {
  globals() {
    world.leaked = "a secret";
    evaluate("var leakedVar = 1");
    counter += 10;
    list.push(1);
  },
  objectPrototype: () => patch(Object.prototype, "leaked", "a secret"),
  arrayPrototype: () => patch(Array.prototype, "leaked", "a secret"),
  symbolRegistry() {
    const key = Symbol.for("capsule.secret");
    patch(Object.prototype, key, "a secret");
    return Symbol.keyFor(key);
  },
  jsonParse: () => patch(JSON, "parse", () => ({ success: true, result: "forged" })),
  jsonStringify: () => patch(JSON, "stringify", () => '"forged"'),
  promise() {
    patch(globalThis, "Promise", evil);
    patch(Promise.prototype ?? {}, "then", evil);
  },
  mapPrototype() {
    for (const key of ["get", "set", "has", "delete"]) patch(Map.prototype, key, evil);
    for (const key of ["get", "set"]) patch(WeakMap.prototype, key, evil);
  },
  arrayMethods() {
    for (const key of ["push", "pop", "shift", "map", "forEach", "slice", "join"])
      patch(Array.prototype, key, evil);
  },
  arrayIterator: () => patch(Array.prototype, Symbol.iterator, evil),
  stringMethods() {
    for (const key of ["slice", "indexOf", "replace", "split"]) patch(String.prototype, key, evil);
  },
  functionMethods() {
    for (const key of ["call", "apply", "bind", "toString"]) patch(Function.prototype, key, evil);
  },
  reflect() {
    for (const key of Reflect.ownKeys(Reflect)) patch(Reflect, key, evil);
  },
  objectMethods() {
    const define = Object.defineProperty;
    for (const key of Object.getOwnPropertyNames(Object))
      if (key !== "prototype") define(Object, key, { value: evil, configurable: true });
  },
  thenOnObjects: () =>
    patch(Object.prototype, "then", (resolve: (value: unknown) => void) => resolve("forged")),
  toJsonOnObjects: () => patch(Object.prototype, "toJSON", () => "forged"),
  toJsonOnStrings: () => patch(String.prototype, "toJSON", () => "forged"),
  setters() {
    for (const key of ["success", "result", "error", "execution", "name", "message", "outcome", "0", "1"])
      Object.defineProperty(Object.prototype, key, { get: evil, set: evil, configurable: true });
  },
  stackTraces() {
    const error = Error as unknown as Anything;
    error.prepareStackTrace = evil;
    error.captureStackTrace = evil;
    error.stackTraceLimit = Number.POSITIVE_INFINITY;
    Object.defineProperty(Error.prototype, "stack", { get: evil });
  },
  errors() {
    for (const key of ["Error", "TypeError", "RangeError"]) patch(globalThis, key, evil);
  },
  capsuleSymbol() {
    const key = Symbol.for("capsule.task");
    try {
      world[key] = () => "forged";
      delete world[key];
      Object.defineProperty(world, key, { value: () => "forged" });
    } catch {}
  },
  deleteEverything() {
    const remove = Reflect.deleteProperty;
    for (const key of Reflect.ownKeys(world)) remove(world, key);
  },
  freezeEverything() {
    for (const key of Object.getOwnPropertyNames(globalThis)) {
      const value = world[key] as { prototype?: object } | undefined;
      if (value instanceof Object && value.prototype) Object.freeze(value.prototype);
    }
    Object.freeze(globalThis);
  },
  sealObjects() {
    Object.preventExtensions(Object.prototype);
    Object.preventExtensions(Array.prototype);
  },
  timers() {
    for (const key of ["setTimeout", "clearTimeout", "queueMicrotask", "setImmediate"])
      patch(globalThis, key, evil);
  },
  date() {
    patch(Date, "now", evil);
    patch(globalThis, "Date", evil);
  },
  math() {
    for (const key of ["floor", "min", "max", "random"]) patch(Math, key, evil);
  },
  bigGlobals() {
    world.Infinity2 = world.undefined2 = new Array(1000).fill(world);
  },
  prototypeCycle() {
    try {
      Object.setPrototypeOf(Object.prototype, Array.prototype);
    } catch {}
    Object.setPrototypeOf(Array.prototype, null);
  },
  console: () => {
    for (const key of Object.keys(console)) patch(console, key, evil);
  },
};

const child = task({ name: "child" }, (x: number) => ({ x, twice: x * 2 }));
const asyncChild = task({ name: "asyncChild" }, async (x: number) => {
  await new Promise((resolve) => setTimeout(resolve, 1));
  return { x, twice: x * 2 };
});

/** Does its damage and ends with a result, plain or asynchronous. */
const harm = task({ name: "harm" }, (name: string) => {
  damage[name]?.();
  return { ok: name };
});
const harmAsync = task({ name: "harmAsync" }, async (name: string) => {
  damage[name]?.();
  await null;
  return { ok: name };
});
/** Does its damage and fails. */
const harmThrow = task({ name: "harmThrow", maxRetries: 1 }, (name: string) => {
  const made = new TypeError("after the damage");
  damage[name]?.();
  throw made;
});
/** Does its damage, then calls another task. */
const harmCall = task({ name: "harmCall" }, (name: string) => {
  damage[name]?.();
  const { success } = child(4);
  return success;
});
const harmCallAsync = task({ name: "harmCallAsync" }, async (name: string) => {
  damage[name]?.();
  return await asyncChild(4);
});
const harmTimer = task({ name: "harmTimer", timeout: "5s" }, async (name: string) => {
  const later = setTimeout;
  const Kept = Promise;
  const woken = new Kept((resolve) => later(resolve, 2));
  damage[name]?.();
  await woken;
  return 1;
});
const harmReject = task({ name: "harmReject" }, async (name: string) => {
  const rejected = Promise.reject(new Error("floating"));
  damage[name]?.();
  await null;
  return rejected;
});

/** What a fresh attempt sees. */
const probe = task({ name: "probe" }, () => {
  counter++;
  list.push(counter);
  return {
    counter,
    list,
    leaked: [
      world.leaked,
      world.leakedVar,
      ({} as Anything).leaked,
      ([] as unknown as Anything).leaked,
      ({} as Anything)[Symbol.for("capsule.secret")],
    ].filter((value) => value !== undefined),
    json: JSON.stringify(JSON.parse('{"a":[1,"x"]}')),
    map: new Map([[1, 2]]).get(1),
    spread: [...[1, 2]].map((x) => x + 1),
    globals: Reflect.ownKeys(globalThis).length,
    text: "abc".slice(1),
    date: typeof Date.now(),
  };
});

export const main = task({ name: "main", compute: "HIGH" }, async () => {
  const before = probe();
  const rows: Record<string, unknown> = {};
  for (const name of Object.keys(damage)) {
    const envelopes = [
      harm(name),
      await harmAsync(name),
      harmThrow(name),
      harmCall(name),
      await harmCallAsync(name),
      await harmTimer(name),
      await harmReject(name),
    ];
    rows[name] = {
      envelopes,
      after: probe(),
      child: child(5),
      asyncChild: await asyncChild(6),
    };
  }
  return { before, rows, own: counter };
});
