import { DEVICE } from "../attributes.ts";
import { type DirectoryNode, FIXED_TIMES } from "../nodes.ts";

/** Where a folder of the host's stands in the guest's tree. */
export interface MountPoint {
  /** Absolute. */
  readonly path: string;
  /** What it is in: where `..` leads. */
  readonly parent: DirectoryNode;
}

/** A path at or below a mount. What is there, only the host knows. */
export interface MountedNode {
  readonly kind: "mounted";
  readonly top: MountPoint;
  /** Absolute. `.`, `..` and a slash at its end are left in: what they mean depends on what is there. */
  readonly path: string;
  /** How many names it is below its mount, `..` counted against them. */
  readonly depth: number;
  readonly scratch: null;
  readonly device: bigint;
  readonly inode: bigint;
  readonly times: typeof FIXED_TIMES;
}

/** The mount itself, as an entry of `parent`. */
export const mountPoint = (parent: DirectoryNode, path: string, inode: bigint): MountedNode =>
  below({ path, parent }, path, 0, inode);

/**
 * The node that names lead to from another one, or, where `..` leads out of the mount, which of the names is the first
 * behind that.
 */
export function descend(from: MountedNode, names: readonly string[], slash: boolean): MountedNode | number {
  let { depth } = from;
  for (const [i, name] of names.entries()) {
    if (name === "..") depth--;
    else if (name !== ".") depth++;
    if (depth < 0) return i + 1;
  }
  const path = [from.path, ...names].join("/").replace(/\/+/g, "/");
  return below(from.top, slash && !path.endsWith("/") ? `${path}/` : path, depth, from.inode);
}

const below = (top: MountPoint, path: string, depth: number, inode: bigint): MountedNode => ({
  kind: "mounted",
  top,
  path,
  depth,
  scratch: null,
  device: DEVICE.root,
  inode,
  times: FIXED_TIMES,
});
