import assert from "node:assert/strict";
import { test } from "node:test";
import { rewrite } from "./index.ts";
import { openGate, startGuest } from "./testing/guest.ts";
import { wat } from "./testing/wat.ts";

const MIB = 1 << 20;

function growing(memory: string) {
  const { wasm } = rewrite(
    wat(`(module (memory (export "memory") ${memory})
      (func (export "size") (result i32) memory.size)
      (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))`),
    { keepExports: ["memory", "size", "grow"] },
  );
  return startGuest(wasm, { slice: 1 << 30 }).exports;
}

test("memory grows up to the host's limit", () => {
  const guest = growing("1");
  guest.capsule_memory_limit.value = 10;
  assert.equal(guest.grow(9), 1);
  assert.equal(guest.size(), 10);
  assert.equal(guest.memory.buffer.byteLength, 10 * 65536);
  assert.equal(guest.grow(1), -1);
  assert.equal(guest.grow(0), 10);
  for (const pages of [-1, -10, 65_536, 65_527, 0x7fffffff, -0x80000000]) assert.equal(guest.grow(pages), -1);
  assert.equal(guest.capsule_pages.value, 10);
});

test("a limit beyond what WebAssembly allows does not help", () => {
  const guest = growing("1");
  guest.capsule_memory_limit.value = -1;
  for (const pages of [-1, 65_536, 1 << 20]) assert.equal(guest.grow(pages), -1);
});

test("growing beyond what was granted asks the gate at once, with the new memory there and fuel left", () => {
  const guest = growing("1");
  const asked: number[] = [];
  openGate(guest, () => {
    asked.push(guest.capsule_pages.value);
    return asked.length > 2 ? 1 : 0;
  });
  guest.capsule_memory_granted.value = 10;
  const fuel = guest.capsule_fuel.value;
  assert.equal(guest.grow(9), 1);
  assert.deepEqual(asked, []);
  assert.equal(guest.grow(1), 10);
  guest.capsule_memory_granted.value = 20;
  assert.equal(guest.grow(9), 11);
  assert.equal(guest.grow(1), 20);
  assert.deepEqual(asked, [11, 21]);
  assert.throws(() => guest.grow(1), WebAssembly.RuntimeError, "the gate may end it");
  const free = growing("1");
  for (const pages of [9, 1, 9, 1, 1]) free.grow(pages);
  assert.equal(fuel - guest.capsule_fuel.value, fuel - free.capsule_fuel.value, "asking costs nothing");
});

test("memory does not grow beyond its own maximum", () => {
  const guest = growing("1 3");
  assert.equal(guest.grow(3), -1);
  assert.equal(guest.size(), 1);
  assert.equal(guest.grow(2), 1);
});

test("a host can set the size back, and memory grows again without really growing", () => {
  const guest = growing("1");
  guest.grow(20);
  guest.capsule_pages.value = 1;
  assert.equal(guest.size(), 1);
  assert.equal(guest.grow(3), 1);
  assert.equal(guest.size(), 4);
  assert.equal(guest.memory.buffer.byteLength, 21 * 65536);
  assert.equal(guest.grow(20), 4);
  assert.equal(guest.memory.buffer.byteLength, 24 * 65536);
});

const BULK = wat(`(module (memory (export "memory") 80)
  (data $d "${"0123456789abcdef".repeat(2000)}")
  (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
  (func (export "fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
  (func (export "init") (param i32 i32 i32) (memory.init $d (local.get 0) (local.get 1) (local.get 2)))
  (func (export "drop") (data.drop $d)))`);

const BULK_EXPORTS = ["memory", "copy", "fill", "init", "drop"];

type Operation = "copy" | "fill" | "init";

/** The rewritten module and the original, both with the same bytes in their memories. */
function bothBulk(slice: number) {
  const rewritten = startGuest(rewrite(BULK, { keepExports: BULK_EXPORTS }).wasm, { slice });
  const original = new WebAssembly.Instance(new WebAssembly.Module(BULK as BufferSource))
    .exports as never as {
    memory: WebAssembly.Memory;
  } & Record<string, (...n: number[]) => void>;
  for (const { buffer } of [rewritten.exports.memory, original.memory]) {
    const words = new Uint32Array(buffer);
    for (let i = 0; i < words.length; i++) words[i] = Math.imul(i, 0x9e3779b1);
  }
  return { rewritten, original };
}

test("long copies and fills do what short ones do, in both directions", () => {
  const { rewritten, original } = bothBulk(100_000);
  const operations: [Operation, number, number, number][] = [
    ["copy", 7, 100, 3 * MIB + 5],
    ["copy", 100, 7, 3 * MIB + 5],
    ["copy", 0, MIB, MIB],
    ["copy", MIB + 1, 0, MIB + 1],
    ["copy", 1, 0, 4 * MIB],
    ["copy", 5, 5, 2 * MIB],
    ["copy", 0, 2 * MIB, 3 * MIB],
    ["fill", 3, 0x1ff, 2 * MIB + 1],
    ["fill", 0, 1, 0],
    ["fill", 5 * MIB, 1, 0],
    ["init", 11, 5, 31_000],
  ];
  for (const [name, ...operands] of operations) {
    const before = rewritten.used();
    rewritten.exports[name](...operands);
    original[name]?.(...operands);
    assert.equal(rewritten.used() - before, 4 + (operands[2] >>> 4), `${name} ${operands}`);
    const images = [rewritten.exports.memory, original.memory].map(({ buffer }) => Buffer.from(buffer));
    assert.ok(images[0]?.equals(images[1] as Buffer), `${name} ${operands}`);
  }
});

test("operations out of bounds trap before they write, with the trap they had", () => {
  const { rewritten, original } = bothBulk(1 << 30);
  const size = rewritten.exports.memory.buffer.byteLength;
  const operations: [Operation, number, number, number][] = [
    ["copy", 0, size - MIB, 2 * MIB],
    ["copy", size - MIB, 0, 2 * MIB],
    ["copy", 0, 0, -1],
    ["copy", -1, -1, -1],
    ["copy", size + 1, 0, 0],
    ["copy", 16, 0, size - 15],
    ["fill", 0, 7, -1],
    ["fill", size - 2 * MIB, 7, 3 * MIB],
    ["fill", -16, 7, 3 * MIB],
    ["fill", 1, 7, size],
    ["init", 0, 0, 2 * MIB],
    ["init", 0, 31_999, 2],
    ["init", size - 5, 0, 6],
  ];
  const image = Buffer.from(rewritten.exports.memory.buffer).toString("latin1");
  for (const [name, ...operands] of operations) {
    const messages = [rewritten.exports, original].map((exports) => {
      try {
        exports[name]?.(...operands);
        return "no trap";
      } catch (error) {
        return String(error);
      }
    });
    assert.match(messages[0] ?? "", /^RuntimeError: .*out of bounds/, `${name} ${operands}`);
    assert.equal(messages[0], messages[1]);
  }
  assert.ok(Buffer.from(rewritten.exports.memory.buffer).toString("latin1") === image);
});

test("a dropped segment is empty", () => {
  const { rewritten } = bothBulk(1000);
  rewritten.exports.drop();
  rewritten.exports.init(0, 0, 0);
  assert.throws(() => rewritten.exports.init(0, 0, 1), /out of bounds/);
  assert.throws(() => rewritten.exports.init(0, 0, 2 * MIB), /out of bounds/);
});

test("a long operation can be stopped after each mebibyte", () => {
  const { wasm } = rewrite(BULK, { keepExports: BULK_EXPORTS });
  for (const [name, operands] of [
    ["fill", [0, 1, 5 * MIB]],
    ["copy", [0, 1, 5 * MIB - 1]],
    ["copy", [1, 0, 5 * MIB - 1]],
  ] as const) {
    const guest = startGuest(wasm, { slice: 65_536, limit: 2 });
    assert.throws(() => guest.exports[name](...operands), { message: "unreachable" });
    const written = new Uint8Array(guest.exports.memory.buffer).filter((byte) => byte !== 0).length;
    if (name === "fill") assert.equal(written, 3 * MIB);
  }
});

test("table operations pay 64 units an element, check between parts and keep their meaning", () => {
  const text = `(module (table $t (export "t") 20000 funcref) (table $u 20000 funcref)
    (elem $e func ${"$a $b ".repeat(5000)})
    (func $a (export "a") (result i32) (i32.const 1)) (func $b (export "b") (result i32) (i32.const 2))
    (func (export "fill") (param i32 funcref i32) (table.fill $t (local.get 0) (local.get 1) (local.get 2)))
    (func (export "copy") (param i32 i32 i32) (table.copy $t $t (local.get 0) (local.get 1) (local.get 2)))
    (func (export "across") (param i32 i32 i32) (table.copy $u $t (local.get 0) (local.get 1) (local.get 2)))
    (func (export "init") (param i32 i32 i32) (table.init $t $e (local.get 0) (local.get 1) (local.get 2)))
    (func (export "size") (result i32) (table.size $t))
    (func (export "grow") (param funcref i32) (result i32) (table.grow $t (local.get 0) (local.get 1))))`;
  const names = ["t", "a", "b", "fill", "copy", "across", "init", "size", "grow"];
  const guest = startGuest(rewrite(wat(text), { keepExports: names }).wasm, { slice: 1000 });
  const { exports } = guest;
  const table = exports.t as WebAssembly.Table;
  const charged = (units: number, run: () => void) => {
    const before = guest.used();
    run();
    assert.equal(guest.used() - before, units);
  };
  charged(4 + 64 * 10_000, () => exports.init(5, 0, 10_000));
  assert.equal(table.get(10_004), exports.b);
  charged(4 + 64 * 9000, () => exports.copy(6, 5, 9000));
  assert.equal(table.get(9005), exports.b);
  charged(4 + 64 * 9000, () => exports.copy(5, 6, 9000));
  assert.equal(table.get(9004), exports.b);
  charged(4 + 64 * 5000, () => exports.across(0, 5, 5000));
  charged(4 + 64 * 12_000, () => exports.fill(100, exports.a, 12_000));
  assert.equal(table.get(12_099), exports.a);
  assert.equal(table.get(12_100), null);
  charged(3 + 64 * 100, () => assert.equal(exports.grow(exports.b, 100), 20_000));
  assert.equal(table.get(20_099), exports.b);
  charged(1, () => assert.equal(exports.size(), 20_100));
  assert.equal(exports.grow(null, -1), -1);
  assert.throws(() => exports.init(15_000, 0, 10_000), /out of bounds/);
  assert.throws(() => exports.copy(0, 15_000, 10_000), /out of bounds/);
  assert.throws(() => exports.fill(15_000, null, 10_000), /out of bounds/);
  assert.equal(table.get(15_000), null);
});
