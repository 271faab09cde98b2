// What JSON can hold crosses unchanged; what it can't is refused with its place.
import { task } from "@capsule-run/sdk";

const nested = (depth: number): unknown => {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = i % 2 ? [value] : { a: value };
  return value;
};
const cycle = (): unknown => {
  const a: Record<string, unknown> = { list: [1, { deep: true }] };
  (a.list as unknown[]).push({ back: a });
  return a;
};

const given: Record<string, () => unknown> = {
  undefined: () => undefined,
  function: () => () => 1,
  symbol: () => Symbol("s"),
  null: () => null,
  insideUndefined: () => ({ a: undefined, b: [undefined, () => 1, Symbol("x")], c: 1 }),
  nan: () => Number.NaN,
  nanInside: () => ({ list: [1, { value: Number.NaN }] }),
  infinity: () => [Number.POSITIVE_INFINITY],
  minusInfinity: () => ({ "odd key": Number.NEGATIVE_INFINITY }),
  minusZero: () => -0,
  bigint: () => 10n,
  bigintInside: () => ({ a: { b: [1n] } }),
  wrappedBigint: () => [Object(1n)],
  wrappedNumber: () => [Object(1), Object("s"), Object(true)],
  wrappedNan: () => [Object(Number.NaN)],
  cycle,
  selfArray: () => {
    const a: unknown[] = [];
    a.push(a);
    return a;
  },
  shared: () => {
    const part = { x: 1 };
    return [part, part];
  },
  depth999: () => nested(999),
  depth1000: () => nested(1000),
  depth1001: () => nested(1001),
  depth100000: () => nested(100_000),
  date: () => new Date(0),
  invalidDate: () => [new Date(Number.NaN)],
  map: () => new Map([[1, 2]]),
  set: () => new Set([1]),
  bytes: () => new Uint8Array([1, 2]),
  error: () => new Error("an error as a value"),
  regex: () => /x/,
  url: () => new URL("https://example.com/a b"),
  boxedToJson: () => ({ toJSON: () => ({ x: Number.NaN }) }),
  toJsonThrows: () => ({
    toJSON() {
      throw new Error("not today");
    },
  }),
  getterThrows: () => ({
    get x() {
      throw new Error("no x");
    },
  }),
  proxy: () => new Proxy({ a: 1 }, {}),
  proxyArray: () => new Proxy([1, 2], {}),
  revoked: () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  },
  proxyThrows: () =>
    new Proxy(
      {},
      {
        ownKeys() {
          throw new TypeError("no keys");
        },
      },
    ),
  proxyLies: () => new Proxy([], { get: (target, key) => (key === "length" ? 3 : Reflect.get(target, key)) }),
  sparse: () => {
    const list = [1];
    list[2] = 3;
    return list;
  },
  unicode: () => [
    "\u0000",
    "\u001f\u007f\u0080",
    "é€𝄞👩‍👩‍👧",
    "\u2028\u2029",
    "\ufeff\uffff",
    '\\"/\b\f\n\r\t',
  ],
  surrogates: () => ["\ud800", "a\udc00b", "\udc00\ud800", { "\ud800": "\udfff" }],
  prototype: () => JSON.parse('{"__proto__":{"x":1},"constructor":1,"toString":null}'),
  keys: () => ({ "": 1, " ": 2, "0": 3, "-1": 4, "a.b": 5, 'quo"te': 6, "\n": 7 }),
  numbers: () => [0, 1e21, 1e-7, 5e-324, 1.7976931348623157e308, 0.1 + 0.2, 2 ** 53, -(2 ** 53) - 1, 1 / 3],
  million: () => Array.from({ length: 1_000_000 }, (_, i) => i % 10),
  longString: () => "é".repeat(1_000_000),
  thenable: () => ({
    // biome-ignore lint/suspicious/noThenProperty: what a program may return
    then: (resolve: (value: unknown) => void) => resolve("resolved"),
  }),
  thenThrows: () => ({
    // biome-ignore lint/suspicious/noThenProperty: what a program may return
    get then() {
      throw new Error("no then");
    },
  }),
  promiseOfPromise: () => Promise.resolve(Promise.resolve(new Promise((resolve) => resolve("flat")))),
  big: () => "x".repeat(33 * 1024 * 1024),
  bigInBytes: () => "é".repeat(17 * 1024 * 1024),
};

const give = task({ name: "give", compute: "20000000000" }, (name: string) => given[name]?.());
/** The same text comes back as went in. */
const echo = task({ name: "echo", compute: "HIGH" }, (value: unknown) => value);
const echoAsync = task({ name: "echoAsync", compute: "HIGH" }, async (value: unknown) => value);
const count = task({ name: "count" }, (...args: unknown[]) =>
  args.map((arg) => (arg === undefined ? "undefined" : arg)),
);

/** Results that must come back as `JSON.stringify` writes them. */
const RETURNED = new Set([
  "unicode",
  "surrogates",
  "prototype",
  "keys",
  "numbers",
  "depth999",
  "million",
  "longString",
]);

export const main = task({ name: "main", compute: "HIGH" }, async () => {
  const envelopes: Record<string, unknown> = {};
  for (const name of Object.keys(given)) {
    const envelope = give(name);
    // The big ones would not all fit into one result.
    const text = envelope.success ? JSON.stringify(envelope.result) : "";
    envelopes[name] = text.length > 2_000 ? { ...envelope, result: text.length } : envelope;
    if (!RETURNED.has(name)) continue;
    const expected = JSON.stringify(given[name]?.());
    for (const same of [envelope, echo(given[name]?.()), await echoAsync(given[name]?.())])
      if (JSON.stringify(same.result) !== expected) envelopes[`${name} changed`] = same.execution.task_name;
  }
  const arguments_: Record<string, unknown> = {};
  for (const name of ["nanInside", "bigint", "cycle", "depth1001"])
    arguments_[name] = [echo(given[name]?.()), await echoAsync(given[name]?.())].map(({ error }) => error);
  arguments_.holes = count(1, undefined, null, undefined, 2, undefined).result;
  arguments_.none = count().result;
  arguments_.allUndefined = count(undefined, undefined).result;
  return { envelopes, arguments: arguments_ };
});
