import assert from "node:assert/strict";
import { test } from "node:test";
import { AT, TestGuest } from "./testing/guest.ts";

const SECOND = 1_000_000_000n;
const END = 2n ** 63n - 1n;

test("the guest sleeps until the earliest time it asked for", async () => {
  const guest = new TestGuest();
  const { now } = guest;
  guest.clock(0, 2n * SECOND);
  guest.clock(1, SECOND, { clock: 1 });
  guest.clock(2, now + SECOND, { absolute: true });
  assert.equal(await guest.poll(3), "SUCCESS");
  assert.deepEqual(guest.sleeps, [now + SECOND]);
  assert.deepEqual(guest.events(), [
    { userdata: 101n, error: "SUCCESS", type: 0 },
    { userdata: 102n, error: "SUCCESS", type: 0 },
  ]);
});

test("what is due already does not suspend", async () => {
  for (const [timeout, absolute] of [
    [0n, false],
    [0n, true],
    [1n, true],
  ] as const) {
    const guest = new TestGuest();
    guest.clock(0, timeout, { absolute });
    guest.clock(1, SECOND);
    assert.equal(guest.call("poll_oneoff", AT.data, AT.buffers, 2, AT.out), "SUCCESS");
    assert.deepEqual(guest.events(), [{ userdata: 100n, error: "SUCCESS", type: 0 }]);
    assert.deepEqual(guest.sleeps, []);
  }
});

test("descriptors are ready, or say what is wrong with them", async () => {
  const guest = new TestGuest();
  guest.clock(0, SECOND);
  guest.ready(1, 1, 0);
  guest.ready(2, 2, 1);
  guest.ready(3, 1, 99);
  assert.equal(await guest.poll(4), "SUCCESS");
  assert.deepEqual(guest.events(), [
    { userdata: 101n, error: "SUCCESS", type: 1 },
    { userdata: 102n, error: "SUCCESS", type: 2 },
    { userdata: 103n, error: "BADF", type: 1 },
  ]);
});

test("times beyond the end of time are at its end", async () => {
  for (const [timeout, absolute] of [
    [2n ** 64n - 1n, false],
    [2n ** 64n - 1n, true],
    [2n ** 63n, true],
  ] as const) {
    const guest = new TestGuest();
    guest.clock(0, timeout, { absolute });
    assert.equal(await guest.poll(1), "SUCCESS");
    assert.deepEqual(guest.sleeps, [END]);
  }
});

test("an unknown clock is said to be one; an unknown kind and bad counts are refused", async () => {
  const guest = new TestGuest();
  guest.clock(0, SECOND, { clock: 4 });
  assert.equal(await guest.poll(1), "SUCCESS");
  assert.equal(guest.events()[0]?.error, "INVAL");
  guest.ready(0, 3, 0);
  assert.equal(await guest.poll(1), "INVAL");
  for (const count of [0, 4097, -1]) assert.equal(await guest.poll(count), "INVAL");
  const poll = (...args: number[]): string => guest.call("poll_oneoff", ...args);
  assert.equal(poll(AT.size - 47, AT.buffers, 1, AT.out), "FAULT");
  assert.equal(poll(AT.data, AT.size - 31, 1, AT.out), "FAULT");
  assert.equal(poll(AT.data, AT.buffers, 1, AT.size - 3), "FAULT");
});

test("a guest that was ended while it slept is told nothing, nor is the next attempt", async () => {
  const ended = new TestGuest();
  ended.wakes = false;
  ended.clock(0, SECOND);
  assert.equal(await ended.poll(1), "CANCELED");
  assert.equal(ended.view.getUint32(AT.out, true), 0);
  const over = new TestGuest();
  over.clock(0, SECOND);
  const waiting = over.poll(1);
  over.wasi.reset(null);
  assert.equal(await waiting, "CANCELED");
  assert.equal(over.view.getUint32(AT.out, true), 0);
});

test("where nobody can wait, waiting is refused", async () => {
  const guest = new TestGuest({ mode: "plain" });
  guest.clock(0, SECOND);
  assert.equal(guest.call("poll_oneoff", AT.data, AT.buffers, 1, AT.out), "NOTSUP");
  guest.clock(0, 0n);
  assert.equal(guest.call("poll_oneoff", AT.data, AT.buffers, 1, AT.out), "SUCCESS");
  assert.deepEqual(guest.sleeps, []);
});
