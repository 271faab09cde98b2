import type { Cipheriv } from "node:crypto";

/**
 * An attempt's random stream: the ChaCha20 key stream of its 32-byte seed. The seed comes from the run's secret, the
 * execution's path and the attempt's number, so retries differ and replays agree.
 */
export class RandomStream {
  readonly #seed: string;
  #cipher: Cipheriv | null = null;

  constructor(seedHex: string) {
    this.#seed = seedHex;
  }

  next(length: number): Uint8Array {
    // Loaded when first needed: most tasks need no randomness, and a cell should start fast.
    this.#cipher ??= process
      .getBuiltinModule("node:crypto")
      .createCipheriv("chacha20", Buffer.from(this.#seed, "hex"), Buffer.alloc(16));
    return this.#cipher.update(Buffer.alloc(length));
  }
}
