/** Opening files and folders. */
import { constants } from "node:fs";
import { type EffectRequests, type FileStat, LIMITS } from "@capsule-run/protocol";
import type { Performed } from "../capability.ts";
import { closeNow, POOLED } from "./calls.ts";
import { readFully } from "./contents.ts";
import { codeOf, refuse } from "./failure.ts";
import { type Found, identity } from "./ground.ts";
import { hold, letGo, type OpenFile, resize } from "./growth.ts";
import { closeHandle, type Handle } from "./handles.ts";
import { flag, type Head, text } from "./heads.ts";
import type { Attempt } from "./operations.ts";
import { kindOf, statOfHandle } from "./stat.ts";
import { at, type DiskPlace, isWritable, type Place, type Spot } from "./walk.ts";
import type { Branch, OpenMount, World } from "./world.ts";

const { O_APPEND, O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } =
  constants;
/** Windows opens folders without being told, and lacks the flag. */
const FOLDER = O_RDONLY | (O_DIRECTORY ?? 0);

/** How it is to be opened. */
type Wish = Omit<EffectRequests["file.open"], "path">;

function wishOf(head: Head): Wish {
  const wish: Wish = {
    read: flag(head, "read"),
    write: flag(head, "write"),
    append: flag(head, "append"),
    create: flag(head, "create"),
    exclusive: flag(head, "exclusive"),
    truncate: flag(head, "truncate"),
    directory: flag(head, "directory"),
    follow: flag(head, "follow"),
  };
  if ((wish.truncate || wish.append) && !wish.write)
    refuse("EINVAL", "only what is written can be cut or added to");
  if (wish.create && wish.directory) refuse("EINVAL", "folders are not made by opening");
  return wish;
}

/** How often an entry may change between a look and its use. Whoever changes it that often is not waited for. */
const TRIES = 100;

export async function open({ handles, start }: Attempt, head: Head): Promise<Performed> {
  const path = text(head, "path");
  const wish = wishOf(head);
  const { id, stat, payload } = await handles.add(() =>
    start(async (world) => {
      const handle = await openPath(world, path, wish);
      try {
        return { handle, ...(await glance(handle)) };
      } catch (error) {
        await closeHandle(handle);
        throw error;
      }
    }),
  );
  const answer = { handle: id, stat, whole: payload !== null };
  return payload === null ? { head: answer } : { head: answer, payload };
}

async function openPath(world: World, path: string, wish: Wish): Promise<Handle> {
  // With `exclusive` a symlink is something that is there already.
  const follow = wish.create && wish.exclusive ? "never" : wish.follow ? "always" : "slash";
  for (let tries = 0; tries < TRIES; tries++) {
    const opened = await at(world, path, follow, (spot) => openSpot(world, spot, wish));
    if (opened !== null) return opened;
  }
  return refuse("EBUSY", "it changes all the time");
}

/** Null: somebody else changed it meanwhile. */
async function openSpot(world: World, spot: Spot, wish: Wish): Promise<Handle | null> {
  if (spot.kind === "folder") {
    refuseFolder(wish);
    return openPlace(spot.place);
  }
  const { place, name, found, slash } = spot;
  if (found === null) {
    if (!wish.create) refuse("ENOENT");
    if (slash) refuse("EISDIR");
    return place.writable ? create(place, name, wish) : refuse("EROFS");
  }
  const kind = kindOf(found.stat);
  if (wish.create && wish.exclusive) refuse("EEXIST");
  if (kind === "symlink") refuse("ELOOP");
  // Only a place on the disk has something that can be found.
  const { mount } = place as DiskPlace;
  if (kind === "directory") {
    refuseFolder(wish);
    const writable = isWritable(world, place, found);
    return unlessChanged(async () => {
      const fd = await mount.ground.open(found, FOLDER);
      return folderHandle(mount, fd, found.path, null, writable);
    });
  }
  if (wish.directory) refuse("ENOTDIR");
  if (kind !== "file") refuse("EACCES", "neither a file nor a folder");
  if (wish.write && !place.writable) refuse("EROFS");
  return unlessChanged(() => openFile(place as DiskPlace, found, wish));
}

function refuseFolder(wish: Wish): void {
  if (wish.create && wish.exclusive) refuse("EEXIST");
  if (wish.write || wish.create) refuse("EISDIR");
}

async function unlessChanged<T>(job: () => Promise<T>): Promise<T | null> {
  try {
    return await job();
  } catch (error) {
    if (codeOf(error) === "EAGAIN") return null;
    throw error;
  }
}

const access = ({ read, write, append }: Wish): number =>
  (write ? (read ? O_RDWR : O_WRONLY) : O_RDONLY) | (append ? O_APPEND : 0);

const handleOf = (place: DiskPlace, file: OpenFile, fd: number, { read, write, append }: Wish): Handle => ({
  kind: "file",
  mount: place.mount,
  file,
  fd,
  read,
  write,
  append,
  writable: place.writable,
});

/** A file that is there. What it is was seen before it is opened, so that no FIFO and no device ever is. */
async function openFile(place: DiskPlace, found: Found, wish: Wish): Promise<Handle> {
  const { mount } = place;
  // From here on what it holds of the disk is not given back before it is closed.
  const file = hold(identity(found.stat));
  let fd: number | null = null;
  try {
    fd = await mount.ground.open(found, access(wish));
    const stat = await mount.ground.calls.fstat(fd);
    if (!stat.isFile() || identity(stat) !== file.id) refuse("EACCES", "it was replaced");
    // It was removed meanwhile, and what it holds may have been given back already.
    if (stat.nlink === 0n && found.stat.nlink > 0n) refuse("EAGAIN");
    if (wish.truncate) await resize({ file, fd, mount }, 0);
    return handleOf(place, file, fd, wish);
  } catch (error) {
    if (fd !== null) closeNow(fd);
    letGo(file);
    throw error;
  }
}

/** A new file. Whatever has the name by now, a symlink or a FIFO, is not opened. */
async function create(place: DiskPlace, name: string, wish: Wish): Promise<Handle | null> {
  const { ground, disk } = place.mount;
  const flags = access(wish) | O_CREAT | O_EXCL | (O_NOFOLLOW ?? 0) | (O_NONBLOCK ?? 0);
  await disk.addEntry();
  let fd: number;
  try {
    fd = await POOLED.open(await ground.at(place.folder, name), flags);
  } catch (error) {
    disk.removeEntry();
    if (codeOf(error) === "EEXIST" && !wish.exclusive) return null;
    throw error;
  }
  try {
    return handleOf(place, hold(identity(await ground.calls.fstat(fd))), fd, wish);
  } catch (error) {
    closeNow(fd);
    throw error;
  }
}

async function openPlace(place: Place): Promise<Handle> {
  if (place.mount === null) return { kind: "virtual", fd: null, branch: place.branch, writable: false };
  const { mount, folder, branch, writable } = place;
  const fd = await mount.ground.calls.open(await mount.ground.at(folder, "."), FOLDER);
  return folderHandle(mount, fd, folder.path, branch, writable);
}

const folderHandle = (
  mount: OpenMount,
  fd: number,
  path: string,
  branch: Branch | null,
  writable: boolean,
): Handle => ({
  kind: "folder",
  mount,
  fd,
  path: mount.ground.pathOf(fd) ?? path,
  branch,
  writable,
});

/** What comes with a handle: what it is, and the whole file where it is small and only read. */
async function glance(handle: Handle): Promise<{ stat: FileStat; payload: Uint8Array | null }> {
  const { head: stat } = await statOfHandle(handle);
  if (handle.kind !== "file" || !handle.read || handle.write || stat.size > LIMITS.filePrefetchBytes)
    return { stat, payload: null };
  // One byte more shows that the file has grown since.
  const payload = await readFully(handle.mount.ground.calls, handle.fd, 0, stat.size + 1);
  return { stat, payload: payload.length > stat.size ? null : payload };
}
