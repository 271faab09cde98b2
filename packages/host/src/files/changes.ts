/** What is done to names: making, removing, moving, and reading where a symlink leads. */
import {
  constants,
  mkdir as makeFolder,
  unlink as removeFile,
  rmdir as removeFolder,
  rename as renameEntry,
} from "node:fs";
import { promisify } from "node:util";
import type { Performed } from "../capability.ts";
import { closeNow } from "./calls.ts";
import { refuse } from "./failure.ts";
import { type Found, identity } from "./ground.ts";
import { hold, letGo, removed, resize } from "./growth.ts";
import { parseTarget } from "./path.ts";
import { at, type DiskPlace, decode, type Spot } from "./walk.ts";
import { holdsFenced, type World } from "./world.ts";

const makeLater = promisify(makeFolder);
const renameLater = promisify(renameEntry);
const removeFolderLater = promisify(removeFolder);
const removeFileLater = promisify(removeFile);

const DONE: Performed = { head: {} };

/** An entry of a folder of the disk. */
interface Existing {
  readonly place: DiskPlace;
  readonly name: string;
  readonly found: Found;
}

/** @throws Refused ENOENT, and what `folder` says for what was walked into, such as a mount */
function existing(spot: Spot, folder: string): Existing {
  if (spot.kind === "folder") refuse(folderCode(spot.name, folder));
  const { place, name, found } = spot;
  if (found === null || place.mount === null) refuse("ENOENT");
  return { place, name, found };
}

/** As Linux answers for paths that end with `.` and `..`. */
const folderCode = (name: string, otherwise: string): string =>
  otherwise !== "EBUSY" ? otherwise : name === "." ? "EINVAL" : name === ".." ? "ENOTEMPTY" : otherwise;

const path = ({ place, name }: { place: DiskPlace; name: string }) =>
  place.mount.ground.at(place.folder, name);

export const mkdir = (world: World, guest: string): Promise<Performed> =>
  at(world, guest, "never", async (spot) => {
    if (spot.kind === "folder" || spot.found !== null) refuse("EEXIST");
    const { place, name } = spot;
    if (!place.writable) refuse("EROFS");
    await world.disk.addEntry();
    try {
      await makeLater(await path({ place, name }));
    } catch (error) {
      world.disk.removeEntry();
      throw error;
    }
    return DONE;
  });

export const unlink = (world: World, guest: string): Promise<Performed> =>
  removing(world, guest, async (spot) => {
    const entry = existing(spot, "EISDIR");
    if (entry.found.stat.isDirectory()) refuse("EISDIR");
    if (!entry.place.writable) refuse("EROFS");
    await removeFileLater(await path(entry));
    await lost(world, entry.place, entry.found);
    return DONE;
  });

export const rmdir = (world: World, guest: string): Promise<Performed> =>
  removing(world, guest, async (spot) => {
    const entry = existing(spot, "EBUSY");
    if (!entry.found.stat.isDirectory()) refuse("ENOTDIR");
    if (!entry.place.writable || (await isFenced(world, entry.found))) refuse("EROFS");
    await removeFolderLater(await path(entry));
    world.disk.removeEntry();
    return DONE;
  });

export const rename = (world: World, from: string, to: string): Promise<Performed> =>
  removing(world, from, (source) =>
    at(world, to, "never", async (aim) => {
      const moved = existing(source, "EBUSY");
      if (aim.kind === "folder") refuse("EBUSY");
      const { place, name, found, slash } = aim;
      if (slash && !moved.found.stat.isDirectory()) refuse("ENOTDIR");
      if (!moved.place.writable || !place.writable) refuse("EROFS");
      if (moved.place.mount !== place.mount) refuse("EXDEV");
      // Moving a folder moves the read-only mounts in it, and putting one in its place removes it.
      if (await isFenced(world, moved.found)) refuse("EROFS");
      if (found !== null && (await isFenced(world, found))) refuse("EROFS");
      await renameLater(await path(moved), await path({ place, name }));
      // Names of one file, and a name moved to itself, stay as they are.
      if (found !== null && identity(found.stat) !== identity(moved.found.stat))
        await lost(world, place as DiskPlace, found);
      return DONE;
    }),
  );

/** Looks and removes before the next one looks: what is removed is what was found. */
const removing = (world: World, guest: string, use: (spot: Spot) => Promise<Performed>): Promise<Performed> =>
  world.disk.inTurn(() => at(world, guest, "never", use));

/** A name is gone; its file as well if it was the last one. */
async function lost({ disk }: World, { mount }: DiskPlace, { fd, stat }: Found): Promise<void> {
  disk.removeEntry();
  if (!stat.isFile()) return;
  const names = fd === null ? stat.nlink - 1n : (await mount.ground.calls.fstat(fd)).nlink;
  if (names <= 0n) removed(identity(stat), disk);
}

const isFenced = async (world: World, { stat }: Found): Promise<boolean> =>
  stat.isDirectory() && world.fenced.size > 0 && (await holdsFenced(world, identity(stat)));

export const truncatePath = (world: World, guest: string, size: number): Promise<Performed> =>
  at(world, guest, "always", async (spot) => {
    const { place, found } = existing(spot, "EISDIR");
    if (found.stat.isDirectory()) refuse("EISDIR");
    if (!found.stat.isFile()) refuse("EACCES", "neither a file nor a folder");
    if (!place.writable) refuse("EROFS");
    const { mount } = place;
    const file = hold(identity(found.stat));
    try {
      const fd = await mount.ground.open(found, constants.O_WRONLY);
      try {
        await resize({ file, fd, mount }, size);
      } finally {
        closeNow(fd);
      }
    } finally {
      letGo(file);
    }
    return DONE;
  });

/** Only relative targets: an absolute one is the host's path. */
export const readlink = (world: World, guest: string): Promise<Performed> =>
  at(world, guest, "slash", async (spot) => {
    const entry = existing(spot, "EINVAL");
    if (!entry.found.stat.isSymbolicLink()) refuse("EINVAL", "not a symlink");
    const target = decode(await entry.place.mount.ground.calls.readlink(await path(entry)));
    parseTarget(target);
    return { head: { target } };
  });
