import { closeSync, createReadStream, openSync, readSync, statSync } from "node:fs";
import type { PinnedFile } from "./pin.ts";

/** Node's crypto takes milliseconds to load, which only those pay for who hash. */
const crypto = () => process.getBuiltinModule("node:crypto");

const CHUNK = 4 * 1024 * 1024;

export const digest = (bytes: Uint8Array): PinnedFile => ({
  size: bytes.length,
  sha256: crypto().createHash("sha256").update(bytes).digest("hex"),
});

/** The same in another thread, while this one goes on. */
export async function digestAside(bytes: Uint8Array): Promise<PinnedFile> {
  const hash = await crypto().webcrypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
  return { size: bytes.length, sha256: Buffer.from(hash).toString("hex") };
}

/** Size and hash of a file, without holding it. */
export function digestFile(path: string): PinnedFile {
  const hash = crypto().createHash("sha256");
  const buffer = Buffer.allocUnsafe(CHUNK);
  const file = openSync(path, "r");
  try {
    let size = 0;
    for (let read = -1; read !== 0; size += read) {
      read = readSync(file, buffer, 0, CHUNK, null);
      hash.update(buffer.subarray(0, read));
    }
    return { size, sha256: hash.digest("hex") };
  } finally {
    closeSync(file);
  }
}

/** The same, letting others work in between. `onBytes` is told how far it is. */
export async function digestSlowly(
  path: string,
  onBytes: (done: number) => void = () => {},
): Promise<PinnedFile> {
  const hash = crypto().createHash("sha256");
  let size = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK })) {
    hash.update(chunk as Buffer);
    size += (chunk as Buffer).length;
    onBytes(size);
  }
  return { size, sha256: hash.digest("hex") };
}

export const sameFile = (a: PinnedFile, b: PinnedFile): boolean => a.size === b.size && a.sha256 === b.sha256;

/**
 * What the file system says of a file: as long as it says the same, the file holds the same. Each change of content
 * sets `ctime`, which no program can set back.
 */
export interface Stamp {
  readonly size: number;
  /** Nanoseconds since 1970, as digits. */
  readonly mtime: string;
  readonly ctime: string;
  readonly ino: string;
}

/** Null if there is no such file, or it is none. */
export function stampOf(path: string): Stamp | null {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (!stat?.isFile()) return null;
  const { size, mtimeNs, ctimeNs, ino } = stat;
  return { size: Number(size), mtime: String(mtimeNs), ctime: String(ctimeNs), ino: String(ino) };
}

export const sameStamp = (a: Stamp, b: Stamp | undefined): boolean =>
  b !== undefined && a.size === b.size && a.mtime === b.mtime && a.ctime === b.ctime && a.ino === b.ino;
