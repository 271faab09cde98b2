import { readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { relative, sep } from "node:path";
import { breath, isLong, type Question, UsageError } from "@capsule-run/protocol";

export type Kind = "file" | "folder";

/** The disk as one bundling sees it: each folder is listed once, and whatever was asked is known. */
export class Disk {
  readonly #asked = new Map<string, Question>();
  readonly #folders = new Map<string, ReadonlySet<string>>();
  readonly #show: (path: string) => string;

  /** @param show a path as the user would write it */
  constructor(show: (path: string) => string) {
    this.#show = show;
  }

  inputs(): Question[] {
    return [...this.#asked.values()];
  }

  ask(input: Question): void {
    this.#asked.set(`${input.kind} ${input.kind === "names" ? input.stem : ""} ${input.path}`, input);
  }

  /** Whether the folder has the name, by the letter even where the file system does not care. */
  has(folder: string, name: string): boolean {
    const end = name.indexOf(".", 1);
    this.ask({ kind: "names", path: folder, stem: end < 0 ? name : name.slice(0, end) });
    return this.#namesIn(folder).has(name);
  }

  /** Like `has`, but whatever the answer, it decides nothing. */
  peek(folder: string, name: string): boolean {
    return this.#namesIn(folder).has(name);
  }

  /** All names in a folder, sorted. */
  list(folder: string): readonly string[] {
    this.ask({ kind: "names", path: folder, stem: "" });
    return [...this.#namesIn(folder)].sort();
  }

  #namesIn(folder: string): ReadonlySet<string> {
    let names = this.#folders.get(folder);
    if (!names) {
      try {
        names = new Set(readdirSync(folder));
      } catch {
        names = new Set();
      }
      this.#folders.set(folder, names);
    }
    return names;
  }

  /** What is behind a path, links followed. */
  kindOf(path: string): Kind | null {
    try {
      const stat = statSync(path, { throwIfNoEntry: false });
      return stat?.isFile() ? "file" : stat?.isDirectory() ? "folder" : null;
    } catch {
      return null;
    }
  }

  /** @throws UsageError `compile` */
  read(path: string): Buffer {
    this.ask({ kind: "file", path });
    try {
      return readFileSync(path);
    } catch (cause) {
      throw new UsageError("compile", `"${this.#show(path)}" can't be read: ${(cause as Error).message}`, {
        cause,
      });
    }
  }
}

/** Whether a path is in a folder, or is the folder. Both are real or both are not. */
export function isInside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/** A path of the disk with `/`, relative to a folder. */
export function relativePath(from: string, path: string): string {
  const name = relative(from, path);
  return sep === "\\" ? name.replaceAll("\\", "/") : name;
}

export function realpath(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}

/** When the youngest of the files and folders was last changed, in ms since 1970. */
export async function newestChange(inputs: readonly Question[]): Promise<number> {
  let newest = 0;
  for (const { kind, path } of inputs) {
    if (isLong()) await breath();
    const stat = kind !== "link" ? statSync(path, { throwIfNoEntry: false }) : undefined;
    if (stat) newest = Math.max(newest, stat.ctimeMs, stat.mtimeMs);
  }
  return newest;
}

/** What does not go into a program by being named: the project's own settings, and names that begin with a dot. */
export const isHidden = (name: string): boolean =>
  name !== ".." && (name.startsWith(".") || name.toLowerCase() === "capsule.toml");
