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
