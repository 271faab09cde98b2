import assert from "node:assert/strict";
import { test } from "node:test";
import { encode, FrameError, FrameReader } from "./codec.ts";
import { LIMITS } from "./limits.ts";
import type { FromCell, ToCell } from "./messages.ts";

const MESSAGES: readonly (ToCell | FromCell)[] = [
  { type: "ping", n: 1 },
  { type: "output", sandbox: 7, stream: 2, body: Buffer.from("é😀\n") },
  { type: "call", sandbox: 1, call: 2, mode: "sync", task: 'ä"\\\u2028', body: Buffer.from("[]") },
  { type: "complete", sandbox: 1, call: 1, now: 1.5, body: Uint8Array.from({ length: 700 }, (_, i) => i) },
  { type: "stop", sandbox: 3 },
];

const stream = (): Uint8Array => Buffer.concat(MESSAGES.map(encode));

function read(...chunks: readonly Uint8Array[]): Record<string, unknown>[] {
  const reader = new FrameReader();
  const messages: Record<string, unknown>[] = [];
  for (const chunk of chunks) for (const message of reader.push(chunk)) messages.push(message);
  assert.equal(reader.buffered, 0);
  return messages;
}

const expected = MESSAGES.map((message) => ({
  ...message,
  body: "body" in message ? new Uint8Array(message.body) : new Uint8Array(0),
}));

test("what is written is read", () => {
  assert.deepEqual(read(stream()), expected);
});

test("cut at every byte", () => {
  const bytes = stream();
  for (let at = 0; at <= bytes.length; at++)
    assert.deepEqual(read(bytes.subarray(0, at), bytes.subarray(at)), expected);
});

test("byte by byte, in a buffer that is used again", () => {
  const reader = new FrameReader();
  const messages: Record<string, unknown>[] = [];
  for (const byte of stream()) for (const message of reader.push(Uint8Array.of(byte))) messages.push(message);
  assert.deepEqual(messages, expected);
});

test("a body is a copy", () => {
  const bytes = stream();
  const messages = read(bytes);
  bytes.fill(0);
  assert.deepEqual(messages, expected);
});

test("an empty chunk is nothing", () => {
  assert.deepEqual(read(new Uint8Array(0), stream(), new Uint8Array(0)), expected);
});

test("a large body passes in time that grows with its size only", () => {
  const body = new Uint8Array(24 * 1024 * 1024).fill(7);
  const bytes = encode({ type: "output", sandbox: 1, stream: 1, body });
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += 16_384) chunks.push(bytes.subarray(at, at + 16_384));
  const [message] = read(...chunks);
  assert.equal(Buffer.compare(message?.body as Uint8Array, body), 0);
});

/** A frame as anybody could write it. */
function frame(length: number, headLength: number, rest: Uint8Array | string): Uint8Array {
  const bytes = Buffer.from(rest);
  const out = Buffer.alloc(8 + bytes.length);
  out.writeUInt32LE(length, 0);
  out.writeUInt32LE(headLength, 4);
  bytes.copy(out, 8);
  return out;
}
const whole = (head: string | Uint8Array): Uint8Array =>
  frame(4 + Buffer.from(head).length, Buffer.from(head).length, head);

const MALFORMED: Readonly<Record<string, Uint8Array>> = {
  "no room for a head's length": frame(3, 0, ""),
  "length 0": frame(0, 0, ""),
  "too long a frame": frame(LIMITS.frameBytes + 1, 2, "{}"),
  "the longest length there is": frame(0xffff_ffff, 2, "{}"),
  "a head longer than the frame": frame(6, 3, "{}"),
  "the longest head there is": frame(6, 0xffff_ffff, "{}"),
  "no head": frame(4, 0, ""),
  "no JSON": whole("{"),
  "no UTF-8": whole(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d)),
  "a number": whole("1"),
  null: whole("null"),
  "an array": whole('["ping"]'),
  "a string": whole('"ping"'),
  "two values": whole("{}{}"),
};

for (const [what, bytes] of Object.entries(MALFORMED))
  test(`refuses ${what}`, () => {
    assert.throws(() => [...new FrameReader().push(bytes)], FrameError);
  });

test("refuses a head that is too long before it is parsed", () => {
  const head = Buffer.alloc(LIMITS.headBytes + 1, " ");
  assert.throws(() => [...new FrameReader().push(whole(head))], /a head of/);
});

test("refuses a length as soon as it is read", () => {
  assert.throws(
    () => [...new FrameReader().push(frame(LIMITS.frameBytes + 1, 0, "").subarray(0, 4))],
    FrameError,
  );
});

test("a frame that drips in takes no more memory than its bytes", () => {
  const reader = new FrameReader();
  const before = process.memoryUsage();
  for (const _ of reader.push(frame(LIMITS.frameBytes, 4, "").subarray(0, 8)))
    assert.fail("no frame is whole");
  for (let n = 0; n < 300_000; n++) for (const _ of reader.push(Uint8Array.of(97))) assert.fail();
  assert.equal(reader.buffered, 300_008);
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  const grown = heapUsed - before.heapUsed + arrayBuffers - before.arrayBuffers;
  assert.ok(grown < 15_000_000, `${grown} bytes`);
});

test("a long head may hold long strings, and nothing else that is long", () => {
  const long = (value: string): Uint8Array => whole(`{"type":"x","value":${value}}`);
  const [message] = read(long(JSON.stringify('[{",\\'.repeat(100_000))));
  assert.equal(String(message?.value).length, 500_000);
  assert.equal(read(long(`[${"1,".repeat(3000)}1]`)).length, 1);
  const many = (text: string): string => `[${`${text},`.repeat(10_000)}0]`;
  for (const value of [many("[]"), many("{}"), many("1"), "[".repeat(10_000) + "]".repeat(10_000)])
    assert.throws(() => read(long(value.padEnd(20_000))), /a head of too many values/);
});

test("a head can't set the body, nor anything but its own fields", () => {
  const [message] = read(whole('{"type":"x","body":"y","__proto__":{"z":1}}'));
  assert.ok(message?.body instanceof Uint8Array);
  assert.equal("z" in message, false);
  assert.ok(Object.hasOwn(message, "__proto__"));
});

test("whatever comes is read or refused, and nothing else", () => {
  let state = 42;
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  let refused = 0;
  for (let round = 0; round < 3000; round++) {
    const bytes = Buffer.from(stream());
    for (let n = random(4); n >= 0; n--) bytes[random(bytes.length)] = random(256);
    const reader = new FrameReader();
    try {
      for (let at = 0; at < bytes.length; ) {
        const length = 1 + random(300);
        for (const message of reader.push(bytes.subarray(at, at + length)))
          assert.ok(message.body instanceof Uint8Array);
        at += length;
      }
    } catch (error) {
      assert.ok(error instanceof FrameError, String(error));
      refused++;
    }
  }
  assert.ok(refused > 500);
});
