/** What files are, as guests see it. */
import type { BigIntStats } from "node:fs";
import type { FileStat } from "@capsule-run/protocol";
import { refuse } from "./failure.ts";
import type { Handle } from "./handles.ts";
import { at, isWritable, type Place } from "./walk.ts";
import { type Branch, statOfFolder, type World } from "./world.ts";

type Kind = FileStat["kind"];

export const kindOf = (entry: Pick<BigIntStats, "isFile" | "isDirectory" | "isSymbolicLink">): Kind => {
  if (entry.isFile()) return "file";
  if (entry.isDirectory()) return "directory";
  return entry.isSymbolicLink() ? "symlink" : "other";
};

/** `writable`: what policy and mounts say; a file whose mode lets nobody write to it is not writable either. */
const describe = (stat: BigIntStats, writable: boolean): FileStat => ({
  kind: kindOf(stat),
  size: Number(stat.size),
  inode: String(stat.ino),
  device: String(stat.dev),
  links: Number(stat.nlink),
  accessed: String(stat.atimeNs),
  modified: String(stat.mtimeNs),
  changed: String(stat.ctimeNs),
  writable: writable && (stat.mode & 0o222n) !== 0n,
});

/** A folder that is nowhere on the disk. Its device is 0, which no disk has. */
const describeVirtual = (branch: Branch): FileStat => ({
  kind: "directory",
  size: 0,
  inode: String(branch.inode),
  device: "0",
  links: 1,
  accessed: "0",
  modified: "0",
  changed: "0",
  writable: false,
});

async function statOfPlace(place: Place): Promise<FileStat> {
  if (place.mount === null) return describeVirtual(place.branch);
  return describe(await statOfFolder(place.mount, place.folder), place.writable);
}

export const statOfPath = (world: World, path: string, follow: boolean): Promise<{ head: FileStat }> =>
  at(world, path, follow ? "always" : "slash", async (spot) => {
    if (spot.kind === "folder") return { head: await statOfPlace(spot.place) };
    const { place, found } = spot;
    if (found === null) refuse("ENOENT");
    return { head: describe(found.stat, isWritable(world, place, found)) };
  });

export async function statOfHandle(handle: Handle): Promise<{ head: FileStat }> {
  if (handle.kind === "virtual") return { head: describeVirtual(handle.branch) };
  return { head: describe(await handle.mount.ground.calls.fstat(handle.fd), handle.writable) };
}
