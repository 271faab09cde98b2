/**
 * `node:fs`: what `ask.ts` and its neighbours do, in Node's three forms. The host's files are asked for by effects; `/tmp`
 * is in the sandbox's own memory.
 */

import { readArguments, writeArguments } from "./fs/arguments.ts";
import { type Doing, doAsync, doSync } from "./fs/ask.ts";
import constants from "./fs/constants.ts";
import * as descriptors from "./fs/descriptors.ts";
import { Dir, opendir, opendirSync } from "./fs/dir.ts";
import { systemError, wrongType } from "./fs/errors.ts";
import * as folders from "./fs/folders.ts";
import { FileHandle, openHandle, readingFile, writingFile } from "./fs/handle.ts";
import { BigIntStats, Dirent, Stats } from "./fs/stats.ts";
import * as whole from "./fs/whole.ts";

type Operation = (...args: never[]) => Doing<unknown>;
type Callback = (error: unknown, ...values: unknown[]) => void;
type Method = (...args: never[]) => unknown;

function* openFd(path: unknown, flags?: unknown): Doing<number> {
  return (yield* descriptors.open(path, flags)).fd;
}

// biome-ignore lint/correctness/useYield: nobody waits for it
function* closeFd(fd: unknown): Doing<void> {
  descriptors.close(fd);
}

function* readVector(fd: unknown, buffers: readonly Uint8Array[], position?: number | null): Doing<number> {
  let total = 0;
  for (const bytes of buffers) {
    const count = yield* descriptors.readInto(
      fd,
      bytes,
      typeof position === "number" ? position + total : null,
    );
    total += count;
    if (count < bytes.length) break;
  }
  return total;
}

function* writeVector(fd: unknown, buffers: readonly Uint8Array[], position?: number | null): Doing<number> {
  let total = 0;
  for (const bytes of buffers)
    total += yield* descriptors.writeFrom(fd, bytes, typeof position === "number" ? position + total : null);
  return total;
}

const noStatfs = (): never => {
  throw systemError("ENOSYS", { syscall: "statfs" });
};

/** By path: in all three forms. */
const BY_PATH: Readonly<Record<string, Operation>> = {
  readFile: whole.readFile,
  writeFile: whole.writeFile,
  appendFile: whole.appendFile,
  stat: whole.stat,
  lstat: whole.lstat,
  access: whole.access,
  unlink: whole.unlink,
  rename: whole.rename,
  copyFile: whole.copyFile,
  truncate: whole.truncate,
  utimes: whole.utimes,
  lutimes: whole.lutimes,
  readlink: whole.readlink,
  realpath: whole.realpath,
  link: whole.link,
  symlink: whole.symlink,
  chmod: whole.chmod,
  lchmod: whole.chmod,
  chown: whole.chown,
  lchown: whole.lchown,
  readdir: folders.readdir,
  mkdir: folders.mkdir,
  rmdir: folders.rmdir,
  rm: folders.rm,
  cp: folders.cp,
  mkdtemp: folders.mkdtemp,
  statfs: noStatfs,
};

/** By number: not among the promises, which have `FileHandle`. */
const BY_NUMBER: Readonly<Record<string, Operation>> = {
  open: openFd,
  close: closeFd,
  fstat: descriptors.fstat,
  ftruncate: descriptors.ftruncate,
  fsync: descriptors.fsync,
  fdatasync: descriptors.fsync,
  futimes: descriptors.futimes,
  fchmod: whole.fchmod,
  fchown: whole.fchown,
};

function callbackOf(args: unknown[]): Callback {
  const done = typeof args.at(-1) === "function" ? args.pop() : undefined;
  if (typeof done !== "function") throw wrongType("cb", "of type function", done);
  return done as Callback;
}

/** Calls back outside of the promise, where what the callback throws is an uncaught exception. */
function callBack<T>(doing: Promise<T>, done: Callback, values: (value: T) => unknown[]): void {
  doing.then(
    (value) => queueMicrotask(() => done(null, ...values(value))),
    (error: unknown) => queueMicrotask(() => done(error)),
  );
}

/** Arguments are checked at once, as far as a path or a descriptor is wrong: that throws in Node. */
function withCallback(operation: Operation): Method {
  return (...args: unknown[]): void => {
    const done = callbackOf(args);
    callBack(doAsync(operation(...(args as never[]))), done, (value) => (value === undefined ? [] : [value]));
  };
}

const fs: Record<string, unknown> = {};
const promises: Record<string, unknown> = { constants, FileHandle, open: openHandle, opendir };

for (const [name, operation] of Object.entries({ ...BY_PATH, ...BY_NUMBER })) {
  fs[`${name}Sync`] = (...args: never[]): unknown => doSync(operation(...args));
  fs[name] = withCallback(operation);
}
for (const [name, operation] of Object.entries(BY_PATH))
  promises[name] = async (...args: never[]): Promise<unknown> => doAsync(operation(...args));
Object.assign(promises, {
  readFile: readingFile,
  writeFile: writingFile("w"),
  appendFile: writingFile("a"),
});

const watch = { watch: whole.noWatching, watchFile: whole.noWatching, unwatchFile: (): void => {} };
promises.watch = whole.noWatching;

const existsSync = (path: unknown): boolean => doSync(whole.exists(path));
const exists = (path: unknown, done: (there: boolean) => void): void => {
  doAsync(whole.exists(path)).then((there) => queueMicrotask(() => done(there)));
};
const custom = Symbol.for("nodejs.util.promisify.custom");
Object.defineProperty(exists, custom, { value: (path: unknown) => doAsync(whole.exists(path)) });

/** Forms that are called in many ways, or call back with more than one value. */
const special: Readonly<Record<string, Method>> = {
  exists,
  existsSync,
  opendirSync,
  opendir: (...args: unknown[]): void => {
    const done = callbackOf(args);
    callBack(opendir(args[0]), done, (dir) => [dir]);
  },
  readSync(fd: unknown, ...args: unknown[]): number {
    const { bytes, position } = readArguments(args);
    return doSync(descriptors.readInto(descriptors.checkFd(fd), bytes, position));
  },
  writeSync(fd: unknown, data: unknown, ...args: unknown[]): number {
    const { bytes, position } = writeArguments(data, args);
    return doSync(descriptors.writeFrom(descriptors.checkFd(fd), bytes, position));
  },
  read(fd: unknown, ...args: unknown[]): void {
    const done = callbackOf(args);
    const { bytes, buffer, position } = readArguments(args);
    callBack(doAsync(descriptors.readInto(descriptors.checkFd(fd), bytes, position)), done, (count) => [
      count,
      buffer,
    ]);
  },
  write(fd: unknown, data: unknown, ...args: unknown[]): void {
    const done = callbackOf(args);
    const { bytes, position } = writeArguments(data, args);
    callBack(doAsync(descriptors.writeFrom(descriptors.checkFd(fd), bytes, position)), done, (count) => [
      count,
      data,
    ]);
  },
  readvSync: (...args: Parameters<typeof readVector>) => doSync(readVector(...args)),
  writevSync: (...args: Parameters<typeof writeVector>) => doSync(writeVector(...args)),
  readv(...args: unknown[]): void {
    const done = callbackOf(args);
    const given = args as Parameters<typeof readVector>;
    callBack(doAsync(readVector(...given)), done, (count) => [count, given[1]]);
  },
  writev(...args: unknown[]): void {
    const done = callbackOf(args);
    const given = args as Parameters<typeof writeVector>;
    callBack(doAsync(writeVector(...given)), done, (count) => [count, given[1]]);
  },
};
for (const [name, names] of [
  ["read", ["bytesRead", "buffer"]],
  ["write", ["bytesWritten", "buffer"]],
] as const)
  Object.defineProperty(special[name], custom, {
    value: (...args: unknown[]) =>
      new Promise((resolve, reject) => {
        (special[name] as (...all: unknown[]) => void)(...args, (error: unknown, ...values: unknown[]) =>
          error ? reject(error) : resolve(Object.fromEntries(names.map((key, i) => [key, values[i]]))),
        );
      }),
  });

/** Evaluated when first used: Node's streams are large. */
const streams = (): typeof import("./fs/streams.ts") => require("./fs/streams.ts");

Object.assign(fs, special, watch, {
  ...{ constants, promises, Stats, BigIntStats, Dirent, Dir },
  createReadStream: (path: unknown, options?: unknown) => new (streams().ReadStream)(path, options),
  createWriteStream: (path: unknown, options?: unknown) => new (streams().WriteStream)(path, options),
  realpathSync: Object.assign(fs.realpathSync as Method, { native: fs.realpathSync }),
  realpath: Object.assign(fs.realpath as Method, { native: fs.realpath }),
});
for (const name of ["F_OK", "R_OK", "W_OK", "X_OK"] as const) fs[name] = constants[name];
for (const [name, from] of [
  ["ReadStream", "ReadStream"],
  ["WriteStream", "WriteStream"],
  ["FileReadStream", "ReadStream"],
  ["FileWriteStream", "WriteStream"],
] as const)
  Object.defineProperty(fs, name, { get: () => streams()[from], enumerable: true, configurable: true });

export default fs;
