import { type BigIntStats, type Dir, type Dirent, lstatSync, opendirSync } from "node:fs";
import { join } from "node:path";
import { LIMITS } from "@capsule-run/protocol";
import type { WorkspaceFile } from "./api.ts";

/** What a workspace's files were, to see later which were written. */
interface Scan {
  /** By path: what changes when a file is written. */
  readonly files: ReadonlyMap<string, { readonly size: number; readonly mark: string }>;
  /** Whether there were more than can be told apart. */
  readonly cut: boolean;
}

const EMPTY: Scan = { files: new Map(), cut: false };

/** Entries that are looked at before others get their turn. */
const BATCH = 200;
/** Entries that are looked at altogether, folders included. */
const MOST = 10 * LIMITS.workspaceFiles;

/** Looks at all files below a folder. Only while no sandbox writes to it. Follows no symlink, and takes none for a file. */
export async function scan(folder: string): Promise<Scan> {
  const files = new Map<string, { size: number; mark: string }>();
  const todo = [""];
  let looked = 0;
  for (let at = todo.pop(); at !== undefined; at = todo.pop())
    for (const entry of namesIn(join(folder, at))) {
      if (++looked > MOST) return { files, cut: true };
      if (looked % BATCH === 0) await new Promise((resolve) => setImmediate(resolve));
      const path = at === "" ? entry.name : `${at}/${entry.name}`;
      if (entry.isDirectory()) todo.push(path);
      if (!entry.isFile()) continue;
      if (files.size >= LIMITS.workspaceFiles) return { files, cut: true };
      const stat = statOf(join(folder, path));
      if (stat?.isFile()) files.set(path, { size: Number(stat.size), mark: markOf(stat) });
    }
  return { files, cut: false };
}

/** What a call has written. */
interface Written {
  readonly files: readonly WorkspaceFile[];
  /** Whether there were more files than could be looked at. */
  readonly filesCut: boolean;
}

/** Finds what a call writes, without a look at any file if the call has none. */
export interface Watch {
  /** Before the call touches the first. */
  begin(): Promise<void>;
  /** When it is over. */
  end(): Promise<Written>;
}

/** @param isEmpty whether there are no files yet */
export function watch(folder: string, isEmpty = false): Watch {
  let before: Scan | null = null;
  return {
    async begin() {
      before = isEmpty ? EMPTY : await scan(folder);
    },
    async end() {
      if (!before) return { files: [], filesCut: false };
      const after = await scan(folder);
      return { files: written(before, after), filesCut: before.cut || after.cut };
    },
  };
}

/** Files that are new or were written since. */
export function written(before: Scan, after: Scan): WorkspaceFile[] {
  const found: WorkspaceFile[] = [];
  for (const [path, { size, mark }] of after.files)
    if (before.files.get(path)?.mark !== mark) found.push({ path, size });
  return found.sort(byPath);
}

/** For `sort`. */
export const byPath = (a: WorkspaceFile, b: WorkspaceFile): number => (a.path < b.path ? -1 : 1);

const markOf = ({ ino, size, mtimeNs, ctimeNs }: BigIntStats): string =>
  `${ino} ${size} ${mtimeNs} ${ctimeNs}`;

/** Few at a time: a folder may hold a million. What was removed in the meantime is not there. */
function* namesIn(folder: string): Generator<Dirent> {
  let opened: Dir;
  try {
    opened = opendirSync(folder, { bufferSize: BATCH });
  } catch {
    return;
  }
  try {
    for (let entry = opened.readSync(); entry !== null; entry = opened.readSync()) yield entry;
  } finally {
    opened.closeSync();
  }
}

function statOf(path: string): BigIntStats | null {
  try {
    return lstatSync(path, { bigint: true });
  } catch {
    return null;
  }
}
