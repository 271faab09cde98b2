import { readFileSync } from "node:fs";
import { readLayout } from "./image.ts";

/**
 * The whole memory of the engine whose image is in a file.
 * @throws RangeError if it is no image
 */
export function readImage(path: string): Uint8Array {
  const file = readFileSync(path);
  const { length, runs } = readLayout(
    (position, into) => into.set(file.subarray(position, position + into.length)),
    file.length,
  );
  const memory = new Uint8Array(length);
  for (const { start, bytes, at } of runs) memory.set(file.subarray(at, at + bytes), start);
  return memory;
}
