import { type BigIntStats, statSync } from "node:fs";

/** What the file system says of a file: as long as it says the same of a cold one, the file holds the same. */
export interface Stamp {
  readonly device: bigint;
  readonly inode: bigint;
  readonly size: bigint;
  /** Nanoseconds since 1970. */
  readonly modified: bigint;
  /** Each change of content sets it, and no program can set it back. */
  readonly changed: bigint;
}

export const stampOf = ({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): Stamp => ({
  device: dev,
  inode: ino,
  size,
  modified: mtimeNs,
  changed: ctimeNs,
});

/** Null if there is nothing at the path. */
export function stampAt(path: string): Stamp | null {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat ? stampOf(stat) : null;
}

export const sameStamp = (a: Stamp, b: Stamp): boolean =>
  a.device === b.device &&
  a.inode === b.inode &&
  a.size === b.size &&
  a.modified === b.modified &&
  a.changed === b.changed;

/** Clocks of file systems run behind by up to this many ms, and stand still for as long. */
const CLOCK_SLACK = 20;

/**
 * Whether a file was changed so shortly before it was read that another change could leave its stamp as it is.
 * @param readAt when reading began, in ms since 1970
 */
export const isHot = ({ modified, changed }: Stamp, readAt: number): boolean => {
  const newest = modified > changed ? modified : changed;
  return newest > BigInt(Math.floor(readAt) - CLOCK_SLACK) * 1_000_000n;
};
