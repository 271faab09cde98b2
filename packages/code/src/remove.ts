import { readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";

/** Bytes of a folder's path beyond which what is in it may have no path: systems allow 1,024 or 4,096. */
const LONG = 512;

/**
 * Removes a folder with all that is in it, however deep: code can move folders into each other until no path leads to the
 * innermost. Only when no sandbox writes to it any more.
 */
export async function removeTree(folder: string): Promise<void> {
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true, maxRetries: 3 });
  try {
    await remove();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENAMETOOLONG") throw error;
    await flatten(folder);
    await remove();
  }
}

/** Moves what lies deep up to the top, which has nothing by the names of numbers. */
async function flatten(top: string): Promise<void> {
  const todo = [top];
  let moved = 0;
  for (let at = todo.pop(); at !== undefined; at = todo.pop())
    for (const entry of await readdir(at, { withFileTypes: true })) {
      if (!entry.isDirectory()) continue;
      const path = join(at, entry.name);
      const near = Buffer.byteLength(path) < LONG ? path : join(top, String(moved++));
      if (near !== path) await rename(path, near);
      todo.push(near);
    }
}
