import { createReadStream, type Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { grouped, LIMITS, pathInside, UsageError } from "@capsule-run/protocol";
import type { Workspace, WorkspaceFile } from "./api.ts";
import { openWorkspaceFiles, type WorkspaceFiles } from "./files.ts";
import type { Place } from "./place.ts";
import { hostPath, problem, reasonOf } from "./problem.ts";
import { byPath } from "./scan.ts";
import { takeOut } from "./take-out.ts";

/** Files and folders that are looked at to list the files among them. */
const MOST_ENTRIES = 10 * LIMITS.workspaceFiles;

/** Folders in each other. The way to each is gone name by name, so that many of them would take the square of their number. */
const DEEPEST = 50;

/** A path in the workspace; `""` is the workspace itself. @throws UsageError */
function inside(name: unknown, what = "a file's name"): string {
  const path = typeof name === "string" && name.isWellFormed() ? pathInside(name) : null;
  if (path === null)
    throw problem(
      `${JSON.stringify(name)} can't be ${what} in the workspace: it has to be relative to it, and not to lead out of it`,
    );
  if (path.split("/").length > DEEPEST) throw problem(`a path in the workspace has at most ${DEEPEST} names`);
  return path === "." ? "" : path;
}

/** The same, of something in it. */
function entry(name: unknown): string {
  const path = inside(name);
  if (path === "") throw problem("the workspace itself is no file in it");
  return path;
}

/** The operations on the workspace of a place, for the host. */
export function workspaceAt({ workspace: folder, disk }: Pick<Place, "workspace" | "disk">): Workspace {
  /** Opened for one operation, so that nothing stays open. */
  const using = async <T>(use: (files: WorkspaceFiles) => Promise<T>): Promise<T> => {
    const files = await openWorkspaceFiles(folder, disk);
    try {
      return await use(files);
    } finally {
      await files.close();
    }
  };
  return {
    folder,
    writeFile: async (name, data) => {
      const path = entry(name);
      const bytes = typeof data === "string" ? Buffer.from(data) : data;
      if (!(bytes instanceof Uint8Array))
        throw problem(`what workspace/${path} shall hold is no text and no bytes`);
      return using(async (files) => {
        await makeFolders(files, path);
        return { path, size: await files.write(path, [bytes]) };
      });
    },
    readFile: async (name, most = LIMITS.workspaceReadBytes) => {
      const path = entry(name);
      return using(async (files) => {
        const allowed = Math.min(most, LIMITS.workspaceReadBytes);
        const take = (bytes: number, room: number): number => {
          if (bytes <= room) return room - bytes;
          throw problem(
            `workspace/${path} has more than the ${grouped(allowed)} bytes that can be read at once`,
          );
        };
        const about = await files.stat(path);
        if (about === null) throw problem(`there is no workspace/${path}`);
        take(about.size, allowed);
        // Code may write to it meanwhile.
        let room = allowed;
        const pieces: Uint8Array[] = [];
        for await (const piece of files.read(path)) {
          room = take(piece.length, room);
          pieces.push(piece);
        }
        return new Uint8Array(Buffer.concat(pieces));
      });
    },
    deleteFile: async (name) => {
      const path = entry(name);
      await using((files) => remove(files, path));
    },
    listFiles: async (folderName = "") => {
      const path = folderName === "" ? "" : inside(folderName, "a folder's name");
      return using(async (files) => {
        if (path !== "" && (await files.stat(path)) === null) throw problem(`there is no workspace/${path}`);
        return list(files, path);
      });
    },
    importFile: async (given, name) => {
      const from = hostPath(given);
      const path = entry(name ?? basename(from));
      return using(async (files) => (await takeIn(files, from, path)).sort(byPath));
    },
    exportFile: async (name, given) => {
      const [path, to] = [entry(name), hostPath(given)];
      await using((files) => takeOut(files, path, to));
    },
  };
}

/** Makes the folders that a path is in. */
async function makeFolders(files: WorkspaceFiles, path: string): Promise<void> {
  const names = path.split("/");
  for (let i = 1; i < names.length; i++) await makeFolder(files, names.slice(0, i).join("/"));
}

async function makeFolder(files: WorkspaceFiles, path: string): Promise<void> {
  const found = await files.stat(path);
  if (found === null) await files.makeFolder(path);
  else if (found.kind !== "directory") throw problem(`workspace/${path} is there, and no folder`);
}

async function remove(files: WorkspaceFiles, path: string): Promise<void> {
  const found = await files.stat(path);
  if (found === null) throw problem(`there is no workspace/${path}`);
  if (found.kind !== "directory") return files.removeFile(path);
  // Folders first: what is in them goes before they do.
  const folders = [path];
  for (const folder of folders)
    for (const [name, kind] of await files.list(folder))
      if (kind === "directory") folders.push(`${folder}/${name}`);
      else await files.removeFile(`${folder}/${name}`);
  for (const folder of folders.reverse()) await files.removeFolder(folder);
}

async function list(files: WorkspaceFiles, path: string): Promise<WorkspaceFile[]> {
  const found: WorkspaceFile[] = [];
  const todo = [path];
  let looked = 0;
  const tooMany = (what: string): UsageError => problem(`workspace/${path} holds more than ${what}`);
  for (const folder of todo)
    for (const [name, kind] of await files.list(folder)) {
      if (++looked > MOST_ENTRIES) throw tooMany(`${grouped(MOST_ENTRIES)} files and folders`);
      const inner = folder === "" ? name : `${folder}/${name}`;
      if (kind === "directory") {
        if (folder.split("/").length >= DEEPEST) throw tooMany(`${DEEPEST} folders in each other`);
        todo.push(inner);
      }
      const about = kind === "file" ? await files.stat(inner) : null;
      if (about === null) continue;
      if (found.length >= LIMITS.workspaceFiles) throw tooMany(`${grouped(LIMITS.workspaceFiles)} files`);
      found.push({ path: inner, size: about.size });
    }
  return found.sort(byPath);
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (cause) {
    throw problem(`${folder} can't be imported: ${reasonOf(cause)}`, cause);
  }
}

/**
 * Copies from the host. A symlink that the caller names is followed; those in a folder are left out, and so is what no
 * sandbox may have, such as `.env`.
 */
async function takeIn(files: WorkspaceFiles, from: string, path: string): Promise<WorkspaceFile[]> {
  const about = await stat(from).catch((cause: unknown) => {
    throw problem(`there is no ${from} to import`, cause);
  });
  await makeFolders(files, path);
  const copied: WorkspaceFile[] = [];
  const copy = async (source: string, to: string): Promise<void> => {
    if (copied.length >= LIMITS.workspaceFiles)
      throw problem(`${from} holds more than ${grouped(LIMITS.workspaceFiles)} files`);
    try {
      copied.push({ path: to, size: await files.write(to, createReadStream(source)) });
    } catch (cause) {
      if (cause instanceof UsageError) throw cause;
      throw problem(`${source} can't be imported: ${reasonOf(cause)}`, cause);
    }
  };
  if (about.isFile()) await copy(from, path);
  else if (!about.isDirectory()) throw problem(`${from} is no file and no folder`);
  else {
    await makeFolder(files, path);
    const todo: (readonly [inner: string, to: string])[] = [["", path]];
    for (const [inner, to] of todo)
      for (const each of await entriesOf(join(from, inner))) {
        if (files.isKept(each.name)) continue;
        const [source, target] = [join(inner, each.name), `${to}/${each.name}`];
        if (each.isDirectory()) {
          await makeFolder(files, target);
          todo.push([source, target]);
        } else if (each.isFile()) await copy(join(from, source), target);
      }
  }
  return copied;
}
