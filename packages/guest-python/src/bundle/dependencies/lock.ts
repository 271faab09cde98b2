import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { PYTHON } from "../carried.ts";

/** A wheel that was chosen. */
export interface Locked {
  readonly name: string;
  readonly version: string;
  /** The wheel's file name. */
  readonly file: string;
  readonly sha256: string;
}

/** What a program's requirements became. Nothing in it depends on when or by whom it was made. */
export interface Lock {
  readonly version: 1;
  readonly python: string;
  /** As they were asked for. */
  readonly requirements: readonly string[];
  /** By name. */
  readonly packages: readonly Locked[];
}

export const LOCK_FILE = "lock.json";
const FORMAT = 1;

export const makeLock = (requirements: readonly string[], packages: readonly Locked[]): Lock => ({
  version: FORMAT,
  python: PYTHON,
  requirements,
  packages: packages.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
});

export const writeLock = (lock: Lock): string => `${JSON.stringify(lock, null, 2)}\n`;

/** The lock of a folder, with the wheels it names as far as they are there and whole. Null if there is no good lock. */
export function readLocked(
  folder: string,
): { readonly lock: Lock; readonly wheels: ReadonlyMap<string, Uint8Array> } | null {
  const lock = parse(readIfThere(join(folder, LOCK_FILE)));
  if (!lock) return null;
  const wheels = new Map<string, Uint8Array>();
  for (const { file, sha256 } of lock.packages) {
    const bytes = readIfThere(join(folder, file));
    if (bytes && sha256Of(bytes) === sha256) wheels.set(file, bytes);
  }
  return { lock, wheels };
}

export function sha256Of(bytes: Uint8Array | string): string {
  return process.getBuiltinModule("node:crypto").createHash("sha256").update(bytes).digest("hex");
}

function parse(bytes: Uint8Array | null): Lock | null {
  if (!bytes) return null;
  try {
    const lock = JSON.parse(Buffer.from(bytes).toString()) as Lock;
    const good =
      lock.version === FORMAT &&
      lock.python === PYTHON &&
      Array.isArray(lock.requirements) &&
      lock.packages.every(
        ({ name, version, file, sha256 }) =>
          [name, version].every((each) => typeof each === "string") &&
          /^[\w.+!-]+\.whl$/.test(file) &&
          /^[0-9a-f]{64}$/.test(sha256),
      );
    return good ? lock : null;
  } catch {
    return null;
  }
}

function readIfThere(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch {
    return null;
  }
}

const HOUR = 60 * 60 * 1000;
const WORK = ".work-";

/**
 * A folder to work in, beside where its result will be put. If that can't be written, one of the system's for temporary
 * files, and why.
 */
export function workFolder(dir: string): { readonly path: string; readonly refused: string | null } {
  try {
    mkdirSync(dir, { recursive: true });
    ignore(dir);
    for (const name of readdirSync(dir))
      if (name.startsWith(WORK) && Date.now() - statSync(join(dir, name)).mtimeMs > HOUR)
        rmSync(join(dir, name), { recursive: true, force: true });
    return { path: mkdtempSync(join(dir, WORK)), refused: null };
  } catch (error) {
    const { code = "unknown" } = error as NodeJS.ErrnoException;
    return { path: mkdtempSync(join(tmpdir(), "capsule-dependencies-")), refused: code };
  }
}

/** `.capsule` in a project is nobody's to commit. */
function ignore(dir: string): void {
  const parent = dirname(dir);
  if (basename(parent) !== ".capsule") return;
  try {
    writeFileSync(join(parent, ".gitignore"), "*\n", { flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

/**
 * Puts a finished folder in place, whole. If another process was first, theirs stays, unless it has no good lock.
 * @throws what the file system says, if it can't be put there
 */
export function putInPlace(finished: string, place: string): void {
  for (let tries = 0; ; tries++) {
    try {
      renameSync(finished, place);
      return;
    } catch (error) {
      const { code = "" } = error as NodeJS.ErrnoException;
      if (!["ENOTEMPTY", "EEXIST", "EPERM", "EACCES"].includes(code) || tries === 3) throw error;
      const theirs = readLocked(place);
      if (theirs && theirs.wheels.size === theirs.lock.packages.length) return;
      const aside = mkdtempSync(join(dirname(place), WORK));
      try {
        renameSync(place, join(aside, "broken"));
      } catch {
        // Somebody else has moved it.
      }
      rmSync(aside, { recursive: true, force: true });
    }
  }
}

export const writeFolder = (folder: string, lock: Lock, wheels: ReadonlyMap<string, Uint8Array>): void => {
  mkdirSync(folder, { recursive: true });
  for (const [file, bytes] of wheels) writeFileSync(join(folder, file), bytes);
  writeFileSync(join(folder, LOCK_FILE), writeLock(lock));
};
