/**
 * SHA-256 of `data` in hexadecimal. The platform's own is asynchronous or Node's; this package is neither.
 *
 * @see https://csrc.nist.gov/pubs/fips/180-4/upd1/final
 */
export function sha256(data: Uint8Array): string {
  const state = new Int32Array(INITIAL);
  const schedule = new Int32Array(64);
  const tailStart = data.length - (data.length % 64);
  for (let offset = 0; offset < tailStart; offset += 64) compress(state, schedule, data, offset);
  const tail = padded(data, tailStart);
  for (let offset = 0; offset < tail.length; offset += 64) compress(state, schedule, tail, offset);
  return Array.from(state, (word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}

/** What is left of `data` after its last whole block, a 1 bit, zeros, and the length in bits. */
function padded(data: Uint8Array, start: number): Uint8Array {
  const rest = data.length - start;
  const tail = new Uint8Array(rest < 56 ? 64 : 128);
  tail.set(data.subarray(start));
  tail[rest] = 0x80;
  const view = new DataView(tail.buffer);
  view.setUint32(tail.length - 8, Math.floor(data.length / 2 ** 29));
  view.setUint32(tail.length - 4, (data.length << 3) >>> 0);
  return tail;
}

function compress(state: Int32Array, w: Int32Array, data: Uint8Array, offset: number): void {
  for (let t = 0, at = offset; t < 16; t++, at += 4) {
    const [b0, b1, b2, b3] = [data[at], data[at + 1], data[at + 2], data[at + 3]] as Four;
    w[t] = (b0 << 24) | (b1 << 16) | (b2 << 8) | b3;
  }
  for (let t = 16; t < 64; t++) {
    const x = w[t - 15] as number;
    const y = w[t - 2] as number;
    const s0 = rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3);
    const s1 = rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10);
    w[t] = (w[t - 16] as number) + s0 + (w[t - 7] as number) + s1;
  }
  let [a, b, c, d] = [state[0], state[1], state[2], state[3]] as Four;
  let [e, f, g, h] = [state[4], state[5], state[6], state[7]] as Four;
  for (let t = 0; t < 64; t++) {
    const sum1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const t1 = (h + sum1 + ((e & f) ^ (~e & g)) + (ROUND[t] as number) + (w[t] as number)) | 0;
    const sum0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const t2 = (sum0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  state[0] = (state[0] as number) + a;
  state[1] = (state[1] as number) + b;
  state[2] = (state[2] as number) + c;
  state[3] = (state[3] as number) + d;
  state[4] = (state[4] as number) + e;
  state[5] = (state[5] as number) + f;
  state[6] = (state[6] as number) + g;
  state[7] = (state[7] as number) + h;
}

type Four = [number, number, number, number];

function rotate(x: number, by: number): number {
  return (x >>> by) | (x << (32 - by));
}

/** The first 32 bits of the fractional part of `root(p)` for the first `count` primes `p`. */
function fractions(count: number, root: (p: number) => number): number[] {
  const words: number[] = [];
  for (let candidate = 2; words.length < count; candidate++) {
    let prime = true;
    for (let d = 2; d * d <= candidate; d++) if (candidate % d === 0) prime = false;
    if (prime) words.push(((root(candidate) % 1) * 2 ** 32) | 0);
  }
  return words;
}

const INITIAL = fractions(8, Math.sqrt);
const ROUND = Int32Array.from(fractions(64, Math.cbrt));
