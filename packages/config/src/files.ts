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

/** One grant for each folder that both have something to say of, with the weaker of their modes. */
export function meetFiles(a: readonly FileGrant[], b: readonly FileGrant[]): readonly FileGrant[] {
  const paths = new Set([...a, ...b].map(({ path }) => path));
  return [...paths].flatMap((path) => {
    const [one, other] = [modeAt(a, path), modeAt(b, path)];
    return one === null || other === null ? [] : [{ path, mode: weaker(one, other) }];
  });
}
