/**
 * From a guest's path to a place: name by name, each step one that can't leave the folder it starts from. Symlinks are
 * resolved here and not by the system; `..` goes back the way that was come, and never asks the disk what is above.
 */
import { breathe } from "./breath.ts";
import { codeOf, refuse } from "./failure.ts";
import { type Folder, type Found, type Ground, identity, release } from "./ground.ts";
import { isKept } from "./kept.ts";
import { FILE_LIMITS } from "./limits.ts";
import { parsePath, parseTarget } from "./path.ts";
import { type Branch, identityOf, type OpenMount, type World } from "./world.ts";

/** A folder that the walk stands in: of a mount, or virtual. */
export type Place = DiskPlace | VirtualPlace;

export interface DiskPlace {
  readonly mount: OpenMount;
  readonly folder: Folder;
  /** Where mounts lie below it. */
  readonly branch: Branch | null;
  /** The mount is writable, and no root of a read-only one was passed. */
  readonly writable: boolean;
}

export interface VirtualPlace {
  readonly mount: null;
  readonly branch: Branch;
  readonly writable: false;
}

/** Where a path leads: to a folder that was walked into, or to a name in one. */
export type Spot =
  | { readonly kind: "folder"; readonly place: Place; readonly name: string }
  | {
      readonly kind: "entry";
      readonly place: Place;
      readonly name: string;
      /** Null: there is nothing of this name. */
      readonly found: Found | null;
      /** The path ends with `/`. What is found is a folder, then. */
      readonly slash: boolean;
    };

/** Whether a symlink at the end is followed: always, only where a `/` follows, or not even there. */
export type Follow = "always" | "slash" | "never";

/** Walks, and gives back all that was held for it when `use` is done. */
export async function at<T>(
  world: World,
  path: string,
  follow: Follow,
  use: (spot: Spot) => Promise<T>,
): Promise<T> {
  const held: Folder[] = [];
  try {
    return await use(await walk(world, path, follow, held));
  } finally {
    for (const each of held) release(each);
  }
}

/** A name that is still to be walked, and how far back `..` may go from it: not above the mount its symlink is in. */
interface Step {
  readonly name: string;
  readonly floor: number;
}

async function walk(world: World, path: string, follow: Follow, held: Folder[]): Promise<Spot> {
  const { names, slash } = parsePath(path);
  const steps: Step[] = names.map((name) => ({ name, floor: 0 })).reverse();
  const places: Place[] = [await enterBranch(world, virtual(world.root), world.root, "", held)];
  let links = 0;
  let onlyFolder = slash;
  let lastName = "/";

  const followLink = (target: string): void => {
    if (++links > FILE_LIMITS.links) refuse("ELOOP");
    const parsed = parseTarget(target);
    if (steps.length === 0) onlyFolder ||= parsed.slash;
    const floor = places.findIndex(({ mount }) => mount === places.at(-1)?.mount) + 1;
    for (const name of parsed.names.toReversed()) steps.push({ name, floor });
  };

  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    await breathe();
    const { name, floor } = step;
    const here = places.at(-1) as Place;
    if (name === "." || name === "..") {
      if (steps.length === 0) lastName = name;
      if (name === ".") continue;
      if (floor > 0 && places.length <= floor) refuse("EACCES", "a symlink leads out of its mount");
      if (places.length > 1) leave(places.pop() as Place, held);
      continue;
    }
    lastName = name;
    const branch = here.branch?.children.get(name);
    if (branch !== undefined) {
      places.push(await enterBranch(world, here, branch, name, held));
      continue;
    }
    const last = steps.length === 0;
    if (here.mount === null) {
      if (last) return entry(places, held, name, null, onlyFolder);
      refuse("ENOENT");
    }
    if (isKept(name)) refuse("EACCES", "this name is kept from sandboxes");
    const { ground } = here.mount;
    if (last) {
      const found = await ground.find(here.folder, name);
      if (found !== null) held.push(found);
      if (found?.stat.isSymbolicLink() && (follow === "always" || (onlyFolder && follow === "slash"))) {
        drop(found, held);
        followLink(await targetOf(ground, here.folder, name));
        continue;
      }
      if (onlyFolder && found !== null && !found.stat.isDirectory()) refuse("ENOTDIR");
      return entry(places, held, name, found, onlyFolder);
    }
    try {
      places.push(await enterFolder(world, here, name, null, held));
    } catch (error) {
      if (codeOf(error) !== "ENOTDIR") throw error;
      followLink(await targetOf(ground, here.folder, name));
    }
  }
  const place = places.pop() as Place;
  for (const other of places) leave(other, held);
  return { kind: "folder", place, name: lastName };
}

/** The end of a walk: of the folders only the last one is still needed. */
function entry(places: Place[], held: Folder[], name: string, found: Found | null, slash: boolean): Spot {
  const place = places.pop() as Place;
  for (const other of places) leave(other, held);
  return { kind: "entry", place, name, found, slash };
}

const virtual = (branch: Branch): VirtualPlace => ({ mount: null, branch, writable: false });

/** Into a path that is a mount or leads to one; there may be a folder of that name in the mount around it. */
async function enterBranch(
  world: World,
  from: Place,
  branch: Branch,
  name: string,
  held: Folder[],
): Promise<Place> {
  const { mount, failure } = branch;
  if (failure !== null) refuse(failure, "the mount can't be opened");
  if (mount !== null) {
    const writable = mount.writable && !(await isFenced(world, mount, mount.root));
    return { mount, folder: mount.root, branch, writable };
  }
  if (from.mount === null) return virtual(branch);
  try {
    return await enterFolder(world, from, name, branch, held);
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT" || code === "ENOTDIR") return virtual(branch);
    throw error;
  }
}

async function enterFolder(
  world: World,
  from: DiskPlace,
  name: string,
  branch: Branch | null,
  held: Folder[],
): Promise<DiskPlace> {
  const { mount } = from;
  const folder = await mount.ground.enter(from.folder, name);
  held.push(folder);
  const writable = from.writable && !(await isFenced(world, mount, folder));
  return { mount, folder, branch, writable };
}

const isFenced = async (world: World, mount: OpenMount, folder: Folder): Promise<boolean> =>
  world.fenced.size > 0 && world.fenced.has(await identityOf(mount, folder));

/** Whether a folder that was found, and not walked into, may be changed. */
export const isWritable = (world: World, place: Place, found: Found): boolean =>
  place.writable && !(found.stat.isDirectory() && world.fenced.has(identity(found.stat)));

const decoder = new TextDecoder("utf-8", { fatal: true });

/** @throws Refused ENOTDIR for what is no symlink: it stands where a folder has to be */
async function targetOf(ground: Ground, folder: Folder, name: string): Promise<string> {
  try {
    return decode(await ground.calls.readlink(await ground.at(folder, name)));
  } catch (error) {
    if (codeOf(error) === "EINVAL") refuse("ENOTDIR");
    throw error;
  }
}

/** A symlink's target. @throws Refused EACCES for one that is not UTF-8: no guest's path can mean it */
export function decode(target: Uint8Array): string {
  try {
    return decoder.decode(target);
  } catch {
    return refuse("EACCES", "a symlink's target is not UTF-8");
  }
}

function leave(place: Place, held: Folder[]): void {
  // A mount's root stays open as long as the attempt.
  if (place.mount !== null && place.folder !== place.mount.root) drop(place.folder, held);
}

function drop(folder: Folder, held: Folder[]): void {
  const index = held.lastIndexOf(folder);
  if (index >= 0) held.splice(index, 1);
  release(folder);
}
