import type { Times } from "./attributes.ts";
import { ALL_FSTFLAGS, FILESTAT, FILETYPE, FSTFLAG } from "./defs.ts";
import type { Descriptor } from "./descriptors.ts";
import { isScratch, type LocalNode } from "./nodes.ts";
import { refusal } from "./refusal.ts";
import type { World } from "./world.ts";

export const filetypeOf = (kind: Descriptor["kind"]): number => {
  if (kind === "file" || kind === "mounted") return FILETYPE.REGULAR_FILE;
  return kind === "directory" || kind === "folder" ? FILETYPE.DIRECTORY : FILETYPE.CHARACTER_DEVICE;
};

/** Writes what is known of a node; null: a standard stream. */
export function writeStat(world: World, at: number, node: LocalNode | null): void {
  const view = world.memory.roomView(at, FILESTAT.size);
  const times: Times = node?.times ?? { accessed: 0n, modified: 0n, changed: 0n };
  const linked = node === null || !isScratch(node) || node.linked;
  view.setBigUint64(at + FILESTAT.device, node?.device ?? 0n, true);
  view.setBigUint64(at + FILESTAT.inode, node?.inode ?? 0n, true);
  // The type is a byte in a field of its own eight.
  view.setBigUint64(at + FILESTAT.filetype, BigInt(filetypeOf(node?.kind ?? "device")), true);
  view.setBigUint64(at + FILESTAT.links, linked ? 1n : 0n, true);
  view.setBigUint64(at + FILESTAT.length, BigInt(node?.kind === "file" ? node.size : 0), true);
  view.setBigUint64(at + FILESTAT.accessed, times.accessed, true);
  view.setBigUint64(at + FILESTAT.modified, times.modified, true);
  view.setBigUint64(at + FILESTAT.changed, times.changed, true);
}

/** Times to set, in nanoseconds since 1970; null: unchanged. */
export interface NewTimes {
  readonly accessed: bigint | null;
  readonly modified: bigint | null;
}

/** What `FSTFLAG`s say of the times that a call came with. */
export function newTimes(world: World, accessed: bigint, modified: bigint, flags: number): NewTimes {
  if (flags > ALL_FSTFLAGS) throw refusal("INVAL");
  if (flags & FSTFLAG.ATIM && flags & FSTFLAG.ATIM_NOW) throw refusal("INVAL");
  if (flags & FSTFLAG.MTIM && flags & FSTFLAG.MTIM_NOW) throw refusal("INVAL");
  const now = flags & (FSTFLAG.ATIM_NOW | FSTFLAG.MTIM_NOW) ? world.host.clock() : 0n;
  const time = (given: bigint, at: boolean, atNow: boolean): bigint | null => {
    if (at) return BigInt.asUintN(64, given);
    return atNow ? now : null;
  };
  return {
    accessed: time(accessed, (flags & FSTFLAG.ATIM) !== 0, (flags & FSTFLAG.ATIM_NOW) !== 0),
    modified: time(modified, (flags & FSTFLAG.MTIM) !== 0, (flags & FSTFLAG.MTIM_NOW) !== 0),
  };
}

/** Sets the times of a node of the drive's. */
export function setTimes(world: World, node: LocalNode, { accessed, modified }: NewTimes): void {
  if (!isScratch(node)) throw refusal("ROFS");
  if (accessed !== null) node.times.accessed = accessed;
  if (modified !== null) node.times.modified = modified;
  node.times.changed = world.host.clock();
}
