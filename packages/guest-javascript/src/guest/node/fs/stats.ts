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

const toMs = (digits: string): number => {
  const ns = BigInt(digits);
  return Number(ns / 1_000_000n) + Number(ns % 1_000_000n) / 1e6;
};

/** Fields are assigned one by one, and dates made when they are asked for: a program may look at many files. */
export class Stats extends Kinded {
  dev: number;
  mode: number;
  nlink: number;
  uid = 0;
  gid = 0;
  rdev = 0;
  blksize = 4096;
  ino: number;
  size: number;
  blocks: number;
  atimeMs: number;
  mtimeMs: number;
  ctimeMs: number;
  birthtimeMs: number;
  declare atime: Date;
  declare mtime: Date;
  declare ctime: Date;
  declare birthtime: Date;

  constructor(stat: FileStat) {
    super(stat.kind);
    const { size } = stat;
    this.dev = Number(stat.device);
    this.mode = modeOf(stat);
    this.nlink = stat.links;
    this.ino = Number(stat.inode);
    this.size = size;
    this.blocks = Math.ceil(size / BLOCK);
    this.atimeMs = toMs(stat.accessed);
    this.mtimeMs = toMs(stat.modified);
    this.ctimeMs = toMs(stat.changed);
    this.birthtimeMs = this.ctimeMs;
  }
}

export class BigIntStats extends Kinded {
  dev: bigint;
  mode: bigint;
  nlink: bigint;
  uid = 0n;
  gid = 0n;
  rdev = 0n;
  blksize = 4096n;
  ino: bigint;
  size: bigint;
  blocks: bigint;
  atimeMs: bigint;
  mtimeMs: bigint;
  ctimeMs: bigint;
  birthtimeMs: bigint;
  atimeNs: bigint;
  mtimeNs: bigint;
  ctimeNs: bigint;
  birthtimeNs: bigint;
  declare atime: Date;
  declare mtime: Date;
  declare ctime: Date;
  declare birthtime: Date;

  constructor(stat: FileStat) {
    super(stat.kind);
    this.dev = BigInt(stat.device);
    this.mode = BigInt(modeOf(stat));
    this.nlink = BigInt(stat.links);
    this.ino = BigInt(stat.inode);
    this.size = BigInt(stat.size);
    this.blocks = BigInt(Math.ceil(stat.size / BLOCK));
    this.atimeNs = BigInt(stat.accessed);
    this.mtimeNs = BigInt(stat.modified);
    this.ctimeNs = BigInt(stat.changed);
    this.birthtimeNs = this.ctimeNs;
    this.atimeMs = this.atimeNs / 1_000_000n;
    this.mtimeMs = this.mtimeNs / 1_000_000n;
    this.ctimeMs = this.ctimeNs / 1_000_000n;
    this.birthtimeMs = this.ctimeMs;
  }
}

for (const { prototype } of [Stats, BigIntStats])
  for (const name of ["atime", "mtime", "ctime", "birthtime"] as const)
    Object.defineProperty(prototype, name, {
      enumerable: true,
      configurable: true,
      get(this: Stats | BigIntStats): Date {
        return new Date(Math.round(Number(this[`${name}Ms`])));
      },
      set(this: object, value: unknown) {
        Object.defineProperty(this, name, { value, writable: true, enumerable: true, configurable: true });
      },
    });

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
