import assert from "node:assert/strict";
import { test } from "node:test";
import type { SessionMemory } from "@capsule-run/protocol";
import type { Of } from "./cell.ts";
import { MemoryPlan } from "./memory.ts";
import { SessionSandbox } from "./session-sandbox.ts";

const MIB = 1024 ** 2;

function sandboxOf() {
  const parked: number[] = [];
  let seats = 0;
  const sandbox = new SessionSandbox({
    nextSeat: () => ++seats,
    memory: new MemoryPlan(1024 * MIB),
    parked: (bytes) => {
      if (bytes !== 0) parked.push(bytes);
    },
  });
  return { sandbox, parked };
}

const ended = (memory: SessionMemory, parked = 0, image = 0): Of<"ended"> => ({
  ...{ type: "ended", sandbox: 1, ok: memory === "kept", error: memory === "kept" ? "" : "timeout" },
  ...{ plain: true, lacks: "", memory, parked, image, fuel: 1, ram: 1, body: new Uint8Array(0) },
});

test("what is parked is what the next attempt has from its start; closing gives it back", async () => {
  const { sandbox, parked } = sandboxOf();
  sandbox.begin();
  assert.deepEqual(sandbox.needs(8 * MIB, null), { sandbox: 8 * MIB, beside: 0, parked: 0 });
  sandbox.ended(ended("kept", 40 * MIB, 3 * MIB));
  assert.equal(sandbox.left(), 43 * MIB);
  sandbox.end();
  assert.deepEqual([sandbox.memory, sandbox.isUsed, parked], ["kept", true, []]);
  sandbox.begin();
  const needs = sandbox.needs(8 * MIB, null);
  assert.ok(needs.sandbox >= 40 * MIB);
  assert.deepEqual([needs.beside, needs.parked], [3 * MIB, 43 * MIB]);
  sandbox.ended(ended("rolled_back", 30 * MIB, 3 * MIB));
  assert.equal(sandbox.left(), 33 * MIB);
  sandbox.end();
  assert.deepEqual([sandbox.memory, parked], ["rolled_back", []]);
  await sandbox.close();
  assert.deepEqual(parked, [-33 * MIB]);
});

test("a cell that is gone between two calls is told of once, and gives its memory back", () => {
  const { sandbox, parked } = sandboxOf();
  sandbox.begin();
  sandbox.ended(ended("kept", MIB, MIB));
  sandbox.left();
  sandbox.end();
  const { seat } = sandbox;
  seat.lose("killed");
  assert.deepEqual(parked, [-2 * MIB]);
  assert.notEqual(sandbox.seat, seat, "whoever begins afresh is somebody else");
  sandbox.begin();
  assert.equal(sandbox.takeLoss(), "killed");
  assert.equal(sandbox.memory, "lost");
  sandbox.begin();
  assert.equal(sandbox.takeLoss(), null);
  assert.equal(sandbox.memory, "kept");
});

test("one that is gone while a call waits to begin is counted until that is over", () => {
  const { sandbox, parked } = sandboxOf();
  sandbox.begin();
  sandbox.ended(ended("kept", MIB, MIB));
  sandbox.left();
  sandbox.end();
  sandbox.begin();
  sandbox.needs(MIB, null);
  sandbox.seat.lose("killed");
  assert.deepEqual(parked, []);
  sandbox.end();
  assert.deepEqual(parked, [-2 * MIB]);
});

test("a first attempt whose cell ended before it began keeps its seat: it begins in another cell", () => {
  const { sandbox } = sandboxOf();
  sandbox.begin();
  const { seat } = sandbox;
  seat.lose("it did not start");
  assert.equal(sandbox.seat, seat);
  sandbox.ended(ended("kept", MIB, MIB));
  sandbox.end();
  assert.equal(sandbox.takeLoss(), null);
});
