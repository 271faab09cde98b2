import assert from "node:assert/strict";
import { test } from "node:test";
import { profileFrom, rewrite, WasmError } from "./index.ts";
import { QUICKJS_EXPORTS, quickjsModule } from "./testing/quickjs.ts";
import { wat } from "./testing/wat.ts";

/** Modules with a feature that is not supported, and the name that the error gives it. */
const REFUSED: readonly (readonly [name: RegExp, text: string])[] = [
  [
    /relaxed SIMD/,
    `(module (func (drop (i8x16.relaxed_swizzle (v128.const i32x4 0 0 0 0) (v128.const i32x4 0 0 0 0)))))`,
  ],
  [/mutable global of type v128/, `(module (global (mut v128) (v128.const i32x4 0 0 0 0)))`],
  [/threads \(shared memory\)/, `(module (memory 1 1 shared))`],
  [/threads/, `(module (memory 1) (func (drop (i32.atomic.load (i32.const 0)))))`],
  [/64-bit memory/, `(module (memory i64 1))`],
  [/imported memory/, `(module (import "m" "m" (memory 1)))`],
  [/multiple memories/, `(module (memory 1) (memory 1))`],
  [/garbage collection/, `(module (type (struct (field i32))))`],
  [/start function/, `(module (func $f) (start $f))`],
];

for (const [name, text] of REFUSED) {
  test(`refuses ${name.source} by name: ${text}`, () => {
    const module = wat(text, { validate: false });
    assert.throws(
      () => rewrite(module, { keepExports: [] }),
      (error) => {
        assert.ok(error instanceof WasmError);
        assert.match(error.message, /unsupported WebAssembly feature/);
        assert.match(error.message, name);
        assert.ok(error.offset >= 8 && error.offset < module.length, `offset ${error.offset}`);
        assert.match(error.message, new RegExp(`at byte ${error.offset}\\)$`));
        return true;
      },
    );
  });
}

test("refuses components and other versions", () => {
  const header = [0x00, 0x61, 0x73, 0x6d];
  assert.throws(() => rewrite(Uint8Array.from([...header, 13, 0, 1, 0]), { keepExports: [] }), /component/);
  assert.throws(() => rewrite(Uint8Array.from([...header, 2, 0, 0, 0]), { keepExports: [] }), /version/);
  assert.throws(() => rewrite(new Uint8Array(), { keepExports: [] }), WasmError);
});

test("keeps the exports asked for and adds its own", () => {
  const module =
    wat(`(module (global $g (export "g") (mut i32) (i32.const 5)) (global (mut f64) (f64.const 1))
    (global i32 (i32.const 1)) (func (export "a")) (func (export "b")))`);
  const { wasm, report } = rewrite(module, { keepExports: ["b", "g"] });
  const names = WebAssembly.Module.exports(new WebAssembly.Module(wasm as BufferSource)).map(
    ({ name }) => name,
  );
  assert.deepEqual(names, [
    ...["g", "b", "capsule_fuel", "capsule_gate", "capsule_memory_limit"],
    ...["capsule_memory_granted", "capsule_pages"],
    ...["capsule_global_0", "capsule_global_1"],
  ]);
  assert.deepEqual(report.globals, ["i32", "f64"]);
  assert.throws(() => rewrite(module, { keepExports: ["a", "c"] }), {
    name: "WasmError",
    message: /no export "c"/,
  });
});

test("refuses reserved names, a wrong stack pointer and another module's profile", () => {
  const module = wat(`(module (global (export "sp") i32 (i32.const 0)) (func (export "capsule_fuel")))`);
  assert.throws(() => rewrite(module, { keepExports: ["capsule_fuel"] }), /reserved/);
  assert.throws(() => rewrite(module, { keepExports: [], stackPointer: "sp" }), /not a mutable i32 global/);
  assert.throws(() => rewrite(module, { keepExports: [], stackPointer: "no" }), /no global is named "no"/);
  const profile = profileFrom(wat("(module)"), [], []);
  assert.throws(() => rewrite(module, { keepExports: [], profile }), /another module/);
  assert.throws(() => rewrite(module, { keepExports: [], straightLimit: 100 }), RangeError);
});

test("leaves data out when told, and refuses to leave out what is still needed", () => {
  const active = wat(`(module (memory (export "memory") 1) (data (i32.const 0) "abc")
    (func (export "f") (memory.init 0 (i32.const 0) (i32.const 0) (i32.const 0)) (data.drop 0)))`);
  const { wasm } = rewrite(active, { keepExports: ["memory", "f"], dropData: true });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasm as BufferSource));
  assert.equal(new Uint8Array((exports.memory as WebAssembly.Memory).buffer)[0], 0);
  (exports.capsule_fuel as WebAssembly.Global).value = 100;
  (exports.f as () => void)();
  const passive = wat(`(module (memory 1) (data "abc"))`);
  assert.throws(() => rewrite(passive, { keepExports: [], dropData: true }), /passive data segments/);
});

test("equal input gives equal bytes", () => {
  const once = rewrite(quickjsModule(), {
    keepExports: QUICKJS_EXPORTS,
    stackPointer: "__stack_pointer",
  }).wasm;
  const twice = rewrite(quickjsModule(), {
    keepExports: QUICKJS_EXPORTS,
    stackPointer: "__stack_pointer",
  }).wasm;
  assert.ok(Buffer.from(once).equals(twice));
});

/** A small module that has every kind of section and most kinds of instructions. */
const VARIED = wat(
  `(module
  (type $unary (func (param i32) (result i32)))
  (import "host" "call" (func $import (param i32) (result f64)))
  (import "host" "global" (global $imported (mut i64)))
  (tag $e (param i32))
  (memory (export "memory") 1 4)
  (table $t (export "t") 4 funcref)
  (table $x 2 externref)
  (global $sp (export "sp") (mut i32) (i32.const 1024))
  (global $sum i32 (i32.add (i32.const 1) (i32.const 2)))
  (elem (table $t) (i32.const 0) func $f $g)
  (elem $passive funcref (ref.func $f) (ref.null func))
  (elem declare func $multi)
  (data $d "hello")
  (data (i32.const 16) "\\00\\01")
  (func $f (export "f") (type $unary)
    (local f32 i64)
    (block $a (block $b (loop $l
      (br_if $a (i32.eqz (local.get 0)))
      (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
      (br_table $b $a $l (i32.const 2)))) (nop))
    (if (result i32) (local.get 0) (then (call $g (local.get 0))) (else (i32.const -7))))
  (func $g (type $unary)
    (try (result i32) (do (throw $e (local.get 0))) (catch $e) (catch_all (i32.const 3)))
    (if (i32.load8_u offset=70000 (i32.const 0)) (then (return (i32.const 1))))
    (drop (select (result externref) (table.get $x (i32.const 0)) (ref.null extern) (i32.const 1)))
    (drop (f32.sqrt (f32.demote_f64 (call $import (i32.trunc_sat_f64_s (f64.const nan))))))
    (return_call_indirect (type $unary) (i32.const 1)))
  (func $multi (param f64) (result i32 f64)
    (memory.init $d (i32.const 0) (i32.const 0) (i32.const 5))
    (memory.copy (i32.const 8) (i32.const 0) (i32.const 5))
    (memory.fill (i32.const 8) (i32.const 0) (i32.const 5))
    (table.init $t $passive (i32.const 0) (i32.const 0) (i32.const 1))
    (table.copy $t $t (i32.const 0) (i32.const 1) (i32.const 1))
    (drop (table.grow $x (ref.null extern) (i32.const 1)))
    (table.fill $x (i32.const 0) (ref.null extern) (i32.const 1))
    (drop (memory.grow (memory.size)))
    (drop (ref.is_null (ref.func $multi)))
    (return (i32.extend8_s (i32.const 200)) (f64.mul (local.get 0) (f64.const 2)))
    (f64.add) drop (i32.const 1) (block (param i32) (result i32) (br 0)) (f64.const 1) (br_if 0 (i32.const 1))))`,
  {
    // The assembler's own checks do not know extended constants; V8 checks the module below.
    validate: false,
  },
);

const OPTIONS = { keepExports: ["memory", "f", "t", "sp"], stackPointer: "sp" };

test("rewrites a module that uses everything supported into a valid one", () => {
  assert.ok(WebAssembly.validate(VARIED as BufferSource));
  new WebAssembly.Module(rewrite(VARIED, OPTIONS).wasm as BufferSource);
});

/** Rewriting either fails with a WasmError, or leaves a valid module valid and an invalid one invalid. */
function rewriteBroken(
  bytes: Uint8Array,
  options: { keepExports: readonly string[] },
): "refused" | "valid" | "invalid" {
  let wasm: Uint8Array;
  try {
    wasm = rewrite(bytes, options).wasm;
  } catch (error) {
    assert.ok(error instanceof WasmError, `${error}`);
    assert.ok(error.offset >= 0 && error.offset <= bytes.length);
    return "refused";
  }
  const wasValid = WebAssembly.validate(bytes as BufferSource);
  assert.equal(
    WebAssembly.validate(wasm as BufferSource),
    wasValid,
    "a valid module became invalid or the reverse",
  );
  return wasValid ? "valid" : "invalid";
}

/** Pseudo-random numbers below `limit`, the same in every run. */
function randomNumbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

test("every truncation of a module is refused", () => {
  for (let length = 0; length < VARIED.length; length++) {
    // Sections are whole at some points; what is left of the module may then even be valid.
    const outcome = rewriteBroken(VARIED.subarray(0, length), OPTIONS);
    assert.equal(outcome, "refused", `first ${length} bytes`);
  }
  const quickjs = quickjsModule();
  const random = randomNumbers(1);
  for (let i = 0; i < 20; i++) {
    assert.equal(
      rewriteBroken(quickjs.subarray(0, random(quickjs.length - 1)), { keepExports: [] }),
      "refused",
    );
  }
});

test("changed bytes are refused or do no harm", () => {
  const outcomes = { refused: 0, valid: 0, invalid: 0 };
  const random = randomNumbers(2);
  for (let i = 0; i < 5000; i++) {
    const broken = VARIED.slice();
    for (let changes = random(3); changes >= 0; changes--) broken[random(broken.length)] = random(256);
    outcomes[rewriteBroken(broken, OPTIONS)]++;
  }
  assert.ok(outcomes.refused > 1000 && outcomes.valid > 300, JSON.stringify(outcomes));
});

test("changed bytes of QuickJS are refused or do no harm", () => {
  const quickjs = quickjsModule();
  const random = randomNumbers(3);
  for (let i = 0; i < 15; i++) {
    const broken = Uint8Array.from(quickjs);
    broken[random(broken.length)] = random(256);
    rewriteBroken(broken, { keepExports: [] });
  }
});

test("huge counts are refused at once", () => {
  const huge = [0xff, 0xff, 0xff, 0xff, 0x0f];
  for (const id of [1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 13]) {
    const module = Uint8Array.from([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, id, 5, ...huge]);
    assert.throws(() => rewrite(module, { keepExports: [] }), /too large/, `section ${id}`);
  }
  const withBody = (...body: number[]) =>
    Uint8Array.from([
      ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0],
      ...[10, body.length + 2, 1, body.length, ...body],
    ]);
  assert.throws(() => rewrite(withBody(1, ...huge, 0x7f, 0x0b), { keepExports: [] }), /locals/);
  assert.throws(() => rewrite(withBody(...huge, 0x0b), { keepExports: [] }), /too large/);
  assert.throws(() => rewrite(withBody(0, 0x0e, ...huge, 0x0b), { keepExports: [] }), /too large/);
  assert.throws(() => rewrite(withBody(0, 0x41, ...huge, 0x80, 0x0b), { keepExports: [] }), WasmError);
  assert.throws(() => rewrite(withBody(0, 0x0c, 9, 0x0b), { keepExports: [] }), /no label 9/);
  assert.throws(() => rewrite(withBody(0, 0x0b, 0x0b), { keepExports: [] }), /left over/);
});
