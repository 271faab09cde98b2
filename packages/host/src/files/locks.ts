/**
 * Folders that programs make as locks: SQLite holds `x.db.lock` beside `x.db` where a system has no locks of its own. A
 * system takes a lock back when its holder ends, however that came; so do we.
 */
import { rmdir } from "./changes.ts";
import type { Head } from "./heads.ts";
import { statOfPath } from "./stat.ts";
import type { World } from "./world.ts";

const SUFFIX = ".lock";

/** What one attempt made and has not removed yet. */
export interface Locks {
  /** Told of what was done. */
  note(operation: string, head: Head): void;
  /** Removes what is left: empty folders beside the file that they are named after. Never rejects. */
  release(world: World): Promise<void>;
}

/** @param most locks that are kept in mind; more are left as they are */
export function makeLocks(most: number): Locks {
  const held = new Set<string>();
  return {
    note(operation, { path, from }) {
      if (operation === "mkdir" && typeof path === "string" && path.endsWith(SUFFIX) && held.size < most)
        held.add(path);
      if (operation === "rmdir" && typeof path === "string") held.delete(path);
      if (operation === "rename" && typeof from === "string") held.delete(from);
    },
    async release(world) {
      for (const path of held) await releaseOne(world, path).catch(() => {});
      held.clear();
    },
  };
}

async function releaseOne(world: World, path: string): Promise<void> {
  const { head } = await statOfPath(world, path.slice(0, -SUFFIX.length), false);
  if (head.kind === "file") await rmdir(world, path);
}
