/** ChaCha20's block function (RFC 8439), enough of it for the beginning of a key stream with nonce 0. */

/** Bytes of a block. */
export const BLOCK = 64;

/** "expand 32-byte k", as little-endian words. */
const CONSTANTS = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574] as const;
const KEY_WORDS = 8;
const DOUBLE_ROUNDS = 10;

/** The words that each quarter round works on: columns, then diagonals. */
const QUARTERS = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
] as const;

/** Block number `counter` of a key's stream. */
export function chachaBlock(key: Uint8Array, counter: number): Uint8Array {
  const view = new DataView(key.buffer, key.byteOffset, key.length);
  const start = new Uint32Array(16);
  start.set(CONSTANTS);
  for (let i = 0; i < KEY_WORDS; i++) start[4 + i] = view.getUint32(4 * i, true);
  start[12] = counter;
  const words = start.slice();
  for (let i = 0; i < DOUBLE_ROUNDS; i++)
    for (const [a, b, c, d] of QUARTERS) {
      mix(words, a, b, d, 16);
      mix(words, c, d, b, 12);
      mix(words, a, b, d, 8);
      mix(words, c, d, b, 7);
    }
  const block = new Uint8Array(BLOCK);
  const out = new DataView(block.buffer);
  for (let i = 0; i < words.length; i++) out.setUint32(4 * i, at(words, i) + at(start, i), true);
  return block;
}

/** `to += from`, then `other = (other ^ to) rotated left`. */
function mix(words: Uint32Array, to: number, from: number, other: number, left: number): void {
  words[to] = at(words, to) + at(words, from);
  const mixed = at(words, other) ^ at(words, to);
  words[other] = (mixed << left) | (mixed >>> (32 - left));
}

const at = (words: Uint32Array, index: number): number => words[index] as number;
