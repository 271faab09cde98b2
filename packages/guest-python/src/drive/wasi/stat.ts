import type { Times } from "./attributes.ts";
import { ALL_FSTFLAGS, FILESTAT, FILETYPE, FSTFLAG } from "./defs.ts";
import type { Descriptor } from "./descriptors.ts";
import { isScratch, type Node } from "./nodes.ts";
import { refusal } from "./refusal.ts";
import type { World } from "./world.ts";

export const filetypeOf = (kind: Descriptor["kind"]): number =>
  kind === "file"
    ? FILETYPE.REGULAR_FILE
    : kind === "directory"
      ? FILETYPE.DIRECTORY
      : FILETYPE.CHARACTER_DEVICE;

/** Writes what is known of a node; null: a standard stream. */
export function writeStat(world: World, at: number, node: Node | null): void {
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

/** Sets the times of a node as `FSTFLAG`s say. */
export function setTimes(world: World, node: Node, accessed: bigint, modified: bigint, flags: number): void {
  if (flags > ALL_FSTFLAGS) throw refusal("INVAL");
  if (flags & FSTFLAG.ATIM && flags & FSTFLAG.ATIM_NOW) throw refusal("INVAL");
  if (flags & FSTFLAG.MTIM && flags & FSTFLAG.MTIM_NOW) throw refusal("INVAL");
  if (!isScratch(node)) throw refusal("ROFS");
  const now = world.host.clock();
  if (flags & FSTFLAG.ATIM) node.times.accessed = BigInt.asUintN(64, accessed);
  if (flags & FSTFLAG.ATIM_NOW) node.times.accessed = now;
  if (flags & FSTFLAG.MTIM) node.times.modified = BigInt.asUintN(64, modified);
  if (flags & FSTFLAG.MTIM_NOW) node.times.modified = now;
  node.times.changed = now;
}
