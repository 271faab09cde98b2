/** What files are, as Node's `Stats` and `Dirent` say it. */
import type { FileStat } from "@capsule-run/protocol";
import constants from "./constants.ts";

type Kind = FileStat["kind"];

const { S_IFDIR, S_IFLNK, S_IFREG, S_IFSOCK } = constants;
/** Of what is nothing else the sandbox is not told what it is. */
const TYPES: Readonly<Record<Kind, number>> = {
  file: S_IFREG,
  directory: S_IFDIR,
  symlink: S_IFLNK,
  other: S_IFSOCK,
};
const BLOCK = 512;

abstract class Kinded {
  readonly #kind: Kind;
  constructor(kind: Kind) {
    this.#kind = kind;
  }
  isFile(): boolean {
    return this.#kind === "file";
  }
  isDirectory(): boolean {
    return this.#kind === "directory";
  }
  isSymbolicLink(): boolean {
    return this.#kind === "symlink";
  }
  isBlockDevice(): boolean {
    return false;
  }
  isCharacterDevice(): boolean {
    return false;
  }
  isFIFO(): boolean {
    return false;
  }
  isSocket(): boolean {
    return this.#kind === "other";
  }
}

/** Permissions as they would be, for a file that its user may read, and write to if the sandbox may. */
function modeOf({ kind, writable }: FileStat): number {
  const rights = kind === "symlink" ? 0o777 : kind === "directory" ? 0o555 : 0o444;
  return TYPES[kind] | rights | (writable ? 0o200 : 0);
}

const toMs = (ns: bigint): number => Number(ns / 1_000_000n) + Number(ns % 1_000_000n) / 1e6;

export class Stats extends Kinded {
  [key: string]: unknown;
  constructor(stat: FileStat) {
    super(stat.kind);
    const [atime, mtime, ctime] = timesOf(stat);
    Object.assign(this, {
      dev: Number(stat.device),
      mode: modeOf(stat),
      nlink: stat.links,
      uid: 0,
      gid: 0,
      rdev: 0,
      blksize: 4096,
      ino: Number(stat.inode),
      size: stat.size,
      blocks: Math.ceil(stat.size / BLOCK),
      atimeMs: toMs(atime),
      mtimeMs: toMs(mtime),
      ctimeMs: toMs(ctime),
      birthtimeMs: toMs(ctime),
    });
    defineDates(this, [atime, mtime, ctime]);
  }
}

export class BigIntStats extends Kinded {
  [key: string]: unknown;
  constructor(stat: FileStat) {
    super(stat.kind);
    const [atime, mtime, ctime] = timesOf(stat);
    const ms = (ns: bigint): bigint => ns / 1_000_000n;
    Object.assign(this, {
      dev: BigInt(stat.device),
      mode: BigInt(modeOf(stat)),
      nlink: BigInt(stat.links),
      uid: 0n,
      gid: 0n,
      rdev: 0n,
      blksize: 4096n,
      ino: BigInt(stat.inode),
      size: BigInt(stat.size),
      blocks: BigInt(Math.ceil(stat.size / BLOCK)),
      atimeMs: ms(atime),
      mtimeMs: ms(mtime),
      ctimeMs: ms(ctime),
      birthtimeMs: ms(ctime),
      atimeNs: atime,
      mtimeNs: mtime,
      ctimeNs: ctime,
      birthtimeNs: ctime,
    });
    defineDates(this, [atime, mtime, ctime]);
  }
}

const timesOf = ({ accessed, modified, changed }: FileStat): [bigint, bigint, bigint] => [
  BigInt(accessed),
  BigInt(modified),
  BigInt(changed),
];

function defineDates(on: object, [atime, mtime, ctime]: readonly [bigint, bigint, bigint]): void {
  const all = { atime, mtime, ctime, birthtime: ctime };
  for (const [name, ns] of Object.entries(all))
    Object.defineProperty(on, name, {
      value: new Date(Math.round(toMs(ns))),
      writable: true,
      enumerable: true,
      configurable: true,
    });
}

export const statsOf = (stat: FileStat, bigint: boolean | undefined): Stats | BigIntStats =>
  bigint ? new BigIntStats(stat) : new Stats(stat);

export class Dirent extends Kinded {
  readonly name: unknown;
  readonly parentPath: string;
  constructor(name: unknown, parentPath: string, kind: Kind) {
    super(kind);
    this.name = name;
    this.parentPath = parentPath;
  }
  get path(): string {
    return this.parentPath;
  }
}
