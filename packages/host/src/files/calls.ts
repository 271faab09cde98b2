/**
 * System calls in two ways: on this thread, or by libuv's pool of threads. On a local disk looking something up takes 1 to
 * 5 µs, and a hop to the pool and back 35 µs or more, so that walking five folders there and reading a small file would take
 * ten times as long. On a file system that may hang (NFS, SMB, FUSE) a call on this thread would stop the host and every
 * sandbox with it. So: what only looks, and reads of up to 64 KiB, are done at once where the mount is on a local disk, all
 * else is left to the pool. What changes something is always left to it, since a journal or a full disk can make it wait.
 */
import {
  type BigIntStats,
  close as closeFile,
  closeSync,
  fstat,
  fstatSync,
  lstat,
  lstatSync,
  open,
  openSync,
  read,
  readlink,
  readlinkSync,
  readSync,
  statfsSync,
} from "node:fs";
import { promisify } from "node:util";

/** There at once, or later. */
export type Eventually<T> = T | Promise<T>;

export interface Calls {
  open(path: string, flags: number): Eventually<number>;
  fstat(fd: number): Eventually<BigIntStats>;
  lstat(path: string): Eventually<BigIntStats>;
  /** The target as it is on the disk, which need not be UTF-8. */
  readlink(path: string): Eventually<Buffer>;
  /** Up to as many bytes as fit: how many were read. */
  read(fd: number, into: Uint8Array, at: number): Eventually<number>;
}

const BIGINT = { bigint: true } as const;
const BUFFER = { encoding: "buffer" } as const;

const openLater = promisify(open);
const fstatLater = promisify(fstat);
const lstatLater = promisify(lstat);
const readlinkLater = promisify(readlink);

/** By the pool. */
export const POOLED: Calls = {
  open: (path, flags) => openLater(path, flags, 0o666),
  fstat: (fd) => fstatLater(fd, BIGINT),
  lstat: (path) => lstatLater(path, BIGINT),
  readlink: (path) => readlinkLater(path, BUFFER),
  read: (fd, into, at) =>
    new Promise((resolve, reject) =>
      read(fd, into, 0, into.length, at, (error, bytes) => (error ? reject(error) : resolve(bytes))),
    ),
};

const SHORT = 64 * 1024 + 1;

/** On this thread, long reads apart. */
export const DIRECT: Calls = {
  open: (path, flags) => openSync(path, flags, 0o666),
  fstat: (fd) => fstatSync(fd, BIGINT),
  lstat: (path) => lstatSync(path, BIGINT),
  readlink: (path) => readlinkSync(path, BUFFER),
  read: (fd, into, at) =>
    into.length <= SHORT ? readSync(fd, into, 0, into.length, at) : POOLED.read(fd, into, at),
};

/** Linux's numbers of file systems that answer from this machine: `man 2 statfs`. */
const LOCAL: ReadonlySet<number> = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // XFS
  0x9123683e, // Btrfs
  0x2fc12fc1, // ZFS
  0xf2f52010, // F2FS
  0xca451a4e, // bcachefs
  0x01021994, // tmpfs
  0x858458f6, // ramfs
  0x794c7630, // overlayfs
]);

/** The calls for a mount. A network disk that somebody mounted below a local folder is taken for local, too. */
export function callsFor(folder: string): Calls {
  try {
    return process.platform === "linux" && LOCAL.has(statfsSync(folder).type) ? DIRECT : POOLED;
  } catch {
    return POOLED;
  }
}

/** Closes what holds nothing back, such as a folder or a look at a file: that never waits for a disk. */
export function closeNow(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // Closed by the system all the same.
  }
}

/** Closes a file: the last one to hold a deleted file waits until its space is free. */
export const closeLater = (fd: number): Promise<void> =>
  new Promise((resolve) => closeFile(fd, () => resolve()));
