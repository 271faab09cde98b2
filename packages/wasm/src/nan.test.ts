import assert from "node:assert/strict";
import { test } from "node:test";
import { rewrite } from "./index.ts";
import { startGuest } from "./testing/guest.ts";
import { wat } from "./testing/wat.ts";

const CANONICAL = { f32: 0x7fc0_0000n, f64: 0x7ff8_0000_0000_0000n };

type Float = keyof typeof CANONICAL;

/** The bits that `expression`, a float, has in a rewritten module. */
function bitsOf(type: Float, expression: string): bigint {
  const int = type === "f32" ? "i32" : "i64";
  const text = `(module (import "host" "${type}" (func $host (result ${type}))) (memory 1) (global $g (mut ${type}) (${type}.const 0))
    (func (export "f") (result i64) (local $x ${type})
      (${int}.store (i32.const 8) (${int}.reinterpret_${type} ${expression}))
      ${type === "f32" ? "(i64.load32_u (i32.const 8))" : "(i64.load (i32.const 8))"}))`;
  const imports = { host: { f32: () => -Number.NaN, f64: () => -Number.NaN } };
  const guest = startGuest(rewrite(wat(text), { keepExports: ["f"] }).wasm, { imports });
  return BigInt.asUintN(64, guest.exports.f() as bigint);
}

for (const type of ["f32", "f64"] as const) {
  const nan = `(${type}.const -nan:0x1234)`;
  const one = `(${type}.const 1)`;
  const zero = `(${type}.const 0)`;
  const infinity = `(${type}.const inf)`;

  test(`every ${type} operation that makes a NaN makes the canonical one`, () => {
    const expressions = [
      ...["add", "sub", "mul", "div", "min", "max"].map((op) => `(${type}.${op} ${nan} ${one})`),
      ...["add", "sub", "mul", "div", "min", "max"].map((op) => `(${type}.${op} ${one} ${nan})`),
      ...["sqrt", "ceil", "floor", "trunc", "nearest"].map((op) => `(${type}.${op} ${nan})`),
      `(${type}.sqrt (${type}.const -1))`,
      `(${type}.div ${zero} ${zero})`,
      `(${type}.mul ${zero} ${infinity})`,
      `(${type}.sub ${infinity} ${infinity})`,
      type === "f32"
        ? "(f32.demote_f64 (f64.const -nan:0x1234))"
        : "(f64.promote_f32 (f32.const -nan:0x1234))",
    ];
    for (const expression of expressions) assert.equal(bitsOf(type, expression), CANONICAL[type], expression);
  });

  test(`a ${type} NaN is canonical wherever it goes next`, () => {
    const made = `(${type}.div ${zero} ${zero})`;
    const expressions = [
      `(${type}.add ${made} ${one})`,
      `(${type}.abs (${type}.neg (${type}.neg ${made})))`,
      `(local.tee $x ${made})`,
      `(block (result ${type}) ${made})`,
      `(if (result ${type}) (i32.const 1) (then ${made}) (else ${one}))`,
      `(select ${made} ${one} (i32.const 1))`,
      `(block (result ${type}) (global.set $g ${made}) (global.get $g))`,
      `(block (result ${type}) (${type}.store (i32.const 16) ${made}) (${type}.load (i32.const 16)))`,
      "(call $host)",
    ];
    for (const expression of expressions) assert.equal(bitsOf(type, expression), CANONICAL[type], expression);
    assert.equal(
      bitsOf(type, `(${type}.neg ${made})`),
      CANONICAL[type] | (type === "f32" ? 1n << 31n : 1n << 63n),
    );
  });

  test(`what only moves bits of a ${type} leaves them`, () => {
    const bits = type === "f32" ? 0xff80_1234n : 0xfff0_0000_0000_1234n;
    const sign = type === "f32" ? 1n << 31n : 1n << 63n;
    assert.equal(bitsOf(type, nan), bits);
    assert.equal(bitsOf(type, `(${type}.neg ${nan})`), bits ^ sign);
    assert.equal(bitsOf(type, `(${type}.abs ${nan})`), bits ^ sign);
    assert.equal(bitsOf(type, `(${type}.copysign ${nan} ${one})`), bits ^ sign);
    assert.equal(bitsOf(type, `(block (result ${type}) (local.set $x ${nan}) (local.get $x))`), bits);
  });

  test(`${type} numbers are what they were`, () => {
    const view = new DataView(new ArrayBuffer(8));
    const bits = (x: number) => {
      if (type === "f64") view.setFloat64(0, x);
      else view.setFloat32(0, x);
      return type === "f64" ? view.getBigUint64(0) : BigInt(view.getUint32(0));
    };
    assert.equal(bitsOf(type, `(${type}.div ${one} ${zero})`), bits(Number.POSITIVE_INFINITY));
    assert.equal(bitsOf(type, `(${type}.mul ${zero} (${type}.const -1))`), bits(-0));
    assert.equal(bitsOf(type, `(${type}.add ${one} (${type}.const 0.5))`), bits(1.5));
  });
}

/** The bits of both halves of a vector, `expression`, in a rewritten module. */
function vectorBits(expression: string): string {
  const text = `(module (memory (export "memory") 1) (func (export "f") (local $v v128) (local $w v128)
    (v128.store (i32.const 0) ${expression})))`;
  const guest = startGuest(rewrite(wat(text), { keepExports: ["f", "memory"] }).wasm);
  guest.exports.f();
  const view = new DataView(guest.exports.memory.buffer);
  return [0, 8].map((at) => view.getBigUint64(at, true).toString(16).padStart(16, "0")).join();
}

test("every lane that a vector operation makes a NaN of is canonical, the others are as they were", () => {
  const wide = "(v128.const f64x2 -nan:0x1234 1)";
  const ones = "(v128.const f64x2 1 1)";
  for (const op of ["add", "sub", "mul", "div", "min", "max"]) {
    const [nan, number] = vectorBits(`(f64x2.${op} ${wide} ${ones})`).split(",");
    assert.equal(nan, "7ff8000000000000", op);
    assert.notEqual(number, nan, op);
    const narrow = "(v128.const f32x4 -nan:0x1234 1 nan 2)";
    const [low, high] = vectorBits(`(f32x4.${op} ${narrow} (v128.const f32x4 1 1 1 1))`).split(",");
    assert.match(low ?? "", /^[0-9a-f]{8}7fc00000$/, op);
    assert.match(high ?? "", /^[0-9a-f]{8}7fc00000$/, op);
    assert.notEqual(low?.slice(0, 8), "7fc00000", op);
  }
  for (const op of ["ceil", "floor", "trunc", "nearest", "sqrt"]) {
    assert.equal(vectorBits(`(f64x2.${op} ${wide})`), "7ff8000000000000,3ff0000000000000", op);
    assert.equal(
      vectorBits(`(f32x4.${op} (v128.const f32x4 -nan:0x1234 1 nan:0x1 1))`),
      "3f8000007fc00000,3f8000007fc00000",
      op,
    );
  }
  assert.equal(vectorBits(`(f32x4.demote_f64x2_zero ${wide})`), "3f8000007fc00000,0000000000000000");
  assert.equal(
    vectorBits("(f64x2.promote_low_f32x4 (v128.const f32x4 -nan:0x1234 1 1 1))"),
    "7ff8000000000000,3ff0000000000000",
  );
});

test("lanes of another shape see canonical NaNs, too", () => {
  const made = "(f32x4.div (v128.const f32x4 0 0 1 1) (v128.const f32x4 0 0 1 1))";
  // As 64-bit lanes these are numbers, whose bits count.
  assert.equal(vectorBits(`(f64x2.add ${made} (v128.const f64x2 0 0))`), "7fc000007fc00000,3f8000003f800000");
  assert.equal(vectorBits(`(f64x2.abs ${made})`), "7fc000007fc00000,3f8000003f800000");
  assert.equal(
    vectorBits(`(block (result v128) (local.set $v ${made}) (i32x4.add (local.get $v) (local.get $w)))`),
    "7fc000007fc00000,3f8000003f800000",
  );
});

test("what only moves bits of a vector leaves them", () => {
  const nan = "(v128.const i64x2 0xfff0000000001234 0xfff0000000001234)";
  const bits = "fff0000000001234";
  for (const kept of [
    nan,
    `(f64x2.pmin ${nan} ${nan})`,
    `(f64x2.pmax (v128.const f64x2 1 1) (v128.const f64x2 1 1))`,
  ]) {
    assert.notEqual(vectorBits(kept).split(",")[0], "7ff8000000000000");
  }
  assert.equal(vectorBits(`(f64x2.pmin ${nan} ${nan})`), `${bits},${bits}`);
  assert.equal(vectorBits(`(f64x2.neg ${nan})`), "7ff0000000001234,7ff0000000001234");
});
