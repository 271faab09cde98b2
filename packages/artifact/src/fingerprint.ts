/**
 * A 64-bit hash of bytes as 16 hexadecimal digits: tells changed from unchanged, protects against nothing.
 *
 * What is checked at every start is checked with this and not with SHA-256, because loading Node's `crypto` alone
 * takes longer than everything else that is done here (6–12 ms, a third of Node's own start). Short texts are hashed
 * in JavaScript; for long ones (from `LONG` bytes) code that V8 runs fast from the first byte is worth its 0.5 ms.
 */
export function fingerprint(bytes: Uint8Array): string {
  return bytes.length < LONG ? shortFingerprint(bytes) : longFingerprint(bytes);
}

const encoder = new TextEncoder();

/** The fingerprint of text as UTF-8. */
export const textFingerprint = (text: string): string => fingerprint(encoder.encode(text));

const LONG = 64 * 1024;

/** The rounds of MurmurHash3 with two lanes. */
function shortFingerprint(bytes: Uint8Array): string {
  const words = bytes.length >>> 2;
  const view =
    bytes.byteOffset % 4 === 0
      ? new Int32Array(bytes.buffer, bytes.byteOffset, words)
      : new Int32Array(bytes.slice(0, words * 4).buffer, 0, words);
  let a = bytes.length | 0;
  let b = ~a;
  let tail = 1;
  for (let i = words * 4; i < bytes.length; i++) tail = (tail << 8) | (bytes[i] as number);
  for (let i = 0; i <= words; i += 2) {
    let k = Math.imul(i < words ? (view[i] as number) : tail, 0x239b961b);
    k = (k << 15) | (k >>> 17);
    a ^= Math.imul(k, 0xab0e9789);
    a = (((a << 19) | (a >>> 13)) + b) | 0;
    a = (Math.imul(a, 5) + 0x561ccd1b) | 0;
    k = Math.imul(i + 1 < words ? (view[i + 1] as number) : tail, 0xab0e9789);
    k = (k << 16) | (k >>> 16);
    b ^= Math.imul(k, 0x38b34ae5);
    b = (((b << 17) | (b >>> 15)) + a) | 0;
    b = (Math.imul(b, 5) + 0x0bcaa747) | 0;
  }
  a = mixed((a + b) | 0);
  b = mixed((b + a) | 0);
  return hex(a) + hex(b);
}

function mixed(word: number): number {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

const hex = (word: number) => (word >>> 0).toString(16).padStart(8, "0");

/**
 * One round per eight bytes, `h = (rotl(h, 29) ^ word * 0x9E3779B97F4A7C15) * 0xBF58476D1CE4E5B9`, as
 *
 *     (module (memory (export "m") 1) (func (export "h") (param $p i32) (param $e i32) (param $h i64) (result i64)
 *       (loop $l (if (i32.lt_u (local.get $p) (local.get $e)) (then
 *         (local.set $h (i64.mul
 *           (i64.xor (i64.rotl (local.get $h) (i64.const 29))
 *                    (i64.mul (i64.load (local.get $p)) (i64.const 0x9E3779B97F4A7C15)))
 *           (i64.const 0xBF58476D1CE4E5B9)))
 *         (local.set $p (i32.add (local.get $p) (i32.const 8)))
 *         (br $l))))
 *       (local.get $h)))
 */
const ROUNDS =
  "AGFzbQEAAAABCAFgA39/fgF+AwIBAAUDAQABBwkCAW0CAAFoAAAKPwE9AANAIAAgAUkEQCACQh2JIAApAwBClfip+pe33puef36FQrnLk+fR7ZGsv39+IQIgAEEIaiEADAELCyACCw==";

interface Rounds {
  readonly m: WebAssembly.Memory;
  readonly h: (from: number, to: number, hash: bigint) => bigint;
}

const CHUNK = 64 * 1024;
let rounds: Rounds | undefined;

function longFingerprint(bytes: Uint8Array): string {
  rounds ??= new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(ROUNDS, "base64")))
    .exports as unknown as Rounds;
  const memory = new Uint8Array(rounds.m.buffer);
  let hash = BigInt(bytes.length);
  for (let at = 0; at < bytes.length; at += CHUNK) {
    const chunk = bytes.subarray(at, at + CHUNK);
    memory.set(chunk);
    const end = (chunk.length + 7) & ~7;
    memory.fill(0, chunk.length, end);
    hash = rounds.h(0, end, hash);
  }
  hash = BigInt.asUintN(64, hash);
  return (hash ^ (hash >> 32n)).toString(16).padStart(16, "0");
}
