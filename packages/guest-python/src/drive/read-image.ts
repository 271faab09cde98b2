import { readFile } from "node:fs/promises";
import { breath, isLong } from "@capsule-run/protocol";
import { readLayout } from "./image.ts";

/** Bytes that are copied at a time. */
const PART = 1024 * 1024;

/**
 * The whole memory of the engine whose image is in a file.
 * @throws RangeError if it is no image
 */
export async function readImage(path: string): Promise<Uint8Array> {
  const file = await readFile(path);
  const { length, runs } = readLayout(
    (position, into) => into.set(file.subarray(position, position + into.length)),
    file.length,
  );
  const memory = new Uint8Array(length);
  for (const { start, bytes, at } of runs)
    for (let done = 0; done < bytes; done += PART) {
      if (isLong()) await breath();
      memory.set(file.subarray(at + done, at + Math.min(done + PART, bytes)), start + done);
    }
  return memory;
}
