import assert from "node:assert/strict";
import { totalmem } from "node:os";
import { test } from "node:test";
import { DEFAULT_POLICY } from "@capsule-run/protocol";
import { defaultBudget, MemoryPlan } from "./memory.ts";

const MIB = 1024 ** 2;
const GIB = 1024 * MIB;
const spec = (task: string) => ({
  ...{ run: "r", path: "0", attempt: 0, artifact: "a", task },
  ...{ args: Buffer.from("[]"), policy: DEFAULT_POLICY },
});
/** The page difference of an image of so many bytes. */
const image = (bytes: number): Uint8Array => {
  const pages = new Uint8Array(8);
  new DataView(pages.buffer).setUint32(0, bytes, true);
  return pages;
};

test("three quarters of the machine at most, unless it is said", () => {
  assert.ok(defaultBudget() > 0 && defaultBudget() <= totalmem() * 0.75);
  const plan = new MemoryPlan(8 * GIB);
  assert.deepEqual([plan.budget, plan.sandboxes, plan.kept], [8 * GIB, 7 * GIB, GIB]);
  for (const budget of [0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])
    assert.throws(() => new MemoryPlan(budget), RangeError);
});

test("an attempt starts with its image, and what the last of its task had, within reason", () => {
  const plan = new MemoryPlan(16 * GIB);
  assert.equal(plan.atStart(spec("t"), image(10 * MIB)), 14 * MIB);
  plan.ended(spec("t"), 20 * MIB);
  assert.equal(plan.atStart(spec("t"), image(10 * MIB)), 20 * MIB);
  assert.equal(plan.atStart(spec("other"), image(10 * MIB)), 14 * MIB);
  plan.ended(spec("t"), GIB);
  assert.equal(plan.atStart(spec("t"), image(10 * MIB)), 62 * MIB);
  const small = new MemoryPlan(64 * MIB);
  small.ended(spec("t"), GIB);
  assert.ok(small.atStart(spec("t"), image(10 * MIB)) < 15 * MIB);
  assert.equal(plan.atStart(spec("t"), new Uint8Array(0)) > 0, true, "an empty difference is no failure");
});

test("growing gives some room, but none that would be too much", () => {
  const plan = new MemoryPlan(1024 * MIB);
  assert.equal(plan.growth(16 * MIB, null), 20 * MIB);
  assert.equal(plan.growth(160 * MIB, null), 180 * MIB);
  assert.equal(plan.growth(16 * MIB, 17 * MIB), 17 * MIB, "not beyond its `ram`");
  assert.equal(plan.growth(890 * MIB, null), 896 * MIB, "not beyond what all sandboxes have");
  assert.equal(plan.growth(900 * MIB, null), 900 * MIB, "what it has can't be less");
});
