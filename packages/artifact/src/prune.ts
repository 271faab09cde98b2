import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

/** Artifacts that are kept: the ones that were used last. */
const KEPT = 200;
const KEPT_INDEX = 1000;
const HOUR = 60 * 60 * 1000;

/** Deletes what is old when there is too much of it. Cheap while there is not: two folders are listed. */
export function prune(dir: string, kept = { programs: KEPT, index: KEPT_INDEX }): void {
  pruneFolder(join(dir, "programs"), ".capsule", kept.programs, (path) => [
    path,
    path.replace(/\.capsule$/, ".map"),
  ]);
  pruneFolder(join(dir, "index"), ".json", kept.index, (path) => [path]);
}

function pruneFolder(
  folder: string,
  extension: string,
  kept: number,
  parts: (path: string) => string[],
): void {
  try {
    const names = readdirSync(folder);
    for (const name of names)
      if (name.endsWith(".tmp") && age(join(folder, name)) > HOUR)
        rmSync(join(folder, name), { force: true });
    const whole = names.filter((name) => name.endsWith(extension)).map((name) => join(folder, name));
    if (whole.length <= kept) return;
    const oldestFirst = whole.map((path) => ({ path, age: age(path) })).sort((a, b) => b.age - a.age);
    for (const { path } of oldestFirst.slice(0, whole.length - kept))
      for (const part of parts(path)) rmSync(part, { force: true });
  } catch {
    // Another process is at it, or the folder is gone: nothing that has to be done now.
  }
}

function age(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat ? Date.now() - stat.mtimeMs : 0;
}
