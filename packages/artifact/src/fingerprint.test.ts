import assert from "node:assert/strict";
import { test } from "node:test";
import { fingerprint, textFingerprint } from "./fingerprint.ts";

const bytesOf = (length: number, seed = 1) => {
  let state = seed;
  return new Uint8Array(length).map(() => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state >>> 24;
  });
};

test("is 16 digits, the same for the same bytes wherever they lie", () => {
  for (const length of [0, 1, 3, 4, 5, 8, 13, 1000, 65_535, 65_536, 65_539, 200_001]) {
    const bytes = bytesOf(length);
    const print = fingerprint(bytes);
    assert.match(print, /^[0-9a-f]{16}$/);
    for (const offset of [1, 2, 3, 4, 8]) {
      const moved = new Uint8Array(length + 16).fill(255);
      moved.set(bytes, offset);
      assert.equal(fingerprint(moved.subarray(offset, offset + length)), print);
    }
  }
});

test("tells apart what differs in one bit, in length, in order, in zeros at the end", () => {
  for (const length of [1, 7, 64, 1001, 65_536, 70_001]) {
    const bytes = bytesOf(length);
    const seen = new Set([fingerprint(bytes)]);
    let count = 1;
    for (let bit = 0; bit < length * 8; bit += length > 2000 ? 4099 : 1) {
      const other = bytes.slice();
      other[bit >> 3] = (other[bit >> 3] as number) ^ (1 << (bit & 7));
      seen.add(fingerprint(other));
      count++;
    }
    for (const zeros of [1, 2, 4, 8]) {
      const longer = new Uint8Array(length + zeros);
      longer.set(bytes);
      seen.add(fingerprint(longer));
      count++;
    }
    assert.equal(seen.size, count, `${length} bytes`);
  }
  const zeros = Array.from({ length: 300 }, (_, n) => fingerprint(new Uint8Array(n)));
  assert.equal(new Set(zeros).size, zeros.length);
  assert.notEqual(fingerprint(new Uint8Array(70_000)), fingerprint(new Uint8Array(70_001)));
  assert.notEqual(textFingerprint("ab\0c"), textFingerprint("a\0bc"));
});

test("is the formula that is written beside the code", () => {
  const bytes = bytesOf(150_001);
  const padded = new Uint8Array((bytes.length + 7) & ~7);
  padded.set(bytes);
  const mask = (value: bigint) => BigInt.asUintN(64, value);
  let hash = BigInt(bytes.length);
  for (const word of new BigUint64Array(padded.buffer)) {
    const turned = mask((hash << 29n) | (hash >> 35n));
    hash = mask((turned ^ mask(word * 0x9e3779b97f4a7c15n)) * 0xbf58476d1ce4e5b9n);
  }
  assert.equal(fingerprint(bytes), (hash ^ (hash >> 32n)).toString(16).padStart(16, "0"));
});
