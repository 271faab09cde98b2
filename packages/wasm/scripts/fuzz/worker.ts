/** Tries modules that it is sent, one after the other; the parent ends it if one takes too long. */
import { examine } from "./oracle.ts";

/** A module to try. */
export interface Job {
  readonly wasm: Uint8Array;
  readonly seed: number;
}

process.on("message", ({ wasm, seed }: Job) => {
  const verdict = examine(new Uint8Array(wasm), seed);
  process.send?.({ verdict, kibibytes: process.resourceUsage().maxRSS });
});
process.on("disconnect", () => process.exit());
