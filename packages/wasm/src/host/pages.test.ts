import assert from "node:assert/strict";
import { test } from "node:test";
import { applied, difference } from "./pages.ts";

const PAGE = 4096;
const WASM_PAGE = 65_536;

/** Memory with something in the given pages. */
function memory(wasmPages: number, ...touched: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(wasmPages * WASM_PAGE);
  for (const page of touched) bytes.fill(page + 1, page * PAGE + 5, page * PAGE + 9);
  return bytes;
}

const same = (a: Uint8Array, b: Uint8Array): void => assert.equal(Buffer.compare(a, b), 0);

test("round trips", () => {
  const base = memory(2, 0, 3, 31);
  const cases = [base, memory(2), memory(2, 0, 3, 30), memory(3, 0, 3, 31, 32, 47), memory(4)];
  for (const changed of cases) same(applied(difference(changed, base), base), changed);
});

test("only what differs is kept, and zeros beyond the end cost nothing", () => {
  const base = memory(1, 2);
  assert.equal(difference(base, base).length, 8);
  assert.equal(difference(memory(5, 2), base).length, 8);
  assert.equal(difference(memory(5, 2, 70), base).length, 8 + 4 + PAGE);
});

test("the last byte of a page counts", () => {
  const base = memory(1);
  const changed = memory(1);
  changed[WASM_PAGE - 1] = 1;
  same(applied(difference(changed, base), base), changed);
});

test("neither input is changed", () => {
  const base = memory(1, 1);
  const pages = difference(memory(2, 4), base);
  const copies = [base.slice(), pages.slice()] as const;
  applied(pages, base).fill(9);
  same(base, copies[0]);
  same(pages, copies[1]);
});

function hostile(length: number, indices: readonly number[], extra = 0): Uint8Array {
  const bytes = new Uint8Array(8 + indices.length * (4 + PAGE) + extra);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, length, true);
  view.setUint32(4, indices.length, true);
  for (const [i, index] of indices.entries()) view.setUint32(8 + i * 4, index, true);
  return bytes;
}

test("what is no difference is refused", () => {
  const base = memory(1);
  const cases: Readonly<Record<string, Uint8Array>> = {
    nothing: new Uint8Array(0),
    "half a header": new Uint8Array(7),
    "less memory than the base": hostile(0, []),
    "memory in parts of pages": hostile(WASM_PAGE + PAGE, []),
    "a page beyond the end": hostile(WASM_PAGE, [16]),
    "a page far beyond the end": hostile(WASM_PAGE, [0xffff_ffff]),
    "bytes too many": hostile(WASM_PAGE, [1], 1),
    "bytes too few": hostile(WASM_PAGE, [1]).subarray(0, -1),
    "more pages than there are bytes": (() => {
      const bytes = hostile(WASM_PAGE, [1]);
      new DataView(bytes.buffer).setUint32(4, 0xffff_ffff, true);
      return bytes;
    })(),
  };
  for (const [what, pages] of Object.entries(cases))
    assert.throws(() => applied(pages, base), RangeError, what);
});

test("a difference inside a larger buffer is read at its place", () => {
  const base = memory(1);
  const changed = memory(1, 7);
  const pages = difference(changed, base);
  const larger = Buffer.concat([Buffer.from("12345"), pages, Buffer.from("678")]);
  same(applied(larger.subarray(5, 5 + pages.length), base), changed);
});
