import assert from "node:assert/strict";
import test from "node:test";
import { LIMITS } from "@capsule-run/protocol";
import { argumentsJson, resultJson, toJson } from "./values.ts";

const problem = (value: unknown): string => {
  const json = toJson(value, LIMITS.resultBytes);
  assert.equal(json.ok, false);
  return (json as { problem: string }).problem;
};

test("ordinary values are what JSON.stringify makes of them", () => {
  const values = [
    null,
    true,
    1.5,
    "text",
    "null",
    [],
    {},
    [null, undefined, () => 1],
    { a: undefined, b: Symbol("s"), c: null, d: "null" },
    new Date(0),
    new Date(Number.NaN),
    Object(1),
    Object("s"),
    new Map([[1, 2]]),
    new Array(2),
    { toJSON: (key: string) => `key:${key}` },
    { a: { toJSON: (key: string) => `key:${key}` }, b: null },
    Object.create({ inherited: 1 }),
    JSON.parse('{"__proto__": null}'),
  ];
  for (const value of values)
    assert.deepEqual(toJson(value, 1000), { ok: true, text: JSON.stringify(value) });
  for (const value of [undefined, () => 1, Symbol("s")])
    assert.deepEqual(toJson(value, 1000), { ok: true, text: "null" });
});

test("what JSON can't hold is named with its place", () => {
  assert.match(problem(Number.NaN), /^NaN at \$; JSON has no NaN: use null or a string instead$/);
  assert.match(problem({ a: [0, 1, 2, { b: Number.POSITIVE_INFINITY }] }), /^Infinity at \$\.a\[3\]\.b; /);
  assert.match(problem([Object(Number.NaN)]), /^NaN at \$\[0\]; /);
  assert.match(problem({ "two words": { "": 1n } }), /^a BigInt at \$\["two words"\]\[""\]; /);
  assert.match(problem({ x: { toJSON: () => [Number.NaN] } }), /^NaN at \$\.x\[0\]; /);
  const cycle: Record<string, unknown> = { list: [] };
  (cycle.list as unknown[]).push({ back: cycle.list });
  assert.match(problem(cycle), /^a cycle at \$\.list\[0\]\.back, which is \$\.list again; /);
  const long = { ["k".repeat(500)]: [[[[[[{ a: 1n }]]]]]] };
  assert.ok(problem(long).length < 400);
});

test("shared values are no cycle", () => {
  const shared = { n: null };
  assert.equal(toJson([shared, { a: shared, b: [shared] }], 1000).ok, true);
});

test("nesting is limited", () => {
  const nested = (levels: number): unknown => {
    let value: unknown = null;
    for (let i = 0; i < levels; i++) value = i % 2 ? [value] : { value };
    return value;
  };
  assert.equal(toJson(nested(LIMITS.valueDepth), 1e6).ok, true);
  assert.match(problem(nested(LIMITS.valueDepth + 1)), /^a value nested deeper than 1000 levels at \$/);
  assert.equal(toJson({ text: "[".repeat(5000) }, 1e6).ok, true);
  assert.equal(
    toJson(
      Array.from({ length: 3000 }, () => ({})),
      1e6,
    ).ok,
    true,
  );
});

test("sizes are limited", () => {
  assert.deepEqual(toJson("x".repeat(98), 100).ok, true);
  assert.deepEqual(toJson("x".repeat(99), 100), {
    ok: false,
    problem:
      "101 characters of JSON, more than the 100 bytes that are allowed; hand over less, or in several parts",
  });
  const half = "x".repeat(LIMITS.argumentBytes / 2);
  const sent = argumentsJson("t", [half, half]);
  assert.match((sent as { problem: string }).problem, /^task "t": the arguments are \d+ characters of JSON/);
});

test("what the value's own code throws comes out as it is", () => {
  const own = new Error("own");
  const throwing = (): never => {
    throw own;
  };
  assert.throws(() => toJson({ a: { toJSON: throwing } }, 100), own);
  assert.throws(() => toJson(new Proxy({}, { ownKeys: throwing }), 100), own);
  assert.throws(() => toJson(Object.defineProperty({}, "x", { enumerable: true, get: throwing }), 100), own);
});

test("arguments at the end that are undefined are left out", () => {
  assert.deepEqual(argumentsJson("t", [1, undefined, 2, undefined, undefined]), {
    ok: true,
    text: "[1,null,2]",
  });
  assert.deepEqual(argumentsJson("t", []), { ok: true, text: "[]" });
  assert.equal(
    (resultJson("t", 1n) as { problem: string }).problem,
    'task "t" returned a BigInt at $; JSON has no BigInt: use a string, such as String(value), instead',
  );
});
