import { NAME_BYTES } from "../../files.ts";
import { descend, type MountedNode } from "./mounted/node.ts";
import type { DirectoryNode, LocalNode, Node } from "./nodes.ts";
import { refusal } from "./refusal.ts";
import type { ScratchDirectory } from "./scratch.ts";

const encoder = new TextEncoder();

/** Counts what a call does, name by name. */
export interface Cost {
  steps: number;
}

/** Where a path leads. */
export type Place = LocalPlace | MountedNode;

export interface LocalPlace {
  readonly kind: "local";
  /** What is there; null: nothing, but `name` could be made in `parent`. */
  readonly node: LocalNode | null;
  readonly parent: DirectoryNode;
  /** Null where a path ends in "." or "..", or is the root: nothing that could be made, moved or removed by it. */
  readonly name: string | null;
  /** The path ended in a slash: only a directory will do. */
  readonly slash: boolean;
}

/**
 * Follows a path from a directory, name by name, up to where a mount takes over. There are no links before that. `..` in
 * the root stays there.
 */
export function follow(
  root: DirectoryNode,
  from: DirectoryNode | MountedNode,
  path: string,
  cost: Cost,
): Place {
  if (path === "") throw refusal("NOENT");
  if (path.startsWith("/")) throw refusal("NOTCAPABLE");
  const slash = path.endsWith("/");
  const names = path.split("/").filter(isName);
  let node: Node = from;
  let parent = from.kind === "mounted" ? from.top.parent : from;
  let last: string | null = null;
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    cost.steps++;
    if (node.kind === "mounted") {
      const behind = descend(node, names.slice(i), slash);
      if (typeof behind !== "number") return behind;
      node = node.top.parent;
      parent = node;
      last = null;
      i += behind - 1;
      continue;
    }
    parent = enter(node);
    if (name === "." || name === "..") {
      node = name === "." ? parent : above(root, parent);
      last = null;
      continue;
    }
    if (isTooLong(name)) throw refusal("NAMETOOLONG");
    const child = parent.entries.get(name);
    if (child === undefined) {
      if (parent.passage) throw refusal("NOTDIR");
      if (i < names.length - 1) throw refusal("NOENT");
      return { kind: "local", node: null, parent, name, slash };
    }
    node = child;
    last = name;
  }
  if (node.kind === "mounted") return node;
  if (node.kind === "directory" ? node.passage : slash) throw refusal("NOTDIR");
  return { kind: "local", node, parent, name: last, slash };
}

const isName = (name: string): boolean => name !== "";

/** The directory a path goes on in. */
function enter(node: LocalNode): DirectoryNode {
  if (node.kind === "directory") return node;
  if (node.kind === "file" && node.inside !== null) return node.inside;
  throw refusal("NOTDIR");
}

function above(root: DirectoryNode, directory: DirectoryNode): DirectoryNode {
  if (isGone(directory)) throw refusal("NOENT");
  return directory.parent ?? root;
}

const isTooLong = (name: string): boolean =>
  name.length > NAME_BYTES || (name.length * 3 > NAME_BYTES && encoder.encode(name).length > NAME_BYTES);

/** Whether it is a directory that was removed while somebody had it open. */
const isGone = (directory: DirectoryNode): boolean =>
  directory.scratch !== null && !(directory as ScratchDirectory).linked;

/** The directory to make something in. */
export function writable(directory: DirectoryNode): ScratchDirectory {
  if (directory.scratch === null) throw refusal("ROFS");
  if (isGone(directory)) throw refusal("NOENT");
  return directory as ScratchDirectory;
}

/** Whether `directory` is `ancestor` or below it. */
export function isWithin(directory: DirectoryNode, ancestor: Node, cost: Cost): boolean {
  for (let at: DirectoryNode | null = directory; at !== null; at = at.parent) {
    cost.steps++;
    if (at === ancestor) return true;
  }
  return false;
}
