import assert from "node:assert/strict";
import { test } from "node:test";
import type { FromCell } from "@capsule-run/protocol";
import { Bench, type FakeInstance, idle, result } from "./testing.ts";

const raised = {
  state: "raised",
  error: "task_error",
  report: { name: "E", message: "m", stack: "" },
} as const;
const failed = (error: "out_of_fuel" | "invalid_result" | "task_error") =>
  ({ state: "failed", error, message: "m" }) as const;

type Ended = Extract<FromCell, { type: "ended" }>;

/** What the last attempt left. */
function left(bench: Bench): readonly unknown[] {
  const ended = bench.sent.splice(0).find((message): message is Ended => message.type === "ended");
  assert.ok(ended);
  return [ended.memory, ended.parked, ended.image];
}

const done = (instance: FakeInstance): string => instance.done.splice(0).join(" ");

test("a session's attempts enter one instance, without a reset; its image is taken when the answer was sent", async () => {
  const bench = new Bench();
  const instance = await bench.open(1, 7);
  instance.onSave = () =>
    assert.ok(
      bench.sent.some(({ type }) => type === "ended"),
      "after the answer",
    );
  await instance.end(result("1"));
  assert.deepEqual(left(bench), ["kept", 65_536, 4096]);
  assert.equal(done(instance), "keep save");
  await bench.open(2, 7);
  assert.equal(bench.instances.length, 1);
  assert.equal(instance.resets, 1);
  assert.deepEqual(instance.entries, ["start main [1]", "again main [1]"]);
  await instance.end(raised);
  assert.deepEqual(left(bench), ["kept", 65_536, 4096]);
  assert.equal(done(instance), "keep save");
});

test("what comes at once waits for the image", async () => {
  const bench = new Bench();
  const instance = await bench.open(1, 7);
  instance.onSave = () => assert.equal(instance.entries.length, 1, "before it is entered again");
  bench.onSend = (message) => {
    if (message.type === "ended" && message.sandbox === 1) void bench.open(2, 7);
  };
  await instance.end(result("1"));
  assert.equal(done(instance), "keep save");
  assert.equal(instance.entries.length, 2);
});

test("an attempt that is ended from outside is undone, before anybody hears of it", async () => {
  const bench = new Bench();
  const instance = await bench.open(1, 7);
  await instance.end(result("1"));
  left(bench);
  for (const [sandbox, end] of [
    [2, failed("out_of_fuel")],
    [3, failed("task_error")],
    [4, { ...raised, error: "out_of_memory" }],
    [5, { state: "lacking", code: "numpy" }],
  ] as const) {
    done(instance);
    await bench.open(sandbox, 7);
    await instance.end(end);
    assert.deepEqual(left(bench), ["rolled_back", 65_536, 4096], JSON.stringify(end));
    assert.equal(done(instance), "restore");
  }
  await bench.open(6, 7);
  await instance.end(idle);
  await bench.tell({ type: "stop", sandbox: 6 });
  assert.deepEqual(left(bench), ["rolled_back", 65_536, 4096]);
  assert.equal(done(instance), "restore");
  await bench.open(7, 7);
  await instance.end(failed("invalid_result"));
  assert.deepEqual(left(bench)[0], "kept");
});

test("a first attempt that fails leaves nothing: the next one begins afresh", async () => {
  const bench = new Bench();
  const instance = await bench.open(1, 7);
  await instance.end(failed("out_of_fuel"));
  assert.deepEqual(left(bench), ["rolled_back", 0, 0]);
  await bench.open(2, 7);
  assert.equal(instance.resets, 2, "as any sandbox");
});

test("an instance that has grown is replaced when it goes back", async () => {
  const bench = new Bench();
  const instance = await bench.open(1, 7);
  await instance.end(result("1"));
  left(bench);
  await bench.open(2, 7);
  instance.memory = 2 ** 30;
  await instance.end(failed("out_of_fuel"));
  assert.deepEqual(left(bench), ["rolled_back", 65_536, 4096]);
  assert.equal(bench.instances.length, 2);
  assert.equal(done(bench.instances[1] as FakeInstance), "adopt");
  assert.equal(bench.collections, 1, "its memory is given back");
  await bench.open(3, 7);
  assert.deepEqual((bench.instances[1] as FakeInstance).entries, ["again main [1]"]);
});

test("a session that can't be saved is lost by the next failure, and one that can't be restored", async () => {
  const bench = new Bench();
  const instance = await bench.open(1, 7);
  await instance.end(result("1"));
  left(bench);
  await bench.open(2, 7);
  instance.onRestore = () => {
    throw new RangeError("no memory");
  };
  await instance.end(failed("out_of_fuel"));
  assert.deepEqual(left(bench), ["lost", 0, 0]);
  const other = await bench.open(3, 7);
  assert.notEqual(other, instance, "it is used by nobody any more");
  other.onSave = () => {
    throw new RangeError("no memory");
  };
  await other.end(result("1"));
  assert.equal(left(bench)[0], "kept");
});

test("numbers of calls go on, and those of earlier attempts can't be given up", async () => {
  const bench = new Bench();
  const instance = await bench.open(1, 7);
  assert.equal(instance.host.call("async", "t", Buffer.from("[]")), 1);
  await instance.end(result("1"));
  await bench.open(2, 7);
  bench.said();
  instance.host.revoke(1);
  assert.equal(instance.host.call("async", "t", Buffer.from("[]")), 2);
  instance.host.revoke(2);
  await new Promise(setImmediate);
  assert.deepEqual(bench.said(), ["call 2 2 async t []", "revoke 2 2"]);
  await bench.tell({ type: "stop", sandbox: 2 });
  // On its way to the trap: nobody hears of it, so it has no number.
  instance.host.call("async", "t", Buffer.from("[]"));
  await instance.end({ state: "stopped" });
  bench.said();
  await bench.open(3, 7);
  assert.equal(instance.host.call("async", "t", Buffer.from("[]")), 3);
});

test("a session that is dropped gives its instance back to nobody", async () => {
  const bench = new Bench();
  const instance = await bench.open(1, 7);
  await instance.end(result("1"));
  await bench.tell({ type: "drop", session: 7 }, { type: "drop", session: 8 });
  assert.notEqual(await bench.open(2), instance);
});
