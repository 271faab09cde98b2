import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { sha256 } from "./sha256.ts";

test("agrees with Node's SHA-256 at every length around the block size", () => {
  for (const length of [0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 1000, 100_003]) {
    const data = new Uint8Array(length).map((_, i) => i * 31 + length);
    assert.equal(sha256(data), createHash("sha256").update(data).digest("hex"), `${length} bytes`);
  }
});

test("reads only the given view of a buffer", () => {
  const data = new Uint8Array([9, 1, 2, 3, 9]).subarray(1, 4);
  assert.equal(sha256(data), createHash("sha256").update(data).digest("hex"));
});
