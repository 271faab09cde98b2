/** One instance, one task after the other: what stays, what goes back, and that it is the same everywhere. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { TurnEnd } from "@capsule-run/protocol";
import { AMPLE, NOW, TestGuest } from "./testing/guest.ts";

const PROGRAM = `
import asyncio, time
from capsule import task

count = 0
kept = []
left = loop = file = None

@task(name="other")
async def other():
    return 1

@task(name="main")
def main(action, n):
    global count, left, loop, file
    if action == "add":
        count += n
        kept.append({"n": n, "text": "x" * n * 100})
        return [count, len(kept), time.time()]
    if action == "throw":
        count += n
        raise ValueError("on purpose")
    if action == "spin":
        while True:
            count += 1
            kept.append("y" * (count % 100))
    if action == "bomb":
        while True:
            kept.append(bytes(1_000_000))
    if action == "leave":
        loop = asyncio.new_event_loop()
        left = loop.create_task(wait())
        loop.run_until_complete(asyncio.sleep(0))
        return 1
    if action == "heard":
        return loop.run_until_complete(left)["error"]["error_type"]
    if action == "open":
        file = open("/tmp/a", "w+")
        file.write("one ")
        file.flush()
        return file.fileno()
    if action == "shut":
        file.write("lost")
        file.close()
        taken = open("/tmp/b", "w")
        assert taken.fileno() >= 4
        while True:
            pass
    if action == "write":
        file.write("two")
        file.seek(0)
        return [file.read(), file.fileno()]

async def wait():
    return await other()
`;

const RAM = 96 * 1024 ** 2;

function call(guest: TestGuest, now: number, action: string, n = 1, fuel = AMPLE.fuel): Promise<TurnEnd> {
  const args = Buffer.from(JSON.stringify([action, n]));
  return guest.instance.again("main", args, { fuel, ram: RAM }, now);
}

const shown = (end: TurnEnd): unknown =>
  end.state === "result" ? JSON.parse(Buffer.from(end.json).toString()) : end;

function save(guest: TestGuest): void {
  guest.instance.keep();
  guest.instance.save();
}

async function begun(options: { readonly slice?: number } = {}): Promise<TestGuest> {
  const guest = new TestGuest(options);
  guest.reset(await guest.load(PROGRAM), { fuel: AMPLE.fuel, ram: RAM }, NOW);
  await guest.start("main", "add", 1);
  save(guest);
  return guest;
}

async function trace(guest: TestGuest): Promise<unknown[]> {
  const seen: unknown[] = [];
  const calls: readonly (readonly [string, number])[] = [
    ["add", AMPLE.fuel],
    ["throw", AMPLE.fuel],
    ["spin", 50_000_000],
    ["add", AMPLE.fuel],
    ["bomb", AMPLE.fuel],
    ["add", AMPLE.fuel],
  ];
  for (const [i, [action, fuel]] of calls.entries()) {
    const end = await call(guest, NOW + (i + 1) * 10, action, 2, fuel);
    seen.push([shown(end), guest.instance.fuelUsed]);
    if (action === "spin" || action === "bomb") guest.instance.restore();
    else save(guest);
    seen.push(guest.digest);
  }
  return seen;
}

test("the same calls: the same ends, fuel and memory, for every slice, and in another instance", async () => {
  const reference = await trace(await begun());
  assert.match(JSON.stringify(reference), /on purpose.*out_of_fuel.*out_of_memory/);
  assert.deepEqual(await trace(await begun({ slice: 777_777 })), reference);
  const [moved, other] = [await begun(), new TestGuest()];
  await call(moved, NOW, "bomb");
  other.instance.adopt(moved.instance);
  assert.deepEqual(await trace(other), reference);
  const used = await begun();
  await call(used, NOW, "spin", 1, 50_000_000);
  const again = await begun();
  await call(again, NOW, "bomb");
  used.instance.adopt(again.instance);
  assert.deepEqual(await trace(used), reference, "one that held something else");
});

test("what is undone is as if it had never been: every byte, and the clock", async () => {
  const guest = await begun();
  await call(guest, NOW + 5, "add");
  save(guest);
  const before = guest.memory.slice();
  for (const action of ["spin", "bomb"]) {
    await call(guest, NOW + 1_000_000, action, 1, 300_000_000);
    guest.instance.restore();
    assert.equal(Buffer.compare(guest.memory, before), 0, action);
    assert.ok(
      Buffer.from(guest.realMemory.buffer)
        .subarray(before.length)
        .every((byte) => byte === 0),
    );
  }
  const [, , at] = shown(await call(guest, NOW + 6, "add")) as number[];
  assert.ok(Number(at) * 1000 < NOW + 100, "time did not pass");
});

test("a number that the guest knows never comes to mean another file", async () => {
  const guest = await begun();
  const number = shown(await call(guest, NOW, "open"));
  save(guest);
  for (let i = 0; i < 2; i++) {
    const end = await call(guest, NOW, "shut", 1, 50_000_000);
    assert.equal(end.state === "failed" && end.error, "out_of_fuel");
    guest.instance.restore();
  }
  assert.deepEqual(shown(await call(guest, NOW, "write")), ["one twot", number], "what was written stays");
});

test("calls that were left under way are given up", async () => {
  const guest = await begun();
  assert.equal(shown(await call(guest, NOW, "leave")), 1);
  assert.equal(guest.calls.length, 1);
  save(guest);
  assert.equal(shown(await call(guest, NOW, "heard")), "cancelled");
});
