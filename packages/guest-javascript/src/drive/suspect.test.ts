import assert from "node:assert/strict";
import { test } from "node:test";
import { LIMITS } from "@capsule-run/protocol";
import { isSuspect } from "./suspect.ts";

const suspect = (value: unknown): boolean => isSuspect(Buffer.from(JSON.stringify(value)));
const nested = (depth: number, core: unknown = 1): unknown => {
  let value = core;
  for (let i = 0; i < depth; i++) value = i % 2 ? [value] : { a: value };
  return value;
};

test("a null is suspect wherever it stands, for it may have been a NaN", () => {
  for (const value of [null, [Number.NaN], { a: { b: [1, Number.POSITIVE_INFINITY] } }, "null", { null: 1 }])
    assert.equal(suspect(value), true, JSON.stringify(value));
});

test("ordinary values are not", () => {
  for (const value of [0, "", "[[[", true, [], {}, [[1], "]"], { a: ["\\", '"', "\u0000"] }, "\\".repeat(99)])
    assert.equal(suspect(value), false, JSON.stringify(value));
});

test("nesting is counted outside strings only", () => {
  const most = LIMITS.valueDepth;
  assert.equal(suspect(nested(most)), false);
  assert.equal(suspect(nested(most + 1)), true);
  assert.equal(suspect(nested(most + 1, "]}".repeat(most))), true);
  assert.equal(suspect(["[{".repeat(most), '\\"[['.repeat(most)]), false);
  assert.equal(suspect(Array.from({ length: 2 * most }, () => [1])), false);
});
