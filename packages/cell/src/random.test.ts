import assert from "node:assert/strict";
import { createCipheriv } from "node:crypto";
import { test } from "node:test";
import { RandomStream } from "./random.ts";

test("a seed is a stream, however it is drawn", () => {
  const whole = Buffer.from(new RandomStream("ab".repeat(32)).next(1000));
  const stream = new RandomStream("ab".repeat(32));
  const parts = Buffer.concat([1, 63, 0, 64, 65, 807].map((length) => stream.next(length)));
  assert.ok(whole.equals(parts));
});

test("it is the same stream before and after Node's cipher takes over", () => {
  const seed = Buffer.from("0123456789abcdef".repeat(4), "hex");
  const whole = createCipheriv("chacha20", seed, Buffer.alloc(16)).update(Buffer.alloc(20_000));
  for (const lengths of [[20_000], [1, 4095, 1, 63, 64, 0, 5000], [100, 3990, 7, 900], [4000, 200, 4097]]) {
    const stream = new RandomStream(seed.toString("hex"));
    const drawn = Buffer.concat(lengths.map((length) => stream.next(length)));
    assert.deepEqual(drawn, whole.subarray(0, drawn.length));
  }
});

test("another seed is another stream", () => {
  const first = Buffer.from(new RandomStream("00".repeat(32)).next(64));
  const second = Buffer.from(new RandomStream(`01${"00".repeat(31)}`).next(64));
  assert.ok(!first.equals(second));
});

test("the stream is ChaCha20's key stream", () => {
  // RFC 8439, A.1, test vector 1: key, nonce and counter zero.
  const stream = Buffer.from(new RandomStream("00".repeat(32)).next(16)).toString("hex");
  assert.equal(stream, "76b8e0ada0f13d90405d6ae55386bd28");
});
