/** What is done to open files: all by number, at positions that the guest keeps. */
import { fsync, write } from "node:fs";
import { promisify } from "node:util";
import { LIMITS } from "@capsule-run/protocol";
import type { Performed } from "../capability.ts";
import type { Calls } from "./calls.ts";
import { refuse } from "./failure.ts";
import { extend, resize } from "./growth.ts";
import type { FileHandle, Handle } from "./handles.ts";

const flush = promisify(fsync);

const writeLater = (fd: number, bytes: Uint8Array, offset: number, at: number | null): Promise<number> =>
  new Promise((resolve, reject) =>
    write(fd, bytes, offset, bytes.length - offset, at, (error, written) =>
      error ? reject(error) : resolve(written),
    ),
  );

/** Up to `length` bytes at `at`; fewer only at the file's end. */
export async function readFully(calls: Calls, fd: number, at: number, length: number): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafeSlow(length);
  let filled = 0;
  while (filled < length) {
    const count = await calls.read(fd, filled === 0 ? bytes : bytes.subarray(filled), at + filled);
    if (count === 0) break;
    filled += count;
  }
  return bytes.subarray(0, filled);
}

function fileOnly(handle: Handle): FileHandle {
  return handle.kind === "file" ? handle : refuse("EISDIR");
}

export async function read(handle: Handle, at: number, length: number): Promise<Performed> {
  const { fd, mount, read } = fileOnly(handle);
  if (!read) refuse("EBADF", "not opened for reading");
  if (length > LIMITS.effectBytes) refuse("EINVAL", `more than ${LIMITS.effectBytes} bytes at once`);
  const { calls } = mount.ground;
  // Asking for much of a small file must not take much memory.
  const left = Math.max(0, Number((await calls.fstat(fd)).size) - at);
  return { head: {}, payload: await readFully(calls, fd, at, Math.min(length, left)) };
}

export async function writeTo(handle: Handle, at: number | null, bytes: Uint8Array): Promise<Performed> {
  const opened = fileOnly(handle);
  const { fd, mount, write, append } = opened;
  if (!write) refuse("EBADF", "not opened for writing");
  let start: number | null = null;
  const written = await extend(opened, append ? null : at, bytes.length, async (size, length) => {
    start = append ? null : (at ?? size);
    return writeFully(fd, bytes.subarray(0, length), start);
  });
  const size = Number((await mount.ground.calls.fstat(fd)).size);
  return { head: { at: start ?? Math.max(0, size - written), written, size } };
}

/** @param start null: at the end */
async function writeFully(fd: number, bytes: Uint8Array, start: number | null): Promise<number> {
  let written = 0;
  while (written < bytes.length) {
    try {
      const count = await writeLater(fd, bytes, written, start === null ? null : start + written);
      if (count === 0) break;
      written += count;
    } catch (error) {
      // What was written before the disk was full stays written; the next call says why it went no further.
      if (written === 0) throw error;
      break;
    }
  }
  return written;
}

export async function truncateHandle(handle: Handle, size: number): Promise<Performed> {
  if (handle.kind !== "file" || !handle.write) refuse("EINVAL", "not opened for writing");
  await resize(handle, size);
  return { head: {} };
}

export async function sync(handle: Handle): Promise<Performed> {
  if (handle.fd !== null) await flush(handle.fd);
  return { head: {} };
}
