import assert from "node:assert/strict";
import { test } from "node:test";
import { u32, Writer } from "./binary.ts";
import { rewrite } from "./index.ts";
import { openGate, startGuest } from "./testing/guest.ts";
import { wat } from "./testing/wat.ts";

/** One unit that the host sees: it calls an import. */
const TICK = "(call $tick)";

/** A module of functions that tick; `f` of an i32 to an i32 is called. */
function moduleOf(functions: string): Uint8Array {
  return wat(`(module (import "host" "tick" (func $tick)) (tag $e)
    (type $t (func (param i32) (result i32))) ${functions})`);
}

/**
 * The same given as bytes, which is quicker to make than text: `f` is function 1, and 2 is one without
 * parameters and results.
 */
function bigModule(f: readonly number[], other: readonly number[] = []): Uint8Array {
  const bodies = [f, other].map((code) => [...u32(code.length + 2), 0, ...code, 0x0b]);
  const size = bodies.reduce((sum, body) => sum + body.length, 1);
  const out = new Writer(size + 100);
  out.bytes([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 9, 2, 0x60, 0, 0, 0x60, 1, 0x7f, 1, 0x7f]);
  out.bytes([2, 13, 1, 4, ...Buffer.from("host"), 4, ...Buffer.from("tick"), 0, 0]);
  out.bytes([3, 3, 2, 1, 0, 13, 3, 1, 0, 0, 7, 5, 1, 1, 0x66, 0, 1]);
  out.bytes([10, ...u32(size), 2]);
  for (const body of bodies) out.bytes(body);
  return out.finish();
}

/** The bytes of TICK, `count` times. */
function ticks(count: number): number[] {
  return Array.from({ length: count }, () => [0x10, 0]).flat();
}

/**
 * Calls `f` with a host that takes all fuel away at each tick, so that every check asks the gate: there are
 * never more ticks between two of them than the limit allows.
 */
function assertBounded(module: Uint8Array, total: number, limits = [4096, 100_000]) {
  for (const straightLimit of limits) {
    const { wasm, report } = rewrite(module, { keepExports: ["f"], straightLimit });
    assert.ok(report.longestStraightPath <= straightLimit, `reported ${report.longestStraightPath}`);
    let ticked = 0;
    let sinceCheck = 0;
    let longest = 0;
    const tick = () => {
      ticked++;
      longest = Math.max(longest, ++sinceCheck);
      fuel.value = -1;
    };
    const { exports } = startGuest(wasm, { imports: { host: { tick } } });
    const fuel = exports.capsule_fuel;
    openGate(exports, () => {
      sinceCheck = 0;
      fuel.value = 0;
      return 0;
    });
    exports.f(0);
    assert.equal(ticked, total);
    assert.ok(longest <= straightLimit, `${longest} units without a check, the limit is ${straightLimit}`);
  }
}

test("a function of a million straight instructions is cut", () => {
  assertBounded(bigModule([...ticks(1_000_000), 0x20, 0]), 1_000_000, [100_000]);
  assertBounded(bigModule([...ticks(50_000), 0x20, 0]), 50_000, [4096]);
});

test("chains of calls that each run straight are cut", () => {
  // Each function calls the next one ten times: 10^5 calls of the last.
  const functions = [0, 1, 2, 3, 4].map(
    (i) => `(func $f${i} ${i === 0 ? `(export "f")` : ""} (param i32) (result i32)
      ${`(local.set 0 (call $f${i + 1} (local.get 0)))`.repeat(10)} (local.get 0))`,
  );
  const last = `(func $f5 (param i32) (result i32) ${TICK.repeat(10)} (local.get 0))`;
  assertBounded(moduleOf(`${functions.join("")} ${last}`), 1_000_000);
});

test("calls of functions that check, and then run straight, are cut", () => {
  const text = `(func $g (param i32) (result i32)
    (loop $l (br_if $l (i32.const 0)) (br_if $l (i32.const 0))) ${TICK.repeat(3000)} (local.get 0))
    (func (export "f") (param i32) (result i32)
      ${`(local.set 0 (call $g (local.get 0))) ${TICK.repeat(3000)}`.repeat(3)} (local.get 0))`;
  assertBounded(moduleOf(text), 18_000);
  assertBounded(
    moduleOf(text.replace(TICK.repeat(2100), "").replaceAll(TICK.repeat(3000), TICK.repeat(3600))),
    3 * 4500,
  );
});

test("a chain of functions that do nothing but call is cut", () => {
  const functions = Array.from({ length: 3000 }, (_, i) => `(func $f${i} (call $f${i + 1}))`);
  const last = `(func $f3000 ${TICK.repeat(4000)})`;
  const f = `(func (export "f") (param i32) (result i32) (call $f0) (local.get 0))`;
  assertBounded(moduleOf(`${functions.join("")} ${last} ${f}`), 4000);
});

test("unwinding a deep recursion is cut: what stands behind the calls adds up", () => {
  const text = `(func $f (export "f") (type $t)
    (if (i32.lt_u (local.get 0) (i32.const 500)) (then (drop (call $f (i32.add (local.get 0) (i32.const 1))))))
    ${TICK.repeat(1000)} (local.get 0))`;
  assertBounded(moduleOf(text), 501_000);
});

test("unwinding through function pointers is cut, too", () => {
  const text = `(table funcref (elem $f)) (func $f (export "f") (type $t)
    (if (i32.lt_u (local.get 0) (i32.const 500)) (then
      (drop (call_indirect (type $t) (i32.add (local.get 0) (i32.const 1)) (i32.const 0)))))
    ${TICK.repeat(1000)} (local.get 0))`;
  assertBounded(moduleOf(text), 501_000);
});

test("what stands behind calls of functions that end in tail calls is cut", () => {
  const text = `(func $slow (param i32) (result i32) (loop $l ${TICK}
      (br_if $l (i32.lt_s (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 3))))
      ${TICK.repeat(900)} (local.get 0))
    (table funcref (elem $slow))
    (func $tail (param i32) (result i32) (return_call_indirect (type $t) (local.get 0) (i32.const 0)))
    (func (export "f") (param i32) (result i32)
      ${`(drop (call $tail (i32.const 0))) ${TICK.repeat(3500)}`.repeat(5)} (local.get 0))`;
  assertBounded(moduleOf(text), 5 * (3 + 900 + 3500));
});

test("many branches to one label are cut", () => {
  const branches = (count: number) => Array.from({ length: count }, () => [0x10, 0, 0x41, 0, 0x0d, 0]).flat();
  const f = (before: number, after: number) =>
    bigModule([0x02, 0x40, ...branches(before), 0x0b, ...ticks(after), 0x20, 0]);
  assertBounded(f(30_000, 80_000), 110_000);
  for (let after = 4090; after <= 4097; after++) assertBounded(f(10, after), 10 + after, [4096]);
});

test("arms and nested blocks are cut", () => {
  let body = ticks(2400);
  for (let i = 0; i < 5; i++) body = [0x20, 0, 0x04, 0x40, ...body, 0x05, ...ticks(2000), ...body, 0x0b];
  // Always the second arm.
  assertBounded(bigModule([...body, 0x20, 0]), 5 * 2000 + 2400);
});

test("a chain of tail calls is cut", () => {
  const functions = Array.from({ length: 300 }, (_, i) => {
    const next = i === 299 ? "(local.get 0)" : `(return_call $f${i + 1} (local.get 0))`;
    return `(func $f${i} (param i32) (result i32) ${TICK.repeat(1000)} ${next})`;
  });
  const f = `(func (export "f") (param i32) (result i32)
    ${"(local.set 0 (call $f0 (local.get 0)))".repeat(3)} (local.get 0))`;
  assertBounded(moduleOf(`${functions.join("")} ${f}`), 900_000);
});

test("the way from a throw to its handler and on is cut", () => {
  const handlers = [
    `(try (do ${TICK.repeat(500)} (throw $e)) (catch $e ${TICK.repeat(500)}))`,
    `(try (do ${TICK.repeat(500)} (call $thrower)) (catch_all ${TICK.repeat(500)}))`,
  ];
  for (const handler of handlers) {
    const text = `(func $thrower ${TICK.repeat(100)} (throw $e))
      (func (export "f") (param i32) (result i32) ${handler.repeat(120)} (local.get 0))`;
    assertBounded(moduleOf(text), 120 * (handler.includes("thrower") ? 1100 : 1000));
  }
});

test("the way from a throw to the label of a try_table and on is cut", () => {
  // (block (try_table (catch_all 0) ticks (throw 0))) ticks
  const part = [0x02, 0x40, 0x1f, 0x40, 1, 2, 0, ...ticks(500), 0x08, 0, 0x0b, 0x0b, ...ticks(500)];
  assertBounded(bigModule([...Array.from({ length: 120 }, () => part).flat(), 0x20, 0]), 120_000);
});

test("the way from a throw out of a function that catches there is cut", () => {
  // (call 2) ticks, and in function 2: (try_table (catch_all 0) ticks (throw 0))
  const part = [0x10, 2, ...ticks(500)];
  const catches = [0x1f, 0x40, 1, 2, 0, ...ticks(500), 0x08, 0, 0x0b];
  assertBounded(bigModule([...Array.from({ length: 120 }, () => part).flat(), 0x20, 0], catches), 120_000);
});
