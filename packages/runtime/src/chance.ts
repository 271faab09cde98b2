import { closeSync, openSync, readSync } from "node:fs";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";

/**
 * Randomness without `node:crypto`, which takes 10 ms to load: a third of what a warm run takes beside Node's own
 * start.
 */

const POOL = 1024;
let pool: Uint8Array = new Uint8Array(0);

/**
 * Random bytes of the operating system, at most `POOL` at a time. They are read in stock, because a run needs few and a
 * look at the device takes as long as the rest of its start.
 */
export function randomBytes(length: number): Uint8Array {
  if (pool.length < length) pool = freshBytes(POOL);
  const bytes = pool.slice(0, length);
  pool.fill(0, 0, length);
  pool = pool.subarray(length);
  return bytes;
}

function freshBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  try {
    const device = openSync("/dev/urandom", "r");
    try {
      for (let at = 0; at < length; ) at += readSync(device, bytes, at, length - at, null);
    } finally {
      closeSync(device);
    }
    return bytes;
  } catch {
    // A platform without that file.
    return process.getBuiltinModule("node:crypto").randomBytes(length);
  }
}

/** A random id in the form of a UUID, version 4. */
export function randomId(): string {
  const bytes = randomBytes(16);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  return bytesToHex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** The seed of an attempt's random stream, 32 bytes in hexadecimal: HMAC-SHA-256 of its name under the run's secret. */
export const attemptSeed = (secret: Uint8Array, path: string, attempt: number): string =>
  bytesToHex(hmac(sha256, secret, utf8ToBytes(`${path}#${attempt}`)));
