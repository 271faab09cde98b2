/** Open files: what is done by number. The position in a file is known only here; the host is told where each time. */
import { kit } from "capsule:kit";
import type { FileStat } from "@capsule-run/protocol";
import type { Bytes } from "../../effects.ts";
import { concat } from "../../libraries/concat.ts";
import { ask, type Doing, release } from "./ask.ts";
import { failed, outOfRange, systemError, wrongType } from "./errors.ts";
import { type Wish, wishOf } from "./flags.ts";
import { placeOf } from "./paths.ts";
import { type BigIntStats, type Stats, statsOf } from "./stats.ts";

export interface OpenFile {
  readonly fd: number;
  readonly handle: number;
  readonly wish: Wish;
  /** As it was opened. */
  readonly stat: FileStat;
  position: number;
  /** All that is in it, as it came with the opening; null once that may no longer hold. */
  ahead: Bytes | null;
}

/** Bytes that are read or written by one request. */
export const MOST_AT_ONCE = 8 * 1024 * 1024;
/** Bytes of a file that is read at once, as in Node. */
const MOST_WHOLE = 2 ** 31 - 1;
/** What programs elsewhere find in their first files. */
const FIRST = 20;
const STREAMS = 3;

const files = new Map<number, OpenFile>();
const free: number[] = [];

/** After the sandbox has written to any file, what came ahead of any is asked for again. */
function changed(): void {
  for (const file of files.values()) file.ahead = null;
}

/** @throws TypeError, RangeError for what is no descriptor */
export function checkFd(fd: unknown): number {
  if (typeof fd !== "number") throw wrongType("fd", "of type number", fd);
  if (!Number.isInteger(fd)) throw outOfRange("fd", "an integer", fd);
  if (fd < 0 || fd > 2 ** 31 - 1) throw outOfRange("fd", ">= 0 && <= 2147483647", fd);
  return fd;
}

export function fileOf(fd: unknown, syscall: string): OpenFile {
  return files.get(checkFd(fd)) ?? badFile(syscall);
}

function badFile(syscall: string): never {
  throw systemError("EBADF", { syscall });
}

export function* open(path: unknown, flags?: unknown): Doing<OpenFile> {
  const { given, path: at, inMemory } = placeOf(path);
  const wish = wishOf(flags);
  if (wish.truncate) changed();
  const { head, payload } = yield* ask(
    "file.open",
    `{"path":${JSON.stringify(at)}${wish.json}`,
    { syscall: "open", path: given },
    { inMemory },
  );
  const fd = free.pop() ?? FIRST + files.size;
  const { handle, stat, whole } = head;
  const file: OpenFile = { fd, handle, wish, stat, position: 0, ahead: whole ? payload : null };
  files.set(fd, file);
  return file;
}

/** The host is not waited for. */
export function close(fd: unknown): void {
  const number = checkFd(fd);
  if (number < STREAMS) return;
  const { handle } = fileOf(number, "close");
  files.delete(number);
  free.push(number);
  release(handle);
}

/** Reads into `bytes`; gives how many there were. `position` null: where the last one ended. */
export function* readInto(fd: unknown, bytes: Uint8Array, position: number | null): Doing<number> {
  if (fd === 0) return 0;
  const file = fileOf(fd, "read");
  if (!file.wish.read) badFile("read");
  const at = position ?? file.position;
  let part: Uint8Array;
  const { ahead } = file;
  if (ahead && at < ahead.length) {
    part = ahead.subarray(at, at + bytes.length);
    // Whoever reads on wants to know whether there is more by now.
    if (at + part.length >= ahead.length) file.ahead = null;
  } else {
    const length = Math.min(bytes.length, MOST_AT_ONCE);
    if (length === 0) return 0;
    const answer = yield* ask("file.read", { handle: file.handle, at, length }, { syscall: "read" });
    part = answer.payload;
  }
  bytes.set(part);
  if (position === null) file.position = at + part.length;
  return part.length;
}

/** Writes all of `bytes`, unless the disk is full in the middle; gives how many were written. */
export function* writeFrom(fd: unknown, bytes: Uint8Array, position: number | null): Doing<number> {
  if (fd === 1 || fd === 2) {
    kit.print(fd, kit.decode(bytes, "utf8"));
    return bytes.length;
  }
  const file = fileOf(fd, "write");
  if (!file.wish.write) badFile("write");
  changed();
  let done = 0;
  while (done < bytes.length) {
    const at = file.wish.append ? null : (position ?? file.position) + (position === null ? 0 : done);
    const payload = bytes.subarray(done, done + MOST_AT_ONCE);
    const { head } = yield* ask("file.write", { handle: file.handle, at }, { syscall: "write" }, { payload });
    done += head.written;
    if (position === null || file.wish.append) file.position = head.at + head.written;
    if (head.written < payload.length) break;
  }
  return done;
}

/** Everything from the position on, as `readFile` of an open file gives it. */
export function* readRest(file: OpenFile): Doing<Bytes> {
  const { ahead, position } = file;
  if (ahead) {
    file.ahead = null;
    file.position = ahead.length;
    // The bytes are nobody else's.
    return position === 0 ? ahead : ahead.slice(position);
  }
  const { size } = file.stat;
  if (size > MOST_WHOLE) throw failed("ERR_FS_FILE_TOO_LARGE", `File size (${size}) is greater than 2 GiB`);
  const pieces: Uint8Array[] = [];
  let left = Math.max(0, size - position);
  for (;;) {
    // A file may have grown, and some say that they are empty.
    const length = Math.min(MOST_AT_ONCE, left > 0 ? left : 64 * 1024);
    const { handle } = file;
    const { payload } = yield* ask("file.read", { handle, at: file.position, length }, { syscall: "read" });
    file.position += payload.length;
    left -= payload.length;
    if (payload.length > 0) pieces.push(payload);
    if (payload.length < length) break;
  }
  return pieces.length === 1 ? (pieces[0] as Bytes) : concat(pieces);
}

export function* fstat(fd: unknown, options?: { bigint?: boolean }): Doing<Stats | BigIntStats> {
  const { handle } = fileOf(fd, "fstat");
  const { head } = yield* ask("file.stat", { handle }, { syscall: "fstat" });
  return statsOf(head, options?.bigint);
}

export function* ftruncate(fd: unknown, length: unknown = 0): Doing<void> {
  const { handle } = fileOf(fd, "ftruncate");
  changed();
  const size = Math.max(0, Math.trunc(Number(length)) || 0);
  yield* ask("file.truncate", { handle, size }, { syscall: "ftruncate" });
}

export function* fsync(fd: unknown): Doing<void> {
  yield* ask("file.sync", { handle: fileOf(fd, "fsync").handle }, { syscall: "fsync" });
}

export function* futimes(fd: unknown, accessed: unknown, modified: unknown): Doing<void> {
  const { handle } = fileOf(fd, "futime");
  const times = { accessed: nanoseconds(accessed, "atime"), modified: nanoseconds(modified, "mtime") };
  yield* ask("file.times", { handle, ...times }, { syscall: "futime" });
}

/** A time as Node takes it: seconds since 1970, as a number or its digits, or a `Date`. */
export function nanoseconds(given: unknown, name: string): string {
  const ms =
    given instanceof Date
      ? given.getTime()
      : typeof given === "number" || (typeof given === "string" && given !== "")
        ? Number(given) * 1000
        : Number.NaN;
  if (!Number.isFinite(ms)) throw wrongType(name, "of type number or string or an instance of Date", given);
  return `${BigInt(Math.round(ms * 1000)) * 1000n}`;
}
