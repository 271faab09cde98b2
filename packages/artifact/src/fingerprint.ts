import { breath, isLong } from "@capsule-run/protocol";

/**
 * A 64-bit hash of bytes as 16 hexadecimal digits: tells changed from unchanged, protects against nothing.
 *
 * What is checked at every start is checked with this and not with SHA-256, because loading Node's `crypto` alone
 * takes longer than everything else that is done here (6–12 ms, a third of Node's own start). It is WebAssembly,
 * because V8 runs that fast from the first byte: JavaScript takes 5 ms for the 300 kB of a small artifact, this 1 ms.
 */
export function fingerprint(bytes: Uint8Array): string {
  let hash = BigInt(bytes.length);
  for (let at = 0; at < bytes.length; at += CHUNK) hash = add(hash, bytes.subarray(at, at + CHUNK));
  return digits(hash);
}

/** The same, leaving the event loop to others now and then. */
export async function fingerprintInParts(bytes: Uint8Array): Promise<string> {
  let hash = BigInt(bytes.length);
  for (let at = 0; at < bytes.length; at += CHUNK) {
    if (isLong()) await breath();
    hash = add(hash, bytes.subarray(at, at + CHUNK));
  }
  return digits(hash);
}

function add(hash: bigint, chunk: Uint8Array): bigint {
  rounds ??= new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(ROUNDS, "base64")))
    .exports as unknown as Rounds;
  const memory = new Uint8Array(rounds.m.buffer);
  memory.set(chunk);
  const end = (chunk.length + 7) & ~7;
  memory.fill(0, chunk.length, end);
  return rounds.h(0, end, hash);
}

function digits(result: bigint): string {
  const hash = BigInt.asUintN(64, result);
  return (hash ^ (hash >> 32n)).toString(16).padStart(16, "0");
}

const encoder = new TextEncoder();

/** The fingerprint of text as UTF-8. */
export const textFingerprint = (text: string): string => fingerprint(encoder.encode(text));

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
