import assert from "node:assert/strict";
import { test } from "node:test";
import { rewrite } from "./index.ts";
import { startGuest } from "./testing/guest.ts";
import { wat } from "./testing/wat.ts";

function moduleOf(functions: string): Uint8Array {
  return wat(`(module (import "host" "look" (func $look)) (global $sp (export "sp") (mut i32) (i32.const 4096))
    (type $t (func)) (type $u (func (param i32))) ${functions})`);
}

function padded(functions: string, padding?: { base: number; perLocal: number }) {
  const module = moduleOf(functions);
  const options = { keepExports: ["f", "sp"], stackPointer: "sp", ...(padding ? { padding } : {}) };
  const { wasm, report } = rewrite(module, options);
  const seen: number[] = [];
  const imports = { host: { look: () => seen.push(guest.exports.sp.value) } };
  const guest = startGuest(wasm, { imports });
  return { report, seen, guest, size: wasm.length };
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

/** A function that is active several times, with a frame of 32 bytes as compilers make it. */
function framed({
  body = "",
  release = "(global.set $sp (i32.add (local.get $frame) (i32.const 32)))",
}): string {
  return `(func $g (export "f") (param $n i32) (result i32) (local $frame i32)
    (global.set $sp (local.tee $frame (i32.sub (global.get $sp) (i32.const 32))))
    (i32.store (local.get $frame) (local.get $n)) (call $look) ${body}
    (if (local.get $n) (then (drop (call $g (i32.sub (local.get $n) (i32.const 1))))))
    (i32.load (local.get $frame)) ${release})`;
}

/** Runs it to depth 3: what the stack pointer was at each call, and at last. */
function runFramed(text: string) {
  const { seen, guest, size } = padded(`(memory 1) ${text}`);
  assert.equal(guest.exports.f(3), 3);
  return { seen, last: guest.exports.sp.value as number, size };
}

test("a frame of a compiler's is made larger instead of a second one", () => {
  const { seen, last, size } = runFramed(framed({}));
  // 32 bytes, and 96 + 2 * 8 of padding.
  assert.deepEqual(seen, [4096 - 144, 4096 - 288, 4096 - 432, 4096 - 576]);
  assert.equal(last, 4096);
  const early = runFramed(
    framed({
      body: `(block $out (br_if $out (i32.ge_s (local.get $n) (i32.const 0)))
        (global.set $sp (i32.add (local.get $frame) (i32.const 32))) (return (i32.const 0)))`,
    }),
  );
  assert.deepEqual(early.seen, seen);
  assert.equal(early.last, 4096);
  // The constants are those of the frame: no second pair of changes to the stack pointer.
  const around = runFramed(framed({ body: "(global.set $sp (global.get $sp))" }));
  assert.deepEqual(around.seen, seen);
  assert.ok(around.size > size + 4 + 12, `${around.size} bytes around, ${size} in the frame`);
});

test("a function that treats the stack pointer in its own way is padded around it", () => {
  const ways = [
    // Not given back: the caller sees it lower by the function's own 32 bytes, and only by these.
    { text: framed({ release: "" }), last: 4096 - 4 * 32 },
    // Given back on one path only.
    {
      text: framed({
        release: `(if (i32.eqz (local.get $n)) (then
          (global.set $sp (i32.add (local.get $frame) (i32.const 32)))))`,
      }),
      last: 4096 - 3 * 32,
    },
    // More is taken later on.
    { text: framed({ body: "(global.set $sp (i32.sub (local.get $frame) (i32.const 16)))" }), last: 4096 },
    // The local is changed; another amount is given back.
    {
      text: framed({
        body: `(local.set $frame (i32.sub (local.get $frame) (i32.const 16)))
          (i32.store (local.get $frame) (local.get $n))`,
        release: "(global.set $sp (i32.add (local.get $frame) (i32.const 48)))",
      }),
      last: 4096,
    },
    {
      text: framed({ release: "(global.set $sp (i32.add (local.get $frame) (i32.const 48)))" }),
      last: 4096 + 16,
    },
    // Left early with the frame still taken.
    {
      text: framed({ body: "(if (i32.eq (local.get $n) (i32.const 3)) (then (return (i32.const 3))))" }),
      last: 4064,
    },
  ];
  for (const [i, { text, last }] of ways.entries()) {
    assert.equal(runFramed(text).last, last, `way ${i}`);
    assert.equal(runUnpadded(text), last, `way ${i}, not padded`);
  }
});

/** The stack pointer after the same calls in a module without padding. */
function runUnpadded(functions: string): number {
  const { wasm } = rewrite(moduleOf(`(memory 1) ${functions}`), { keepExports: ["f", "sp"] });
  const { exports } = startGuest(wasm, { imports: { host: { look() {} } } });
  assert.equal(exports.f(3), 3);
  return exports.sp.value;
}
