import assert from "node:assert/strict";
import { test } from "node:test";
import { u32, Writer } from "./binary.ts";
import { rewrite } from "./index.ts";
import { openGate, startGuest } from "./testing/guest.ts";
import { wat } from "./testing/wat.ts";

/** A module with one function, `f`, of an i32 to an i32: its instructions as bytes. Quicker to make than text. */
function moduleOf(...code: readonly number[][]): Uint8Array {
  const out = new Writer();
  const length = code.reduce((sum, part) => sum + part.length, 0) + 2;
  out.bytes([
    0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 6, 1, 0x60, 1, 0x7f, 1, 0x7f, 3, 2, 1, 0, 7, 5, 1, 1, 0x66, 0, 0,
  ]);
  out.bytes([10, ...u32(1 + u32(length).length + length), 1, ...u32(length), 0]);
  for (const part of code) out.bytes(part);
  out.byte(0x0b);
  return out.finish();
}

/** The instructions of STEP, `count` times. */
function steps(count: number): number[] {
  return Array.from({ length: count }, () => [0x20, 0, 0x41, 1, 0x6a, 0x21, 0]).flat();
}

/** Four units. */
const STEP = "(local.set 0 (i32.add (local.get 0) (i32.const 1)))";

/**
 * Calls `f` with fuel for nothing: the gate is asked at every check where anything was used since the last
 * one. Gives the most that was used in between, and all of it.
 */
function longestPath(module: string | Uint8Array, straightLimit: number) {
  const bytes = typeof module === "string" ? wat(`(module ${module})`) : module;
  const { wasm, report } = rewrite(bytes, { keepExports: ["f"], straightLimit });
  const { exports } = startGuest(wasm);
  const fuel = exports.capsule_fuel;
  let longest = 0;
  let total = 0;
  const take = () => {
    longest = Math.max(longest, -fuel.value);
    total -= fuel.value;
    fuel.value = 0;
    return 0;
  };
  openGate(exports, take);
  fuel.value = 0;
  const result = exports.f(0) as number;
  take();
  return { longest, total, result, reported: report.longestStraightPath };
}

function assertBounded(text: string | Uint8Array, units: number, limits = [4096, 100_000]) {
  for (const limit of limits) {
    const { longest, total, reported } = longestPath(text, limit);
    assert.equal(total, units);
    assert.ok(reported <= limit, `reported ${reported} of ${limit}`);
    // What is charged in advance belongs to the path ahead: at most as much again.
    assert.ok(longest <= 2 * limit, `${longest} units between two checks, the limit is ${limit}`);
  }
}

test("a function of a million straight instructions is cut", () => {
  assertBounded(
    `(func (export "f") (param i32) (result i32) ${STEP.repeat(250_000)} (local.get 0))`,
    1_000_001,
  );
});

test("chains of calls that each run straight are cut", () => {
  // Each function calls the next one ten times: 10^5 calls of the last.
  const functions = [0, 1, 2, 3, 4].map(
    (i) => `(func $f${i} ${i === 0 ? `(export "f")` : ""} (param i32) (result i32)
      ${`(local.set 0 (call $f${i + 1} (local.get 0)))`.repeat(10)} (local.get 0))`,
  );
  const text = `${functions.join("")} (func $f5 (param i32) (result i32) ${STEP.repeat(3)} (local.get 0))`;
  // A call with its local.get and local.set, and a local.get in each caller; 13 units in the last.
  let units = 13;
  for (let i = 0; i < 5; i++) units = 10 * (3 + units) + 1;
  assertBounded(text, units);
});

test("unwinding a deep recursion is cut: what stands behind the calls adds up", () => {
  const text = `(func $f (export "f") (param i32) (result i32)
    (if (i32.lt_u (local.get 0) (i32.const 2000)) (then (drop (call $f (i32.add (local.get 0) (i32.const 1))))))
    ${STEP.repeat(1000)} (local.get 0))`;
  // 2,001 times: compare and if, 4; the steps and local.get, 4,001. 2,000 times: the call, 5.
  assertBounded(text, 2001 * 4005 + 2000 * 5);
});

test("unwinding through function pointers is cut, too", () => {
  const text = `(type $t (func (param i32) (result i32))) (table funcref (elem $f))
    (func $f (export "f") (type $t)
    (if (i32.lt_u (local.get 0) (i32.const 2000)) (then
      (drop (call_indirect (type $t) (i32.add (local.get 0) (i32.const 1)) (i32.const 0)))))
    ${STEP.repeat(1000)} (local.get 0))`;
  assertBounded(text, 2001 * 4005 + 2000 * 6);
});

test("many branches to one label are cut", () => {
  const branches = Array.from({ length: 100_000 }, () => [0x41, 0, 0x0d, 0]).flat();
  assertBounded(moduleOf([0x02, 0x40], branches, [0x0b], steps(20_000), [0x20, 0]), 200_000 + 80_001);
});

test("arms and nested blocks are cut", () => {
  let body = steps(600);
  for (let i = 0; i < 6; i++)
    body = [0x20, 0, 0x41, 0, 0x71, 0x04, 0x40, ...body, 0x05, ...steps(500), ...body, 0x0b];
  // Always the second arm: local.get, i32.const, i32.and and if, then 500 steps; at the end 600 more.
  assertBounded(moduleOf(body, [0x20, 0]), 6 * (4 + 2000) + 2400 + 1);
});

test("a chain of tail calls is cut", () => {
  const functions = Array.from({ length: 300 }, (_, i) => {
    const next = i === 299 ? "(local.get 0)" : `(return_call $f${i + 1} (local.get 0))`;
    return `(func $f${i} (param i32) (result i32) ${STEP.repeat(250)} ${next})`;
  });
  const text = `${functions.join("")} (func (export "f") (param i32) (result i32)
    ${"(local.set 0 (call $f0 (local.get 0)))".repeat(3)} (local.get 0))`;
  assertBounded(text, 3 * (3 + 300 * 1000 + 299 * 2 + 1) + 1);
});
