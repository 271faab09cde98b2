/** Copies from a workspace to folders of the host. What code wrote there is hostile in its names and its number. */
import { constants } from "node:fs";
import { lstat, mkdir, open, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { UsageError } from "@capsule-run/protocol";
import type { WorkspaceFile } from "./api.ts";
import { openWorkspaceFiles, type WorkspaceFiles } from "./files.ts";
import type { Place } from "./place.ts";
import { codeOf, hostPath, problem, reasonOf } from "./problem.ts";

/**
 * Copies a file or a folder. A file keeps its name in a folder that is there; a symlink is written through if it is
 * the one that the caller named, and never below it.
 * @param to absolute
 * @throws UsageError `workspace`, as all below
 */
export async function takeOut(files: WorkspaceFiles, path: string, to: string): Promise<void> {
  const found = await files.stat(path);
  if (found === null) throw problem(`there is no workspace/${path}`);
  const there = await stat(to).catch(() => null);
  const target = there?.isDirectory() ? join(to, basename(path)) : to;
  if (found.kind === "file") {
    await makeFolders(dirname(target));
    return write(files, path, target, 0);
  }
  if (found.kind !== "directory") throw problem(`workspace/${path} is no file and no folder`);
  await makeFolders(dirname(target));
  const todo: (readonly [folder: string, place: string])[] = [[path, target]];
  for (const [folder, place] of todo) {
    await makeFolder(place);
    for (const [name, kind] of await files.list(folder))
      if (kind === "directory") todo.push([`${folder}/${name}`, join(place, name)]);
      else if (kind === "file") await writeNew(files, `${folder}/${name}`, join(place, name));
  }
}

/**
 * A folder that files will be copied into. It need not be there yet.
 * @returns its absolute path
 */
export async function targetOf(given: unknown): Promise<string> {
  const folder = hostPath(given);
  const there = await stat(folder).catch(() => null);
  if (there && !there.isDirectory())
    throw problem(`${folder} is no folder, so nothing can be exported to it`);
  return folder;
}

/**
 * Copies files under their own paths into a folder, which is made if there is something to copy. Nothing is written
 * through symlinks in it; other files that are there are written over.
 * @param folder absolute; it may be a symlink itself
 */
export async function exportWritten(
  { workspace, disk }: Pick<Place, "workspace" | "disk">,
  written: readonly WorkspaceFile[],
  folder: string,
): Promise<void> {
  if (written.length === 0) return;
  await makeFolders(folder);
  const files = await openWorkspaceFiles(workspace, disk);
  const made = new Set<string>();
  try {
    for (const { path } of written) {
      const names = path.split("/");
      for (let i = 1; i < names.length; i++) {
        const inner = join(folder, ...names.slice(0, i));
        if (!made.has(inner)) await makeFolder(inner);
        made.add(inner);
      }
      await writeNew(files, path, join(folder, ...names));
    }
  } finally {
    await files.close();
  }
}

/** A folder, and those that it is in. Node's own way of it never ends where a folder can be seen and nothing made, as `/proc`. */
async function makeFolders(folder: string): Promise<void> {
  const missing: string[] = [];
  for (let at = folder; !(await stat(at).catch(() => null)) && at !== dirname(at); at = dirname(at))
    missing.push(at);
  for (const place of missing.reverse()) await makeFolder(place);
}

/** One folder, in one that is there. */
async function makeFolder(place: string): Promise<void> {
  try {
    await mkdir(place);
  } catch (cause) {
    if (codeOf(cause) !== "EEXIST")
      throw problem(`the folder ${place} can't be made: ${reasonOf(cause)}`, cause);
    const there = await lstat(place);
    if (there.isSymbolicLink()) throw problem(`${place} is a symlink, and not written through`, cause);
    if (!there.isDirectory()) throw problem(`${place} is there, and no folder`, cause);
  }
}

/** Writes a file where there is none, or a plain one: opening a FIFO or a device may do anything. */
async function writeNew(files: WorkspaceFiles, path: string, target: string): Promise<void> {
  const there = await lstat(target).catch(() => null);
  if (there?.isSymbolicLink()) throw problem(`${target} is a symlink, and not written through`);
  if (there && !there.isFile()) throw problem(`${target} is there, and no file`);
  // Windows has no such flag.
  return write(files, path, target, constants.O_NOFOLLOW ?? 0);
}

async function write(files: WorkspaceFiles, path: string, target: string, flags: number): Promise<void> {
  try {
    await using file = await open(
      target,
      constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | flags,
      0o666,
    );
    for await (const piece of files.read(path)) await file.writeFile(piece);
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    throw problem(`workspace/${path} can't be written to ${target}: ${reasonOf(cause)}`, cause);
  }
}
