import type { Cipheriv } from "node:crypto";
import { chacha20 } from "@noble/ciphers/chacha.js";

const BLOCK = 64;
const NONCE = new Uint8Array(12);
const ZEROS = new Uint8Array(BLOCK);

/** Bytes at the beginning of a stream that are computed without Node's cipher: what it takes to seed an interpreter, and some more. */
const BY_HAND = 4096;

/**
 * An attempt's random stream: the ChaCha20 key stream of its 32-byte seed. The seed comes from the run's secret, the
 * execution's path and the attempt's number, so retries differ and replays agree.
 */
export class RandomStream {
  readonly #seed: Buffer;
  #drawn = 0;
  #block: Uint8Array = new Uint8Array(0);
  #cipher: Cipheriv | null = null;

  constructor(seedHex: string) {
    this.#seed = Buffer.from(seedHex, "hex");
  }

  next(length: number): Uint8Array {
    const from = this.#drawn;
    this.#drawn += length;
    if (!this.#cipher && this.#drawn <= BY_HAND) return this.#compute(from, length);
    this.#cipher ??= this.#openCipher(from);
    return this.#cipher.update(Buffer.alloc(length));
  }

  #compute(from: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) {
      const inBlock = (from + i) % BLOCK;
      if (inBlock === 0) this.#block = chacha20(this.#seed, NONCE, ZEROS, undefined, (from + i) / BLOCK);
      bytes[i] = this.#block[inBlock] as number;
    }
    return bytes;
  }

  /** Node's own is the quicker one, but takes 25 ms to load, and a cell should start fast. */
  #openCipher(from: number): Cipheriv {
    const start = Buffer.alloc(16);
    start.writeUInt32LE(Math.floor(from / BLOCK));
    const cipher = process.getBuiltinModule("node:crypto").createCipheriv("chacha20", this.#seed, start);
    cipher.update(Buffer.alloc(from % BLOCK));
    return cipher;
  }
}
