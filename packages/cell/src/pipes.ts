import { read, writeSync } from "node:fs";
import { heard } from "./slices.ts";

/** The two pipes to the host. */
export interface Pipes {
  listen(hear: (chunk: Uint8Array) => void): void;
  /** Writes all of it, and waits while the host has not read what was written before. */
  write(bytes: Uint8Array): void;
  /** The host is gone, or speaks nonsense: the cell must end. */
  exit(): void;
}

const CHUNK = 65_536;

/**
 * The pipes as plain descriptors. Node's streams for stdin and stdout would take 15 ms to load, a third of a cell's
 * start: a cell's V8 flags void the code cache that Node brings for them.
 */
export function descriptors(): Pipes {
  const chunk = Buffer.allocUnsafeSlow(CHUNK);
  const exit = (): never => process.exit(0);
  return {
    exit,
    listen(hear) {
      const next = (): void =>
        read(0, chunk, 0, CHUNK, null, (error, length) => {
          if (error || length === 0) exit();
          heard(length === CHUNK);
          hear(Buffer.from(chunk.subarray(0, length)));
          next();
        });
      next();
    },
    write(bytes) {
      try {
        for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at);
      } catch {
        exit();
      }
    },
  };
}
