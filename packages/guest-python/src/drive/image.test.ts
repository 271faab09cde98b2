import assert from "node:assert/strict";
import { test } from "node:test";
import { PAGE } from "@capsule-run/wasm/host";
import { encodeImage, type ReadAt, readLayout } from "./image.ts";

const readerOf =
  (image: Uint8Array): ReadAt =>
  (position, into) =>
    into.set(image.subarray(position, position + into.length));

/** Memory of 32 pages with something in some of them. */
function memory(...touched: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(32 * PAGE);
  for (const page of touched) bytes[page * PAGE + PAGE - 1] = page + 1;
  return bytes;
}

function decoded(image: Uint8Array): Uint8Array {
  const { length, runs } = readLayout(readerOf(image), image.length);
  const bytes = new Uint8Array(length);
  for (const { start, bytes: size, at } of runs) bytes.set(image.subarray(at, at + size), start);
  return bytes;
}

test("an image holds what is not zero, and gives back all of it", () => {
  for (const pages of [[], [0], [31], [0, 1, 2], [3, 4, 9, 30, 31]]) {
    const image = encodeImage(memory(...pages));
    assert.deepEqual(decoded(image), memory(...pages));
    assert.ok(image.length < 8 + 8 * 5 + pages.length * PAGE + 1, `${image.length} bytes`);
  }
});

test("what is no image is refused", () => {
  const image = encodeImage(memory(1, 5));
  for (const cut of [0, 7, 12, 40, image.length - 1])
    assert.throws(() => readLayout(readerOf(image), cut), RangeError, `${cut} bytes`);
  const outside = image.slice();
  new DataView(outside.buffer).setUint32(8, 31, true);
  new DataView(outside.buffer).setUint32(12, 2, true);
  assert.throws(() => readLayout(readerOf(outside), outside.length), RangeError);
});
