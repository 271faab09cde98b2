import assert from "node:assert/strict";
import { test } from "node:test";
import { AMPLE, resultOf, success, TestGuest } from "./testing/guest.ts";

const PROGRAM = `
const child = task({ name: "child" }, (x) => x);
let count = 0;
const kept = [];
task({ name: "main" }, () => ++count);
task({ name: "leave" }, (mark) => {
  count += 1000;
  globalThis.leaked = mark;
  Array.prototype.leaked = mark;
  Object.prototype.leaked = mark;
  console.log = () => {};
  for (let i = 0; i < 1000; i++) kept.push(mark + i);
  return kept.length;
});
task({ name: "grow" }, (megabytes) => {
  const all = [];
  for (let i = 0; i < megabytes; i++) all.push(new Uint8Array(1024 * 1024).fill(0xa5));
  globalThis.all = all;
  return all.length;
});
task({ name: "look" }, () => [typeof leaked, typeof Array.prototype.leaked, kept.length, count]);
task({ name: "endless" }, () => { for (;;) count++; });
task({ name: "recurse" }, () => { const f = () => f() + 1; return f(); });
task({ name: "throws" }, () => { throw new Error("x"); });
task({ name: "call" }, () => { globalThis.before = "here"; return child(1).result; });
task({ name: "idle" }, async () => { globalThis.before = "here"; await new Promise((r) => setTimeout(r, 1000)); });
task({ name: "unhandled" }, async () => { for (let i = 0; i < 50; i++) Promise.reject(new Error("r" + i)); });
task({ name: "chance" }, () => [Math.random(), Math.random(), crypto.randomUUID(), [...crypto.getRandomValues(new Uint8Array(8))]]);
`;

const guest = new TestGuest();
const image = await guest.load(PROGRAM);
const prepared = guest.prepare(image);

/** After a reset the guest's memory is the image, and what lies beyond it is zero. */
function assertClean(limits = AMPLE): void {
  guest.reset(image, limits);
  const fresh = new TestGuest();
  fresh.reset(image, limits);
  assert.equal(guest.memory.length, prepared.memory.length);
  assert.equal(Buffer.compare(guest.memory, fresh.memory), 0, "memory is the image");
  const beyond = Buffer.from(guest.realMemory.buffer, prepared.memory.length);
  assert.ok(beyond.equals(Buffer.alloc(beyond.length)), "nothing lies beyond the image");
  assert.equal(guest.instance.fuelUsed, fresh.instance.fuelUsed);
}

/** What an attempt does in here must look as in an instance that was never used. */
async function assertLikeNew(): Promise<void> {
  const fresh = new TestGuest();
  const ends = [];
  for (const each of [fresh, guest]) {
    each.reset(image);
    const end = await each.start("look");
    ends.push([resultOf(end), each.instance.fuelUsed, each.digest]);
  }
  assert.deepEqual(ends[1], ends[0]);
  assert.deepEqual(ends[0]?.[0], ["undefined", "undefined", 0, 0]);
}

const DIRTY: Readonly<Record<string, () => Promise<unknown>>> = {
  "a result": async () => assert.equal(resultOf(await guest.start("leave", "secret")), 1000),
  growth: async () => {
    assert.equal(resultOf(await guest.start("grow", 40)), 40);
    assert.ok(guest.instance.ramUsed > 40 * 1024 * 1024);
    assert.equal(guest.instance.reusable, false, "so large a one is not kept");
  },
  "an exception": async () => assert.equal((await guest.start("throws")).state, "raised"),
  "the end of its fuel": async () => {
    guest.reset(image, { fuel: 30_000_000, ram: null });
    const end = await guest.start("endless");
    assert.equal(end.state === "failed" && end.error, "out_of_fuel");
  },
  "the end of its stack": async () => {
    const end = await guest.start("recurse");
    assert.ok(end.state === "raised" && end.error === "stack_overflow");
  },
  "the end of its memory": async () => {
    guest.reset(image, { fuel: AMPLE.fuel, ram: 8 * 1024 * 1024 });
    const end = await guest.start("grow", 40);
    assert.ok((end.state === "raised" || end.state === "failed") && end.error === "out_of_memory");
  },
  "a stop in its turn": async () => {
    guest.onPause = () => false;
    assert.equal((await guest.start("endless")).state, "stopped");
    guest.onPause = () => true;
  },
  "a stop in a sync call": async () => {
    guest.onWait = async () => null;
    assert.equal((await guest.start("call")).state, "stopped");
  },
  "a sync call": async () => {
    guest.onWait = async () => ({ envelope: success(5), now: 1_700_000_000_100 });
    assert.equal(resultOf(await guest.start("call")), 5);
  },
  "being left idle": async () => assert.equal((await guest.start("idle")).state, "idle"),
  "unhandled rejections": async () => assert.equal((await guest.start("unhandled")).state, "raised"),
};

for (const [what, dirty] of Object.entries(DIRTY))
  test(`after ${what} nothing is left`, async () => {
    guest.reset(image);
    await dirty();
    assertClean();
    await assertLikeNew();
  });

test("two attempts with a limit of memory between do not differ", async () => {
  guest.reset(image, { fuel: AMPLE.fuel, ram: 16 * 1024 * 1024 });
  await guest.start("grow", 2);
  assertClean({ fuel: 1_000_000_000, ram: 32 * 1024 * 1024 });
});

test("chance differs with the seed, and only with it", async () => {
  const draw = async (seed: string): Promise<unknown> => {
    guest.seed = seed;
    guest.reset(image);
    return resultOf(await guest.start("chance"));
  };
  const [a, b, again] = [await draw("a"), await draw("b"), await draw("a")];
  assert.deepEqual(a, again);
  const [values, others] = [a, b] as unknown[][];
  for (const i of [0, 1, 2, 3]) assert.notDeepEqual(values?.[i], others?.[i]);
  assert.notEqual(values?.[0], values?.[1]);
});

test("a sync call's completion brings the time with it", async () => {
  const timed = new TestGuest();
  const program = await timed.load(`
    const child = task({ name: "child" }, (x) => x);
    task({ name: "main" }, () => { const a = Date.now(); child(1); return [a, Date.now()]; });
  `);
  timed.onWait = async () => ({ envelope: success(1), now: 1_700_000_004_000 });
  timed.reset(program);
  const times = resultOf(await timed.start("main")) as readonly number[];
  assert.deepEqual(times, [1_700_000_000_000, 1_700_000_004_000]);
});
