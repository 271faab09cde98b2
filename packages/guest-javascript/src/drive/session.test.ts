/** One instance, one task after the other: what stays, what goes back, and that it is the same everywhere. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { TurnEnd } from "@capsule-run/protocol";
import { AMPLE, resultOf, TestGuest } from "./testing/guest.ts";

const PROGRAM = `
let count = 0;
const kept = [];
let left = Promise.resolve();
const other = task({ name: "other" }, async () => 1);
const actions = {
  add: (n) => { count += n; kept.push({ n, text: "x".repeat(n * 100) }); return [count, kept.length, Date.now()]; },
  throw: (n) => { count += n; throw new Error("on purpose"); },
  spin: () => { for (;;) { count++; kept.push("y".repeat(count % 100)); } },
  bomb: () => { for (;;) kept.push(new Uint8Array(1e6)); },
  reject: () => { count++; for (let i = 0; i < 5; i++) Promise.reject(new Error("nobody " + i)); return 1; },
  leave: () => {
    left = other();
    left.then(() => { throw new Error("of the last task"); });
    setTimeout(() => { count += 1000; }, 5);
    return new Promise((resolve) => setTimeout(resolve, 1));
  },
  heard: async () => (await left).error.error_type,
  later: () => new Promise((resolve) => setTimeout(() => resolve(count), 10)),
};
task({ name: "main" }, (action, n) => actions[action](n));
`;
const NOW = 1_700_000_000_000;

/** Calls a task, and lets time pass for it. */
async function call(
  guest: TestGuest,
  now: number,
  action: string,
  n = 1,
  fuel = AMPLE.fuel,
): Promise<TurnEnd> {
  const args = Buffer.from(JSON.stringify([action, n]));
  let end = await guest.instance.again("main", args, { fuel, ram: 64 * 1024 ** 2 }, now);
  while (end.state === "idle" && end.wake !== null) end = await guest.instance.wake(end.wake);
  return end;
}

function save(guest: TestGuest): void {
  guest.instance.keep();
  guest.instance.save();
}

async function begun(options: { readonly slice?: number } = {}): Promise<TestGuest> {
  const guest = new TestGuest(options);
  guest.reset(await guest.load(PROGRAM), { fuel: AMPLE.fuel, ram: 64 * 1024 ** 2 }, NOW);
  await guest.start("main", "add", 1);
  save(guest);
  return guest;
}

/** What a few calls did: ends, fuel and memory after each, and after each that was undone. */
async function trace(guest: TestGuest, from = 1): Promise<unknown[]> {
  const seen: unknown[] = [];
  for (const [i, [action, fuel]] of [
    ["add", AMPLE.fuel],
    ["throw", AMPLE.fuel],
    ["reject", AMPLE.fuel],
    ["spin", 5_000_000],
    ["add", AMPLE.fuel],
    ["bomb", AMPLE.fuel],
    ["add", AMPLE.fuel],
  ].entries() as ArrayIterator<[number, [string, number]]>) {
    const end = await call(guest, NOW + (from + i) * 10, action, 2, fuel);
    seen.push([resultOf(end), guest.instance.fuelUsed]);
    if (action === "spin" || action === "bomb") guest.instance.restore();
    else save(guest);
    seen.push(guest.digest);
  }
  return seen;
}

test("the same calls: the same ends, fuel and memory, for every slice, and in another instance", async () => {
  const reference = await trace(await begun());
  assert.match(JSON.stringify(reference), /on purpose.*nobody 0.*out_of_fuel.*out_of_memory/);
  for (const slice of [100_000, 77_777])
    assert.deepEqual(await trace(await begun({ slice })), reference, `slices of ${slice}`);
  const [moved, other] = [await begun(), new TestGuest()];
  await call(moved, NOW, "bomb");
  other.instance.adopt(moved.instance);
  assert.deepEqual(await trace(other), reference);
});

test("what is undone is as if it had never been: every byte, and the clock", async () => {
  const guest = await begun();
  await call(guest, NOW + 5, "add");
  save(guest);
  const before = guest.memory.slice();
  for (const action of ["spin", "bomb"]) {
    await call(guest, NOW + 1_000_000, action, 1, 200_000_000);
    guest.instance.restore();
    assert.equal(Buffer.compare(guest.memory, before), 0, action);
    assert.ok(guest.realMemory.subarray(before.length).every((byte) => byte === 0));
  }
  const [, , at] = resultOf(await call(guest, NOW + 6, "add")) as number[];
  assert.ok(Number(at) < NOW + 100, "time did not pass");
});

test("what was left under way: timers go on, calls are given up, and what that rejects fails nothing", async () => {
  const guest = await begun();
  assert.equal((await call(guest, NOW + 1, "leave")).state, "result");
  assert.equal(guest.calls.length, 1);
  save(guest);
  assert.deepEqual(resultOf(await call(guest, NOW + 2, "later")), 1001);
  save(guest);
  assert.equal(resultOf(await call(guest, NOW + 30, "heard")), "cancelled");
});

test("a program that was not loaded to its end is loaded again", async () => {
  const guest = new TestGuest();
  const source = `
    const at = Date.now();
    if (at > 0 && at < 5000) throw new Error("early");
    task({ name: "main" }, () => process.env.NAME);`;
  const image = await guest.load(source);
  const bundle = Buffer.from(`const task = globalThis[Symbol.for("capsule.task")];${source}`);
  const prepared = guest.engine.prepare({ ...image, snapshot: "before", bundle });
  guest.instance.reset(prepared, AMPLE, 1000);
  const seen = { environment: { NAME: "value" }, mounts: [] };
  assert.equal((await guest.instance.start("main", Buffer.from("[]"), seen)).state, "raised");
  save(guest);
  assert.equal(resultOf(await guest.instance.again("main", Buffer.from("[]"), AMPLE, 9000)), "value");
});

test("without an image there is nothing to go back to", async () => {
  const guest = await begun();
  guest.reset(null);
  assert.throws(() => guest.instance.restore(), RangeError);
});
