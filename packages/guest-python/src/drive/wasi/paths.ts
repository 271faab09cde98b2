import { NAME_BYTES } from "../../files.ts";
import type { DirectoryNode, Node } from "./nodes.ts";
import { refusal } from "./refusal.ts";
import type { ScratchDirectory } from "./scratch.ts";

const encoder = new TextEncoder();

/** Counts what a call does, name by name. */
export interface Cost {
  steps: number;
}

/** Where a path leads. */
export interface Place {
  /** What is there; null: nothing, but `name` could be made in `parent`. */
  readonly node: Node | null;
  readonly parent: DirectoryNode;
  /** Null where a path ends in "." or "..", or is the root: nothing that could be made, moved or removed by it. */
  readonly name: string | null;
  /** The path ended in a slash: only a directory will do. */
  readonly slash: boolean;
}

/**
 * Follows a path from a directory, name by name. There are no links. `..` in the root stays there.
 */
export function follow(root: DirectoryNode, from: DirectoryNode, path: string, cost: Cost): Place {
  if (path === "") throw refusal("NOENT");
  if (path.startsWith("/")) throw refusal("NOTCAPABLE");
  const slash = path.endsWith("/");
  const names = path.split("/").filter(isName);
  let node: Node = from;
  let parent = from;
  let last: string | null = null;
  for (const [i, name] of names.entries()) {
    cost.steps++;
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
      return { node: null, parent, name, slash };
    }
    node = child;
    last = name;
  }
  if (node.kind === "directory" ? node.passage : slash) throw refusal("NOTDIR");
  return { node, parent, name: last, slash };
}

const isName = (name: string): boolean => name !== "";

/** The directory a path goes on in. */
function enter(node: Node): DirectoryNode {
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
