import assert from "node:assert/strict";
import test from "node:test";
import { Gate } from "./gate.ts";

const never = new AbortController().signal;

test("so many are in at a time, the others in the order in which they came", async () => {
  const gate = new Gate(2);
  const order: number[] = [];
  let [inside, most] = [0, 0];
  const visit = async (n: number): Promise<void> => {
    const leave = await gate.enter(never);
    order.push(n);
    most = Math.max(most, ++inside);
    await new Promise((resolve) => setTimeout(resolve, 1));
    inside--;
    leave();
  };
  await Promise.all([1, 2, 3, 4, 5].map(visit));
  assert.deepEqual([order, most], [[1, 2, 3, 4, 5], 2]);
});

test("who is called off takes no place", async () => {
  const gate = new Gate(1);
  const leave = await gate.enter(never);
  const called = new AbortController();
  const waiting = gate.enter(called.signal);
  const last = gate.enter(never);
  called.abort();
  (await waiting)();
  let came = false;
  void last.then(() => {
    came = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(came, false);
  leave();
  (await last)();
  (await gate.enter(AbortSignal.abort()))();
  (await gate.enter(never))();
});
