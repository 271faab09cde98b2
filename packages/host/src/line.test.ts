import assert from "node:assert/strict";
import { test } from "node:test";
import { makeLine } from "./line.ts";

const NEVER = new AbortController().signal;
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("so many are inside at once, the others come in the order in which they came", async () => {
  const line = makeLine(2);
  const inside: number[] = [];
  for (let n = 0; n < 4; n++) void line.enter(NEVER, () => true).then(() => inside.push(n));
  await settle();
  assert.deepEqual(inside, [0, 1]);
  assert.ok(line.isUsed);
  line.leave();
  await settle();
  assert.deepEqual(inside, [0, 1, 2]);
  line.leave();
  line.leave();
  await settle();
  assert.deepEqual(inside, [0, 1, 2, 3]);
  assert.ok(!line.isUsed);
});

test("while it is not free nobody comes in, and nobody overtakes", async () => {
  const line = makeLine(8);
  let free = false;
  const inside: string[] = [];
  void line.enter(NEVER, () => free).then(() => inside.push("first"));
  void line.enter(NEVER, () => true).then(() => inside.push("second"));
  await settle();
  assert.deepEqual(inside, []);
  free = true;
  line.look();
  await settle();
  assert.deepEqual(inside, ["first", "second"]);
});

test("who is given up waits no longer, and leaves as the others do", async () => {
  const line = makeLine(1);
  const stop = new AbortController();
  await line.enter(NEVER, () => true);
  const given = line.enter(stop.signal, () => true);
  stop.abort();
  await given;
  await line.enter(AbortSignal.abort(), () => false);
  for (let n = 0; n < 3; n++) line.leave();
  await line.enter(NEVER, () => true);
  assert.ok(!line.isUsed);
});
