import assert from "node:assert/strict";
import { test } from "node:test";
import { rewrite } from "@capsule-run/wasm";
import { withoutData } from "./sections.ts";

/** A section: its number, its content. */
const section = (id: number, ...content: readonly number[]): number[] => {
  const size = content.length;
  return [id, (size & 0x7f) | 0x80, size >> 7, ...content];
};

const MODULE = Buffer.from([
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...section(1, 1, 0x60, 0, 1, 0x7f),
  ...section(3, 1, 0),
  ...section(5, 1, 0, 1),
  ...section(7, 2, 1, 0x6d, 2, 0, 1, 0x66, 0, 0),
  // (func (result i32) (i32.load8_u (i32.const 300)))
  ...section(10, 1, 8, 0, 0x41, 0xac, 0x02, 0x2d, 0, 0, 0x0b),
  // 200 bytes at 300
  ...section(11, 1, 0, 0x41, 0xac, 0x02, 0x0b, 0xc8, 0x01, ...Array<number>(200).fill(7)),
]);

const load = (wasm: Uint8Array): number => {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasm as BufferSource));
  return (exports.f as () => number)();
};

test("all sections stay but those of data", () => {
  assert.equal(load(MODULE), 7);
  const without = withoutData(MODULE);
  assert.equal(load(without), 0);
  assert.equal(MODULE.length - without.length, 3 + 8 + 200);
});

test("what the rewriter gives without data is the same", () => {
  const options = { keepExports: ["m", "f"] };
  const [whole, without] = [false, true].map((dropData) => rewrite(MODULE, { ...options, dropData }).wasm);
  assert.deepEqual(Buffer.from(withoutData(whole as Uint8Array)), Buffer.from(without as Uint8Array));
});
