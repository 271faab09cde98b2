import { lstatSync, statSync } from "node:fs";
import { join, posix } from "node:path";
import { LIMITS, UsageError } from "@capsule-run/protocol";
import { isProgramPath, PROGRAM_FOLDER, type ProgramFile } from "../files.ts";
import { type Disk, isHidden, isInside, realpath, relativePath } from "./disk.ts";

/** Files that a program is made of at most, its dependencies included. */
export const MOST_FILES = 20_000;
/** Bytes of a file, or of a folder with all that is in it, that is packed because a string names it. */
const DATA_BYTES = 16 * 1024 * 1024;
/** Files of such a folder. */
const DATA_FILES = 2_000;
/** Folders in one another. */
const DEPTH = 40;

/** What is never part of a package: caches, native code, and what tools leave behind. */
const LEFT_OUT = /^(?:\..*|__pycache__|node_modules|.*\.(?:pyc|pyo|so|pyd|dylib|dll))$/;

const CODE = /\.pyi?$/;

/** Where programs may take files from, and how they are spoken of. */
export interface Place {
  /** The folder that is `/app` in the guest, real. */
  readonly base: string;
  /** A path as the user would write it. */
  show(path: string): string;
  /** Whether a file that is no code may be taken. */
  isOpen(path: string): boolean;
}

/** A file that a walk found. */
interface Found {
  readonly path: string;
  readonly size: number;
}

/** The files of a program, as they are collected. */
export class Pack {
  readonly #disk: Disk;
  readonly #place: Place;
  readonly #files = new Map<string, ProgramFile>();
  readonly #folders = new Set<string>();
  readonly #warnings = new Set<string>();
  #bytes = 0;

  constructor(disk: Disk, place: Place) {
    this.#disk = disk;
    this.#place = place;
  }

  get files(): readonly ProgramFile[] {
    return [...this.#files.values()];
  }

  get warnings(): readonly string[] {
    return [...this.#warnings];
  }

  /** Where a file of the disk is in the guest. */
  guestPath(path: string): string {
    return posix.join(PROGRAM_FOLDER, relativePath(this.#place.base, path));
  }

  /**
   * Adds a file of the project; gives its bytes.
   * @throws UsageError if it is outside of the project, or the program is too large with it
   */
  file(path: string): Uint8Array {
    const guestPath = this.guestPath(path);
    const known = this.#files.get(guestPath);
    if (known) return known.bytes;
    this.#check(path);
    const bytes = this.#disk.read(path);
    this.add({ path: guestPath, bytes });
    return bytes;
  }

  add(file: ProgramFile): void {
    this.#files.set(file.path, file);
    this.#bytes += file.bytes.length;
    if (this.#bytes > LIMITS.bundleBytes || this.#files.size > MOST_FILES) throw this.#tooLarge();
  }

  /** Adds all of a package's folder. Gives the paths of what was not there yet. */
  package(folder: string): readonly string[] {
    if (this.#folders.has(folder)) return [];
    this.#check(folder);
    const found = this.#walk(folder, {
      files: MOST_FILES,
      bytes: LIMITS.bundleBytes,
      links: "refuse",
      seen: this.#folders,
    });
    if (!found) throw this.#tooLarge(folder);
    const taken = found.filter(({ path }) => CODE.test(path) || this.#place.isOpen(path));
    for (const { path } of taken) this.file(path);
    return taken.map(({ path }) => path);
  }

  /** Adds a file or folder that a string names. One that is too large, or leads out of the project, is left out. */
  data(path: string): void {
    const kind = this.#disk.kindOf(path);
    if (!this.#isOurs(path)) {
      this.#warn(path, "it leads out of the project");
      return;
    }
    if (kind === "file" && !this.#place.isOpen(path)) {
      this.#warn(path, "its operator gives the program no such file");
      return;
    }
    const found =
      kind === "folder"
        ? this.#walk(path, { files: DATA_FILES, bytes: DATA_BYTES, links: "skip" })
        : this.#measure(path);
    if (found) for (const each of found.filter((one) => this.#place.isOpen(one.path))) this.file(each.path);
    else
      this.#warn(
        path,
        `more than ${DATA_BYTES / 1024 ** 2} MiB${kind === "folder" ? ` or ${DATA_FILES} files` : ""} of data are too much for a program`,
      );
  }

  #warn(path: string, why: string): void {
    this.#warnings.add(`"${this.#place.show(path)}" is not packed with the program: ${why}`);
  }

  #measure(path: string): readonly Found[] | null {
    const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    this.#disk.ask({ kind: "file", path });
    return size > DATA_BYTES ? null : [{ path, size }];
  }

  /** The files under a folder, or null if they are too many or too large. */
  #walk(
    folder: string,
    most: {
      readonly files: number;
      readonly bytes: number;
      /** What to do with links that lead out of the project. */
      readonly links: "refuse" | "skip";
      readonly seen?: Set<string>;
    },
  ): readonly Found[] | null {
    const found: Found[] = [];
    let bytes = 0;
    const visit = (at: string, around: readonly string[]): boolean => {
      const real = realpath(at) ?? at;
      if (around.includes(real) || around.length > DEPTH) return true;
      most.seen?.add(at);
      const names = this.#disk.list(at);
      if (at !== folder && names.includes("pyvenv.cfg")) return true;
      for (const name of names) {
        const path = join(at, name);
        if (LEFT_OUT.test(name) || !isProgramPath(this.guestPath(path))) continue;
        const stat = statSync(path, { throwIfNoEntry: false });
        if (!stat) continue;
        if (lstatSync(path).isSymbolicLink() && !this.#isOurs(path)) {
          if (most.links === "refuse") this.#check(path);
          continue;
        }
        if (stat.isDirectory()) {
          if (!visit(path, [...around, real])) return false;
        } else if (stat.isFile()) {
          bytes += stat.size;
          found.push({ path, size: stat.size });
          if (bytes > most.bytes || found.length > most.files) return false;
        }
      }
      return true;
    };
    return visit(folder, []) ? found : null;
  }

  #isOurs(path: string): boolean {
    const real = realpath(path);
    if (real === null || !isInside(real, this.#place.base)) return false;
    // A link of another name to what is hidden, such as `.env`, leads to what is no part of a program.
    const hides = (each: string): boolean => relativePath(this.#place.base, each).split("/").some(isHidden);
    return real === path || !hides(real) || hides(path);
  }

  #check(path: string): void {
    if (this.#isOurs(path)) return;
    throw new UsageError(
      "outside-project",
      `"${this.#place.show(path)}" leads out of the project: a program is made of files in its project root and of its dependencies. The project root is the nearest folder with a capsule.toml, or else the working directory`,
    );
  }

  #tooLarge(folder?: string): UsageError {
    const what = folder === undefined ? "The program is" : `The package "${this.#place.show(folder)}" is`;
    const largest = [...this.#files.values()]
      .sort((a, b) => b.bytes.length - a.bytes.length)
      .slice(0, 3)
      .map(({ path, bytes }) => `${path} (${bytes.length} bytes)`);
    return new UsageError(
      "too-large",
      `${what} too large: ${LIMITS.bundleBytes} bytes in ${MOST_FILES} files are allowed, dependencies included` +
        (largest.length > 0 ? `. The largest so far: ${largest.join(", ")}` : ""),
    );
  }
}
