import { HIDDEN_FOLDER } from "../../door.ts";
import { PROGRAM_FOLDER, type ProgramFiles } from "../../files.ts";
import { DEVICE } from "./attributes.ts";
import { mountPoint } from "./mounted/node.ts";
import { type DirectoryNode, inMemory, type Node, type RandomAccess, TreeBuilder } from "./nodes.ts";
import { type Inflate, zipContent, zipEntries } from "./zip.ts";

/** Where the interpreter looks for its standard library. */
export const LIBRARY_PATH = "/usr/local/lib/python315.zip";

/** Read-only files, shared by all attempts that see them. */
export interface Tree {
  /** What it adds to the root. */
  readonly entries: ReadonlyMap<string, Node>;
}

/** Archives within the library that packages open as folders beside their code. */
const UNPACKED = [{ archive: "matplotlib/mpl-data.zip", folder: ["matplotlib", "mpl-data"] }] as const;

/** The engine's files: the standard library as one archive, and three devices. Made once for all instances. */
export function engineTree(library: RandomAccess, inflate: Inflate): Tree {
  const builder = new TreeBuilder(DEVICE.engine);
  addLibrary(builder, library, inflate);
  const devices = builder.folder(["dev"]).entries;
  devices.set("null", builder.special("null"));
  devices.set("random", builder.special("random"));
  devices.set("urandom", builder.special("random"));
  return builder.top;
}

/**
 * Adds the archive, which is read as the guest reads it, never as a whole.
 *
 * A package in it that opens its data by path (matplotlib does) finds a folder there, at a path through the archive: it is
 * made when the guest first gets to it. What is between is not to be seen: were the package's folder there, Python would
 * take it for a folder and not for a part of the archive.
 */
function addLibrary(builder: TreeBuilder, library: RandomAccess, inflate: Inflate): void {
  const names = LIBRARY_PATH.split("/").slice(1);
  const file = names.pop() as string;
  const parent = builder.folder(names);
  const inside = builder.directory(parent, { passage: true });
  for (const { archive, folder } of UNPACKED) {
    const last = folder[folder.length - 1] as string;
    let at = inside;
    for (const name of folder.slice(0, -1)) {
      const next = builder.directory(at, { passage: true });
      at.entries.set(name, next);
      at = next;
    }
    at.entries.set(
      last,
      unpacked(builder, at, () => innerArchive(library, archive, inflate)),
    );
  }
  parent.entries.set(file, builder.file(library, inside));
}

function innerArchive(library: RandomAccess, name: string, inflate: Inflate): Archive {
  const entry = zipEntries(library).find((each) => each.name === name);
  if (entry === undefined) return [];
  const archive = inMemory(zipContent(library, entry, inflate));
  return zipEntries(archive).map((inner) => [inner.name, zipContent(archive, inner, inflate)]);
}

type Archive = readonly (readonly [path: string, content: Uint8Array])[];

/** A directory whose content is made when it is first wanted. */
function unpacked(builder: TreeBuilder, parent: DirectoryNode, open: () => Archive): DirectoryNode {
  const directory = builder.directory(parent);
  const own = directory.entries;
  let filled = false;
  const lazy: DirectoryNode = {
    ...directory,
    get entries() {
      if (filled) return own;
      filled = true;
      for (const [path, content] of open()) {
        if (path.endsWith("/")) continue;
        const names = path.split("/");
        const file = names.pop() as string;
        builder.folder(names, lazy).entries.set(file, builder.file(inMemory(content)));
      }
      return own;
    },
  };
  return lazy;
}

const programs = new WeakMap<ProgramFiles, Tree>();

/** A program's files; made once for each `ProgramFiles`. */
export function programTree(program: ProgramFiles): Tree {
  const known = programs.get(program);
  if (known) return known;
  const builder = new TreeBuilder(DEVICE.program);
  for (const { path, bytes } of program.files) {
    const names = path.split("/").slice(1);
    const file = names.pop() as string;
    builder.folder(names).entries.set(file, builder.file(inMemory(bytes)));
  }
  programs.set(program, builder.top);
  return builder.top;
}

/** The newest tree with mounts of each program: the tasks of a run mostly see the same. */
const mountedTrees = new WeakMap<ProgramFiles, { readonly key: string; readonly tree: Tree }>();

/**
 * A program's files and mounts, which are in front: of a path at or below one, the program's files are not seen. All of
 * its folder is in `HIDDEN_FOLDER` too: what is imported has to be what was built, wherever it runs.
 *
 * @param mounts absolute paths, plain, each once
 */
export function mountedTree(program: ProgramFiles, mounts: readonly string[]): Tree {
  const key = JSON.stringify(mounts);
  const known = mountedTrees.get(program);
  if (known?.key === key) return known.tree;
  const tree = makeMountedTree(program, mounts);
  mountedTrees.set(program, { key, tree });
  return tree;
}

function makeMountedTree(program: ProgramFiles, mounts: readonly string[]): Tree {
  const builder = new TreeBuilder(DEVICE.program);
  const isBelow = (path: string, top: string): boolean => path === top || path.startsWith(`${top}/`);
  // What is in another mount, the host knows.
  const tops = mounts.filter((path) => !mounts.some((other) => other !== path && isBelow(path, other)));
  for (const [i, path] of tops.toSorted().entries()) {
    const names = path.split("/").slice(1);
    const last = names.pop() as string;
    const parent = builder.folder(names);
    parent.entries.set(last, mountPoint(parent, path, BigInt(i + 1) << 32n));
  }
  const add = (names: readonly string[], bytes: Uint8Array): void => {
    const file = names[names.length - 1] as string;
    builder.folder(names.slice(0, -1)).entries.set(file, builder.file(inMemory(bytes)));
  };
  for (const { path, bytes } of program.files) {
    const names = path.split("/").slice(1);
    if (!tops.some((top) => isBelow(path, top) || isBelow(top, path))) add(names, bytes);
    if (isBelow(path, PROGRAM_FOLDER)) add([HIDDEN_FOLDER, ...names], bytes);
  }
  return builder.top;
}

/** The root of an attempt: what its trees have, and `/tmp`. */
export function rootOf(trees: readonly Tree[], scratch: DirectoryNode): DirectoryNode {
  const { top } = new TreeBuilder(DEVICE.root);
  for (const { entries } of trees) for (const [name, node] of entries) top.entries.set(name, node);
  top.entries.set("tmp", scratch);
  return top;
}
