import { readFileSync } from "node:fs";

/** Limits of the files of one attempt, beside those of `LIMITS`; each is named in `docs/limits.md`. */
export const FILE_LIMITS = {
  /** Files and folders one attempt may have open. */
  openFiles: 1_024,
  /** Names that one listing gives; in bytes it gives `LIMITS.effectBytes`. */
  listedNames: 1_000_000,
  /** Bytes of a path, as on Linux, where its end counts as one more. */
  pathBytes: 4_095,
  /** Bytes of a name. */
  nameBytes: 255,
  /** Symlinks that one path may lead through. */
  links: 40,
  /** Operations of one attempt that are under way at once; others wait. */
  parallel: 8,
  /** Folders made as locks that are removed when their attempt ends. */
  locks: 1_024,
  /** Milliseconds that ending an attempt waits for operations that a disk does not finish. */
  closeMs: 2_000,
} as const;

/** Files and folders all attempts of a process may have open: half of what the system lets it have, where it says so. */
export const PROCESS_OPEN_FILES = Math.max(64, Math.floor(descriptors() / 2));

/** Folders that they may hold on the ways of paths, and as roots of mounts: a quarter. */
export const PROCESS_HELD = Math.max(64, Math.floor(PROCESS_OPEN_FILES / 2));

/** Descriptors this process may have; Node has raised the soft limit to the hard one. */
function descriptors(): number {
  try {
    const limits = readFileSync("/proc/self/limits", "latin1");
    const [, soft] = /^Max open files\s+(\d+)/m.exec(limits) ?? [];
    if (soft !== undefined) return Number(soft);
  } catch {
    // Not Linux.
  }
  return 8_192;
}
