import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

/** Artifacts that are kept: the ones that were used last. */
const KEPT = 200;
const KEPT_INDEX = 1000;
/** Bytes of artifacts that are kept; one can have 320 MB, most have less than one. */
const KEPT_BYTES = 4 * 1024 ** 3;
const HOUR = 60 * 60 * 1000;

/** Deletes what is old when there is too much of it. Two folders are listed, and a question asked of each file. */
export function prune(dir: string, kept = { programs: KEPT, index: KEPT_INDEX, bytes: KEPT_BYTES }): void {
  const { programs, index, bytes } = kept;
  const parts = (path: string): string[] => [path, path.replace(/\.capsule$/, ".map")];
  pruneFolder(join(dir, "programs"), ".capsule", { files: programs, bytes }, parts);
  pruneFolder(join(dir, "index"), ".json", { files: index, bytes }, (path) => [path]);
}

function pruneFolder(
  folder: string,
  extension: string,
  kept: { readonly files: number; readonly bytes: number },
  parts: (path: string) => string[],
): void {
  try {
    const names = readdirSync(folder);
    for (const name of names)
      if (name.endsWith(".tmp") && about(join(folder, name)).age > HOUR)
        rmSync(join(folder, name), { force: true });
    const youngestFirst = names
      .filter((name) => name.endsWith(extension))
      .map((name) => about(join(folder, name)))
      .sort((a, b) => a.age - b.age);
    let [files, bytes] = [0, 0];
    for (const { path, size } of youngestFirst) {
      bytes += size;
      if (++files > kept.files || (bytes > kept.bytes && files > 1))
        for (const part of parts(path)) rmSync(part, { force: true });
    }
  } catch {
    // Another process is at it, or the folder is gone: nothing that has to be done now.
  }
}

/** A file's age in ms, below 0 if its time is in the future; and its bytes. */
function about(path: string): { readonly path: string; readonly age: number; readonly size: number } {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat
    ? { path, age: Date.now() - stat.mtimeMs, size: stat.isFile() ? stat.size : 0 }
    : { path, age: 0, size: 0 };
}
