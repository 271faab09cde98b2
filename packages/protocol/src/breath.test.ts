import assert from "node:assert/strict";
import { test } from "node:test";
import { breath, isLong } from "./breath.ts";

/** Keeps the event loop for so many parts of a millisecond each. */
async function work(parts: number, done: () => void): Promise<void> {
  for (let i = 0; i < parts; i++) {
    for (const start = performance.now(); performance.now() - start < 1; );
    done();
    if (isLong()) await breath();
  }
}

test("others have their turn in the middle of long work, however many do such work at once", async () => {
  let [parts, most, since] = [0, 0, 0];
  let over = false;
  const watch = (): void => {
    most = Math.max(most, parts - since);
    since = parts;
    if (!over) setImmediate(watch);
  };
  setImmediate(watch);
  await Promise.all(Array.from({ length: 8 }, () => work(25, () => parts++)));
  over = true;
  assert.equal(parts, 200);
  // Three or four in a round, and one of each worker in the first.
  assert.ok(most <= 30, `${most} parts in one round`);
});

test("short work never waits, what is long does, and the next round begins anew", async (t) => {
  let now = 1000;
  t.mock.method(performance, "now", () => now);
  await new Promise((next) => setImmediate(next));
  for (let i = 0; i < 3; i++) {
    assert.equal(isLong(), false);
    now++;
  }
  now++;
  assert.equal(isLong(), true);
  await breath();
  assert.equal(isLong(), false);
});

test("one after the other goes on, each in a round of its own", async () => {
  const order: string[] = [];
  const wait = async (name: string): Promise<void> => {
    await breath();
    order.push(name);
  };
  const rounds = async (): Promise<void> => {
    for (let i = 0; i < 3; i++) {
      await new Promise((next) => setImmediate(next));
      order.push("|");
    }
  };
  await Promise.all([rounds(), wait("a"), wait("b"), wait("c")]);
  assert.equal(order.join("").replaceAll("|", ""), "abc");
  assert.ok(!/abc|[abc]{3}/.test(order.join("")), order.join(""));
});
