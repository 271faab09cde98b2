/**
 * A module that is malformed or uses a feature the rewriter does not support.
 *
 * The message names what is wrong; `offset` is where, in bytes from the start of the module.
 */
export class WasmError extends Error {
  override readonly name = "WasmError";
  /** Bytes from the start of the module that was given. */
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(`${message} (at byte ${offset})`);
    this.offset = offset;
  }
}

/** The error for a feature outside the supported set: SIMD, threads, 64-bit memory and so on. */
export function unsupported(feature: string, offset: number): WasmError {
  return new WasmError(`unsupported WebAssembly feature: ${feature}`, offset);
}
