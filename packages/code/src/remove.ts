import { randomBytes } from "node:crypto";
import { mkdir, opendir, rename, rm, rmdir, unlink } from "node:fs/promises";
import { join } from "node:path";

/** Names that are read at once, and removed side by side. */
const BATCH = 64;

/**
 * Removes a folder with all that sandboxes have made of it: hundreds of thousands of files do not hold up the process, and
 * what lies deeper than any path can say is removed as well. Follows no symlink.
 */
export async function removeTree(root: string): Promise<void> {
  // What this can't do for some reason, the system's own way can, or says why not.
  await clear(root).catch(() => {});
  await rm(root, { recursive: true, force: true, maxRetries: 3 });
}

/** Folders are brought up, where their paths are short, before they are emptied. */
async function clear(root: string): Promise<void> {
  const bin = join(root, ".removing");
  // There already, if who removed it before was killed.
  await mkdir(bin, { recursive: true });
  const mark = randomBytes(4).toString("hex");
  let moved = 0;
  const empty = (folder: string): Promise<void> =>
    eachOf(folder, async (name, isFolder) => {
      const path = join(folder, name);
      if (!isFolder) await unlink(path);
      else if (path !== bin) await rename(path, join(bin, `${mark}-${moved++}`));
    });
  await empty(root);
  for (let removed = -1; removed !== 0; ) {
    removed = 0;
    await eachOf(bin, async (name) => {
      await empty(join(bin, name));
      await rmdir(join(bin, name));
      removed++;
    });
  }
}

async function eachOf(
  folder: string,
  use: (name: string, isFolder: boolean) => Promise<void>,
): Promise<void> {
  let batch: Promise<void>[] = [];
  for await (const entry of await opendir(folder, { bufferSize: BATCH })) {
    batch.push(use(entry.name, entry.isDirectory()));
    if (batch.length < BATCH) continue;
    await Promise.all(batch);
    batch = [];
  }
  await Promise.all(batch);
}
