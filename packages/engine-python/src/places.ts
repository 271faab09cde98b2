import { lstatSync, mkdirSync, mkdtempSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";

/** What decides where the user's cache folder is. */
export interface Surroundings {
  readonly env: NodeJS.ProcessEnv;
  readonly platform: NodeJS.Platform;
  readonly home: string;
}

const here = (): Surroundings => ({ env: process.env, platform: process.platform, home: homedir() });

/**
 * The user's cache folder, for what is the same for all projects of a machine: `CAPSULE_CACHE_DIR`, else
 * `XDG_CACHE_HOME/capsule`, else the platform's own.
 */
export function userCacheFolder({ env, platform, home }: Surroundings = here()): string {
  if (env.CAPSULE_CACHE_DIR) return env.CAPSULE_CACHE_DIR;
  if (env.XDG_CACHE_HOME) return join(env.XDG_CACHE_HOME, "capsule");
  if (platform === "win32") return join(env.LOCALAPPDATA || join(home, "AppData", "Local"), "capsule");
  if (platform === "darwin") return join(home, "Library", "Caches", "capsule");
  return join(home, ".cache", "capsule");
}

/** Where engines stand in a cache folder. */
export const enginesIn = (cache: string): string => join(cache, "engines");

const temporaryName = (): string => join(tmpdir(), `capsule-${process.getuid?.() ?? "user"}`);

/**
 * A cache in the system's folder for temporary files, if there is one that nobody else could have filled: it stands in
 * where the user's can't be written.
 */
export function temporaryCache(path = temporaryName()): string | null {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) return null;
  if (process.platform === "win32") return path;
  return stat.uid === process.getuid?.() && (stat.mode & 0o022) === 0 ? path : null;
}

/** The same, made if it is not there; a folder for this process alone if the name is taken. */
export function makeTemporaryCache(path = temporaryName()): string {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch {
    // Whether what is there will do is looked at below.
  }
  return temporaryCache(path) ?? mkdtempSync(join(tmpdir(), "capsule-"));
}
