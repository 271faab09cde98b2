import assert from "node:assert/strict";
import { test } from "node:test";
import { rewrite } from "./index.ts";
import { startGuest } from "./testing/guest.ts";
import { wat } from "./testing/wat.ts";

function padded(functions: string, padding?: { base: number; perLocal: number }) {
  const module =
    wat(`(module (import "host" "look" (func $look)) (global (export "sp") (mut i32) (i32.const 4096))
    (type $t (func)) (type $u (func (param i32))) ${functions})`);
  const options = { keepExports: ["f", "sp"], stackPointer: "sp", ...(padding ? { padding } : {}) };
  const { wasm, report } = rewrite(module, options);
  const seen: number[] = [];
  const imports = { host: { look: () => seen.push(guest.exports.sp.value) } };
  const guest = startGuest(wasm, { imports });
  return { report, seen, guest };
}

test("functions that may be active twice lower the stack, others do not", () => {
  const { report, seen, guest } = padded(`
    (func $leaf)
    (func $once (call $look) (call $leaf))
    (func $again (param i32) (local f64 i64) (call $look) (call $once)
      (if (local.get 0) (then (call $again (i32.sub (local.get 0) (i32.const 1))))))
    (func (export "f") (call $again (i32.const 2)) (call $look))`);
  assert.equal(report.padded, 1);
  guest.exports.f();
  // 96 bytes and 8 for each of three locals, in steps of 16.
  assert.deepEqual(seen, [3968, 3968, 3840, 3840, 3712, 3712, 4096]);
});

test("the amount can be chosen", () => {
  const text = `(func $g (export "f") (param i32) (call $look)
    (if (local.get 0) (then (call $g (i32.const 0)))))`;
  const { seen, guest } = padded(text, { base: 10, perLocal: 1 });
  guest.exports.f(1);
  assert.deepEqual(seen, [4080, 4064]);
});

test("recursion through function pointers counts, by type", () => {
  const through = (type: string, argument: string) => `(table funcref (elem $f))
    (func $f (export "f") (call_indirect (type ${type}) ${argument} (i32.const 0)))`;
  assert.equal(padded(through("$t", "")).report.padded, 1);
  // No function in the table is of this type: the call can only trap.
  assert.equal(padded(through("$u", "(i32.const 0)")).report.padded, 0);
});
