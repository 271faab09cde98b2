/** Operations on folders. */
import { kit } from "capsule:kit";
import type { FileStat } from "@capsule-run/protocol";
import { ask, type Doing } from "./ask.ts";
import { failed, systemError } from "./errors.ts";
import { below, type Encoded, MEMORY, nameIn, placeOf } from "./paths.ts";
import { Dirent } from "./stats.ts";
import { copyFile, optionsOf, unlink } from "./whole.ts";

type Kind = FileStat["kind"];
type Listed = readonly [name: string, kind: Kind];

function* unsorted(path: unknown, syscall: string): Doing<Listed[]> {
  const { given, path: at, inMemory } = placeOf(path);
  const { payload } = yield* ask("file.list", { path: at }, { syscall, path: given }, { inMemory });
  const list = JSON.parse(kit.decode(payload, "utf8")) as Listed[];
  const memory = MEMORY.slice(1);
  if (at === "/" && !list.some(([name]) => name === memory)) list.push([memory, "directory"]);
  return list;
}

// What follows is written for folders of 100,000 files: iterators and comparing functions would cost an interpreter seconds.

/** The names in a folder, sorted as Node's are. */
function* names(path: unknown): Doing<string[]> {
  const list: (Listed | string)[] = yield* unsorted(path, "scandir");
  for (let i = 0; i < list.length; i++) list[i] = (list[i] as Listed)[0];
  return list.sort() as string[];
}

/** What is in a folder, sorted by name. */
export function* listed(path: unknown, syscall = "scandir"): Doing<readonly Listed[]> {
  const list = yield* unsorted(path, syscall);
  const byName = new Map<string, Listed>();
  const sorted: string[] = [];
  for (let i = 0; i < list.length; i++) {
    const entry = list[i] as Listed;
    sorted[i] = entry[0];
    byName.set(entry[0], entry);
  }
  sorted.sort();
  for (let i = 0; i < sorted.length; i++) list[i] = byName.get(sorted[i] as string) as Listed;
  return list;
}

interface ReadOptions extends Encoded {
  readonly withFileTypes?: boolean;
  readonly recursive?: boolean;
}

export function* readdir(path: unknown, given?: unknown): Doing<unknown[]> {
  const { encoding, withFileTypes, recursive } = optionsOf<ReadOptions>(given);
  if (!withFileTypes && !recursive && encoding !== "buffer") return yield* names(path);
  const root = placeOf(path).given;
  const found: unknown[] = [];
  const folders = [""];
  for (let at = 0; at < folders.length; at++) {
    const folder = folders[at] as string;
    const parent = folder === "" ? root : below(root, folder);
    const list = yield* listed(folder === "" ? path : parent);
    for (let i = 0; i < list.length; i++) {
      const entry = list[i] as Listed;
      const name = entry[0];
      const relative = folder === "" ? name : `${folder}/${name}`;
      found.push(
        withFileTypes ? new Dirent(nameIn(name, encoding), parent, entry[1]) : nameIn(relative, encoding),
      );
      if (recursive && entry[1] === "directory") folders.push(relative);
    }
  }
  return found;
}

function* kindOf(path: string): Doing<Kind> {
  const { given, path: at, inMemory } = placeOf(path);
  const { head } = yield* ask(
    "file.stat",
    { path: at, follow: true },
    { syscall: "stat", path: given },
    { inMemory },
  );
  return head.kind;
}

const parentOf = (path: string): string => path.replace(/\/+$/, "").replace(/\/+[^/]*$/, "") || "/";

function* mkdirOnce(path: string): Doing<void> {
  const { given, path: at, inMemory } = placeOf(path);
  yield* ask("file.mkdir", { path: at }, { syscall: "mkdir", path: given }, { inMemory });
}

/** Gives the first folder that was made, if `recursive`. */
export function* mkdir(path: unknown, given?: unknown): Doing<string | undefined> {
  const recursive =
    typeof given === "object" && (given as { recursive?: boolean } | null)?.recursive === true;
  const place = placeOf(path);
  if (!recursive) {
    yield* mkdirOnce(place.given);
    return undefined;
  }
  const missing: string[] = [];
  let at = place.path;
  for (;;) {
    try {
      yield* mkdirOnce(at);
      break;
    } catch (error) {
      const { code } = error as { code?: string };
      if (code === "ENOENT" && at !== "/") {
        missing.push(at);
        at = parentOf(at);
        continue;
      }
      if (yield* isFolder(at)) {
        at = "";
        break;
      }
      const about = { syscall: "mkdir", path: place.given };
      throw code === "EEXIST" && missing.length > 0
        ? systemError("ENOTDIR", about)
        : systemError(code ?? "EIO", about);
    }
  }
  let first = at;
  for (const each of missing.reverse()) {
    yield* mkdirOnce(each);
    first ||= each;
  }
  return first || undefined;
}

function* isFolder(path: string): Doing<boolean> {
  try {
    return (yield* kindOf(path)) === "directory";
  } catch {
    return false;
  }
}

export function* rmdir(path: unknown): Doing<void> {
  const { given, path: at, inMemory } = placeOf(path);
  yield* ask("file.rmdir", { path: at }, { syscall: "rmdir", path: given }, { inMemory });
}

interface RemoveOptions {
  readonly force?: boolean;
  readonly recursive?: boolean;
}

export function* rm(path: unknown, given?: unknown): Doing<void> {
  const { force, recursive } = optionsOf<RemoveOptions>(given);
  const { given: shown, path: at, inMemory } = placeOf(path);
  let kind: Kind;
  try {
    const about = { syscall: "lstat", path: shown };
    ({ kind } = (yield* ask("file.stat", { path: at, follow: false }, about, { inMemory })).head);
  } catch (error) {
    if (force && (error as { code: string }).code === "ENOENT") return;
    throw error;
  }
  if (kind !== "directory") yield* unlink(path);
  else if (recursive) yield* removeTree(shown);
  else
    throw Object.assign(
      failed("ERR_FS_EISDIR", `Path is a directory: rm returned EISDIR (is a directory) ${shown}`),
      {
        name: "SystemError",
        errno: 21,
        syscall: "rm",
        path: shown,
      },
    );
}

/** Depth first, with a list instead of the stack. */
function* removeTree(root: string): Doing<void> {
  const folders = [root];
  for (let i = 0; i < folders.length; i++) {
    const folder = folders[i] as string;
    for (const [name, kind] of yield* listed(folder)) {
      const path = below(folder, name);
      if (kind === "directory") folders.push(path);
      else yield* unlink(path);
    }
  }
  for (const folder of folders.reverse()) yield* rmdir(folder);
}

interface CopyOptions {
  readonly recursive?: boolean;
  readonly force?: boolean;
  readonly errorOnExist?: boolean;
  readonly filter?: (from: string, to: string) => unknown;
}

export function* cp(from: unknown, to: unknown, options: CopyOptions = {}): Doing<void> {
  const pairs: (readonly [string, string])[] = [[placeOf(from, "src").given, placeOf(to, "dest").given]];
  for (let i = 0; i < pairs.length; i++) {
    const [source, target] = pairs[i] as readonly [string, string];
    if (options.filter && !options.filter(source, target)) continue;
    if (placeOf(source).path === placeOf(target).path)
      throw failed("ERR_FS_CP_EINVAL", `src and dest cannot be the same ${source}`);
    if ((yield* kindOf(source)) === "directory") {
      if (!options.recursive)
        throw failed(
          "ERR_FS_EISDIR",
          `Recursive option not enabled, cannot copy a directory: cp ${source} (is a directory)`,
        );
      if (`${placeOf(target).path}/`.startsWith(`${placeOf(source).path}/`))
        throw failed("ERR_FS_CP_EINVAL", `cannot copy ${source} to a subdirectory of self ${target}`);
      yield* mkdir(target, { recursive: true });
      for (const [name] of yield* listed(source)) pairs.push([below(source, name), below(target, name)]);
    } else if (options.force !== false) yield* copyFile(source, target);
    else if (!(yield* isThere(target))) yield* copyFile(source, target);
    else if (options.errorOnExist)
      throw failed("ERR_FS_CP_EEXIST", `Target already exists: cp ${target} (file already exists)`);
  }
}

function* isThere(path: string): Doing<boolean> {
  try {
    yield* kindOf(path);
    return true;
  } catch {
    return false;
  }
}

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

export function* mkdtemp(prefix: unknown, given?: unknown): Doing<unknown> {
  const { given: start } = placeOf(prefix, "prefix");
  for (let tries = 0; ; tries++) {
    let path = start;
    for (let i = 0; i < 6; i++) path += LETTERS[Math.floor(Math.random() * LETTERS.length)];
    try {
      const { path: at, inMemory } = placeOf(path);
      yield* ask("file.mkdir", { path: at }, { syscall: "mkdtemp", path: `${start}XXXXXX` }, { inMemory });
      return nameIn(path, optionsOf(given).encoding);
    } catch (error) {
      if ((error as { code: string }).code !== "EEXIST" || tries > 100) throw error;
    }
  }
}
