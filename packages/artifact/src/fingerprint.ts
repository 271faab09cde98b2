/**
 * A 64-bit hash of bytes as 16 hexadecimal digits: tells changed from unchanged, protects against nothing.
 *
 * What is checked at every start is checked with this and not with SHA-256, because loading Node's `crypto` alone
 * takes longer than everything else that is done here (6–12 ms, a third of Node's own start). The rounds are
 * those of MurmurHash3 with two lanes.
 */
export function fingerprint(bytes: Uint8Array): string {
  const words = bytes.length >>> 2;
  const view =
    bytes.byteOffset % 4 === 0
      ? new Int32Array(bytes.buffer, bytes.byteOffset, words)
      : new Int32Array(bytes.slice(0, words * 4).buffer, 0, words);
  let a = bytes.length | 0;
  let b = ~a;
  let tail = 0;
  for (let i = words * 4; i < bytes.length; i++) tail = (tail << 8) | (bytes[i] as number) | 0x1000000;
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

const encoder = new TextEncoder();

/** The fingerprint of text as UTF-8. */
export const textFingerprint = (text: string): string => fingerprint(encoder.encode(text));
