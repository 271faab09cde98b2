/** Operations on whole files, by path. */

import { kit } from "capsule:kit";
import { Buffer } from "node:buffer";
import type { Bytes } from "../../effects.ts";
import { ask, type Doing } from "./ask.ts";
import constants from "./constants.ts";
import {
  close,
  fileOf,
  fstat,
  ftruncate,
  MOST_AT_ONCE,
  nanoseconds,
  type OpenFile,
  open,
  readRest,
  writeFrom,
} from "./descriptors.ts";
import { failed, systemError, wrongType } from "./errors.ts";
import { isMemoryHandle } from "./memory.ts";
import { type Encoded, nameIn, type Place, placeOf } from "./paths.ts";
import { type BigIntStats, type Stats, statsOf } from "./stats.ts";

export interface FileOptions extends Encoded {
  readonly flag?: unknown;
  readonly signal?: AbortSignal;
}

/** Options that may be an encoding alone. */
export function optionsOf<T extends object>(given: unknown): T & Encoded {
  if (typeof given === "string") return { encoding: given } as T & Encoded;
  if (given === null || given === undefined || typeof given === "function") return {} as T & Encoded;
  if (typeof given !== "object") throw wrongType("options", "of type string or an instance of Object", given);
  return given as T & Encoded;
}

function checkEncoding(encoding: unknown): void {
  if (
    encoding !== undefined &&
    encoding !== null &&
    encoding !== "buffer" &&
    !Buffer.isEncoding(encoding as string)
  )
    throw Object.assign(
      new TypeError(`The argument 'encoding' is invalid encoding. Received '${String(encoding)}'`),
      {
        code: "ERR_INVALID_ARG_VALUE",
      },
    );
}

/** Opens, unless it is a descriptor, does it, and closes again. */
function* withFile<T>(file: unknown, flags: unknown, act: (file: OpenFile) => Doing<T>): Doing<T> {
  if (typeof file === "number") return yield* act(fileOf(file, "read"));
  const opened = yield* open(file, flags);
  try {
    return yield* act(opened);
  } finally {
    close(opened.fd);
  }
}

/** Opened by path, most files need no more than that. */
function* contents(path: unknown, flags: unknown): Doing<Bytes> {
  if (typeof path === "number") return yield* readRest(fileOf(path, "read"));
  const file = yield* open(path, flags);
  try {
    return file.ahead ?? (yield* readRest(file));
  } finally {
    close(file.fd);
  }
}

export function* readFile(path: unknown, given?: unknown): Doing<unknown> {
  const { encoding, flag, signal } = optionsOf<FileOptions>(given);
  checkEncoding(encoding);
  signal?.throwIfAborted();
  if (path === 0) return encoding ? "" : Buffer.alloc(0);
  const bytes = yield* contents(path, flag ?? "r");
  if (encoding === "utf8" || encoding === "utf-8") return kit.decode(bytes, "utf8");
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return encoding && encoding !== "buffer" ? buffer.toString(encoding as BufferEncoding) : buffer;
}

/** What is written for a text or bytes. */
export function bytesToWrite(data: unknown, encoding: string | null | undefined): Uint8Array {
  if (typeof data === "string") return Buffer.from(data, (encoding ?? "utf8") as BufferEncoding);
  if (data instanceof Uint8Array) return data;
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  throw wrongType("data", "of type string or an instance of Buffer, TypedArray, or DataView", data);
}

export function* writeFile(path: unknown, data: unknown, given?: unknown): Doing<void> {
  const { encoding, flag, signal } = optionsOf<FileOptions>(given);
  checkEncoding(encoding);
  signal?.throwIfAborted();
  const bytes = bytesToWrite(data, encoding);
  if (path === 1 || path === 2) {
    yield* writeFrom(path, bytes, null);
    return;
  }
  yield* withFile(path, flag ?? "w", (file) => writeAll(file, bytes));
}

export function* writeAll({ fd }: OpenFile, bytes: Uint8Array): Doing<void> {
  for (let done = 0; done < bytes.length; ) done += yield* writeFrom(fd, bytes.subarray(done), null);
}

export function* appendFile(path: unknown, data: unknown, given?: unknown): Doing<void> {
  yield* writeFile(path, data, { flag: "a", ...optionsOf<FileOptions>(given) });
}

interface StatOptions {
  readonly bigint?: boolean;
  readonly throwIfNoEntry?: boolean;
}

const MISSING = ["ENOENT", "ENOTDIR"];

function* statOf(
  path: unknown,
  follow: boolean,
  options?: StatOptions,
): Doing<Stats | BigIntStats | undefined> {
  const { given, path: at, inMemory } = placeOf(path);
  const about = { syscall: follow ? "stat" : "lstat", path: given };
  try {
    const { head } = yield* ask("file.stat", { path: at, follow }, about, { inMemory });
    return statsOf(head, options?.bigint);
  } catch (error) {
    if (options?.throwIfNoEntry === false && MISSING.includes((error as { code: string }).code))
      return undefined;
    throw error;
  }
}

export const stat = (path: unknown, options?: StatOptions): Doing<Stats | BigIntStats | undefined> =>
  statOf(path, true, options);
export const lstat = (path: unknown, options?: StatOptions): Doing<Stats | BigIntStats | undefined> =>
  statOf(path, false, options);

export function* access(path: unknown, mode: unknown = 0): Doing<void> {
  const { given, path: at, inMemory } = placeOf(path);
  const about = { syscall: "access", path: given };
  const { head } = yield* ask("file.stat", { path: at, follow: true }, about, { inMemory });
  if ((mode as number) & constants.W_OK && !head.writable) throw systemError("EROFS", about);
  if ((mode as number) & constants.X_OK && head.kind !== "directory") throw systemError("EACCES", about);
}

export function* exists(path: unknown): Doing<boolean> {
  try {
    yield* access(path);
    return true;
  } catch {
    return false;
  }
}

export function* unlink(path: unknown): Doing<void> {
  const { given, path: at, inMemory } = placeOf(path);
  yield* ask("file.unlink", { path: at }, { syscall: "unlink", path: given }, { inMemory });
}

/** Two places that one request names. @throws EXDEV where one of them is in memory only */
export function together(from: unknown, to: unknown, syscall: string): readonly [Place, Place] {
  const [source, target] = [placeOf(from, "oldPath"), placeOf(to, "newPath")];
  if (source.inMemory !== target.inMemory)
    throw systemError("EXDEV", { syscall, path: source.given, dest: target.given });
  return [source, target];
}

export function* rename(from: unknown, to: unknown): Doing<void> {
  const [source, target] = together(from, to, "rename");
  const about = { syscall: "rename", path: source.given, dest: target.given };
  const { inMemory } = source;
  yield* ask("file.rename", { from: source.path, to: target.path }, about, { inMemory });
}

const { COPYFILE_EXCL, O_CREAT, O_WRONLY } = constants;

const isSame = (one: OpenFile, other: OpenFile): boolean =>
  isMemoryHandle(one.handle) === isMemoryHandle(other.handle) &&
  one.stat.device === other.stat.device &&
  one.stat.inode === other.stat.inode;

export function* copyFile(from: unknown, to: unknown, mode: unknown = 0): Doing<void> {
  const about = { syscall: "copyfile", path: placeOf(from, "src").given, dest: placeOf(to, "dest").given };
  const named = function* (path: unknown, flags: unknown): Doing<OpenFile> {
    try {
      return yield* open(path, flags);
    } catch (error) {
      const { code } = error as { code?: string };
      throw code?.startsWith("E") && !code.startsWith("ERR_") ? systemError(code, about) : error;
    }
  };
  const source = yield* named(from, "r");
  const { handle, ahead } = source;
  try {
    const target = yield* named(to, (mode as number) & COPYFILE_EXCL ? "wx" : O_WRONLY | O_CREAT);
    try {
      // Nothing of the target is gone yet: a file is copied onto itself, whatever it is called, by leaving it as it is.
      if (isSame(source, target)) return;
      if (target.stat.size > 0) yield* ftruncate(target.fd);
      for (;;) {
        const { position } = source;
        const { payload } = ahead
          ? { payload: ahead }
          : yield* ask("file.read", { handle, at: position, length: MOST_AT_ONCE }, about);
        yield* writeAll(target, payload);
        source.position += payload.length;
        if (ahead || payload.length < MOST_AT_ONCE) break;
      }
    } finally {
      close(target.fd);
    }
  } finally {
    close(source.fd);
  }
}

export function* truncate(path: unknown, length: unknown = 0): Doing<void> {
  const { given, path: at, inMemory } = placeOf(path);
  const size = Math.max(0, Math.trunc(Number(length)) || 0);
  yield* ask("file.truncate", { path: at, size }, { syscall: "open", path: given }, { inMemory });
}

function* timesOf(path: unknown, follow: boolean, accessed: unknown, modified: unknown): Doing<void> {
  const { given, path: at, inMemory } = placeOf(path);
  const times = { accessed: nanoseconds(accessed, "atime"), modified: nanoseconds(modified, "mtime") };
  const about = { syscall: follow ? "utime" : "lutime", path: given };
  yield* ask("file.times", { path: at, follow, ...times }, about, { inMemory });
}

export const utimes = (path: unknown, accessed: unknown, modified: unknown): Doing<void> =>
  timesOf(path, true, accessed, modified);
export const lutimes = (path: unknown, accessed: unknown, modified: unknown): Doing<void> =>
  timesOf(path, false, accessed, modified);

export function* readlink(path: unknown, given?: unknown): Doing<unknown> {
  const { given: shown, path: at, inMemory } = placeOf(path);
  const { head } = yield* ask(
    "file.readlink",
    { path: at },
    { syscall: "readlink", path: shown },
    { inMemory },
  );
  return nameIn(head.target, optionsOf(given).encoding);
}

const MOST_LINKS = 40;

/** Symlinks are followed name by name, as far as the host follows them. */
export function* realpath(path: unknown, given?: unknown): Doing<unknown> {
  const { given: shown, path: at } = placeOf(path);
  const about = { syscall: "realpath", path: shown };
  let real = "";
  const names = at.split("/").reverse();
  for (let links = 0; names.length > 0; ) {
    const name = names.pop() as string;
    if (name === "" || name === ".") continue;
    if (name === "..") {
      real = real.slice(0, Math.max(0, real.lastIndexOf("/")));
      continue;
    }
    const next = `${real}/${name}`;
    const { inMemory } = placeOf(next);
    const { head } = yield* ask("file.stat", { path: next, follow: false }, about, { inMemory });
    if (head.kind === "symlink") {
      if (++links > MOST_LINKS) throw systemError("ELOOP", about);
      const link = yield* ask("file.readlink", { path: next }, about);
      names.push(...link.head.target.split("/").reverse());
    } else real = next;
  }
  return nameIn(real || "/", optionsOf(given).encoding);
}

const forbidden = (syscall: string) =>
  // biome-ignore lint/correctness/useYield: it never gets so far
  function* (path: unknown, second: unknown): Doing<never> {
    throw systemError("EPERM", { syscall, path: placeOf(path).given, dest: placeOf(second).given });
  };

/** Nothing in a sandbox makes links. */
export const link = forbidden("link");
export const symlink = forbidden("symlink");

/**
 * Nothing in a sandbox changes who may do what. To ask for what is so already does no harm: whoever copies a file gives the
 * copy the mode of the original.
 */
function* unchanged(path: unknown, syscall: string, asIs: (stat: Stats) => boolean): Doing<void> {
  const open = typeof path === "number";
  const stat = (yield* open ? fstat(path) : statOf(path, true)) as Stats;
  if (!asIs(stat)) throw systemError("EPERM", { syscall, path: open ? undefined : placeOf(path).given });
}

const PERMISSIONS = 0o777;

const modeChange = (syscall: string) => (path: unknown, mode: unknown) => {
  const wanted = typeof mode === "string" ? Number.parseInt(mode, 8) : Number(mode);
  return unchanged(path, syscall, (stat) => (stat.mode & PERMISSIONS) === (wanted & PERMISSIONS));
};
const ownerChange = (syscall: string) => (path: unknown, user: unknown, group: unknown) =>
  unchanged(
    path,
    syscall,
    ({ uid, gid }) => [uid, -1].includes(user as number) && [gid, -1].includes(group as number),
  );

export const chmod = modeChange("chmod");
export const fchmod = modeChange("fchmod");
export const chown = ownerChange("chown");
export const fchown = ownerChange("fchown");
export const lchown = ownerChange("lchown");

/** @throws what `watch` and `watchFile` throw */
export function noWatching(): never {
  throw failed(
    "ERR_FEATURE_UNAVAILABLE_ON_PLATFORM",
    "files can't be watched inside a sandbox; look at fs.stat(path).mtimeMs from time to time instead",
  );
}
