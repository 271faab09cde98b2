/** What an attempt sees: a tree of mounts, opened, with virtual folders above them. */
import type { BigIntStats } from "node:fs";
import { GUEST_ROOT } from "@capsule-run/protocol";
import type { Mount } from "../capability.ts";
import type { Eventually } from "./calls.ts";
import type { DiskBudget } from "./disk.ts";
import { codeOf } from "./failure.ts";
import { type Folder, type Ground, identity, release } from "./ground.ts";

/** A mount that is open. */
export interface OpenMount {
  readonly ground: Ground;
  readonly root: Folder;
  readonly writable: boolean;
  /** Pays for what is added. */
  readonly disk: DiskBudget;
}

/** A path that is a mount, or leads to one. */
export interface Branch {
  readonly children: Map<string, Branch>;
  /** Its number among the branches, from 1: a virtual folder's inode. */
  readonly inode: number;
  mount: OpenMount | null;
  /** Why its mount could not be opened. */
  failure: string | null;
}

export interface World {
  readonly root: Branch;
  readonly mounts: readonly OpenMount[];
  /** Whether all folders that are walked are held: see `Ground`. */
  readonly held: boolean;
  /** Identities of the roots of read-only mounts. */
  readonly fenced: ReadonlySet<string>;
  readonly disk: DiskBudget;
}

/** The name of the working directory in the root. */
const WORKING = GUEST_ROOT.slice(1);

/** @throws Error if two mounts are at the same path, or one's path is not absolute and plain */
export function branchesOf(mounts: readonly Mount[]): {
  root: Branch;
  places: readonly (readonly [Branch, Mount])[];
} {
  let inode = 0;
  const branch = (): Branch => ({ children: new Map(), inode: ++inode, mount: null, failure: null });
  const root = branch();
  const taken = new Set<Branch>();
  const places = mounts.map((mount) => {
    const names = mount.guest.split("/").slice(1);
    if (!mount.guest.startsWith("/") || names.some((name) => /^\.{0,2}$/.test(name)))
      throw new Error(`a mount's path in the guest has to be absolute and plain, not ${mount.guest}`);
    let at = root;
    for (const name of names) {
      const next = at.children.get(name) ?? branch();
      at.children.set(name, next);
      at = next;
    }
    if (taken.has(at)) throw new Error(`there are two mounts at ${mount.guest}`);
    taken.add(at);
    return [at, mount] as const;
  });
  // A program is in its working directory, also where nothing is mounted.
  if (!root.children.has(WORKING)) root.children.set(WORKING, branch());
  return { root, places };
}

/** Opens the roots. One that can't be is not there for the guest: whatever is asked of it fails with that error. */
export async function openWorld(
  mounts: readonly Mount[],
  groundOf: (host: string) => Ground,
  disk: DiskBudget,
): Promise<World> {
  const { root, places } = branchesOf(mounts);
  const opened: OpenMount[] = [];
  const fenced = new Set<string>();
  for (const [branch, { host, writable }] of places) {
    const ground = groundOf(host);
    try {
      const mount = { ground, root: await ground.root(host), writable, disk };
      branch.mount = mount;
      opened.push(mount);
      if (!writable) fenced.add(await identityOf(mount, mount.root));
    } catch (error) {
      // A symlink on the way is ENOTDIR for the system.
      const code = codeOf(error) ?? "EIO";
      branch.failure = code === "ENOTDIR" || code === "ELOOP" ? "EACCES" : code;
    }
  }
  return { root, mounts: opened, held: opened.every(({ ground }) => ground.holds), fenced, disk };
}

export function closeWorld(world: World): void {
  for (const { root } of world.mounts) release(root);
}

export const statOfFolder = (
  { ground: { calls } }: OpenMount,
  { fd, path }: Folder,
): Eventually<BigIntStats> => (fd === null ? calls.lstat(path) : calls.fstat(fd));

export const identityOf = async (mount: OpenMount, folder: Folder): Promise<string> =>
  identity(await statOfFolder(mount, folder));

/**
 * Whether the root of a read-only mount is this folder or below it, so that moving the folder would move what has to stay
 * as it is. Folders are compared by what they are, not by their names: bind mounts and mounts in one another change nothing.
 */
export async function holdsFenced(world: World, folder: string): Promise<boolean> {
  if (world.fenced.has(folder)) return true;
  for (const mount of world.mounts) {
    if (mount.writable) continue;
    for await (const stat of mount.ground.above(mount.root)) if (identity(stat) === folder) return true;
  }
  return false;
}
