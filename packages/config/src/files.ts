import type { FileGrant, FileMode } from "@capsule-run/protocol";

/** Whether one folder is the other, or lies in it. Both are relative to one root, as `pathInside` gives them. */
export const isWithin = (path: string, folder: string): boolean =>
  folder === "." || path === folder || path.startsWith(`${folder}/`);

export const weaker = (a: FileMode, b: FileMode): FileMode =>
  a === "read-only" || b === "read-only" ? "read-only" : "read-write";

/**
 * What grants say of a folder: the nearest one at or above it counts, and of several for the same folder the weaker; null
 * if there is none.
 */
export function modeAt(grants: readonly FileGrant[], path: string): FileMode | null {
  let [at, mode]: [string, FileMode | null] = [".", null];
  for (const grant of grants) {
    if (!isWithin(path, grant.path) || !isWithin(grant.path, at)) continue;
    mode = mode !== null && grant.path === at ? weaker(mode, grant.mode) : grant.mode;
    at = grant.path;
  }
  return mode;
}

interface Said {
  readonly path: string;
  /** What each of two lists says of it, on its own or by a folder above it. */
  readonly modes: readonly [FileMode | null, FileMode | null];
}

/**
 * One grant for each folder that both lists have something to say of, with the weaker of their modes. Folders come before
 * what is in them.
 */
export function meetFiles(a: readonly FileGrant[], b: readonly FileGrant[]): readonly FileGrant[] {
  const own = new Map<string, (FileMode | null)[]>();
  for (const [i, list] of [a, b].entries())
    for (const { path, mode } of list) {
      const modes = own.get(path) ?? [null, null];
      modes[i] = modes[i] ? weaker(modes[i], mode) : mode;
      own.set(path, modes);
    }
  const met: FileGrant[] = [];
  const above: Said[] = [];
  for (const path of [...own.keys()].sort(fromTop)) {
    while (above.length > 0 && !isWithin(path, (above.at(-1) as Said).path)) above.pop();
    const [first = null, second = null] = own.get(path) ?? [];
    const [outer, other] = above.at(-1)?.modes ?? [null, null];
    const modes = [first ?? outer, second ?? other] as const;
    above.push({ path, modes });
    if (modes[0] && modes[1]) met.push({ path, mode: weaker(modes[0], modes[1]) });
  }
  return met;
}

/** An order in which a folder comes before all that is in it, and that before everything else. */
function fromTop(a: string, b: string): number {
  const [one, other] = [a, b].map((path) => (path === "." ? "" : path.replaceAll("/", "\0"))) as [
    string,
    string,
  ];
  return one < other ? -1 : one > other ? 1 : 0;
}
