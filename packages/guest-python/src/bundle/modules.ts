import { join } from "node:path";
import { BUILTIN_MODULES, ENGINE_MODULES } from "./carried.ts";
import type { Disk } from "./disk.ts";
import type { Import } from "./scan.ts";

/** A module of the project's. */
export interface LocalModule {
  /** Dotted. */
  readonly name: string;
  /** Its source; null for a package without `__init__.py`. */
  readonly file: string | null;
  /** The folder of a package; null for a plain module. */
  readonly folder: string | null;
}

/** Where a module was found: all that are imported on the way to it, or who else has it. */
export type Resolved =
  | { readonly from: "project"; readonly modules: readonly LocalModule[] }
  | { readonly from: "engine" }
  /** A dependency, or nobody. */
  | { readonly from: "elsewhere" };

/** Finds modules as Python's own import does. */
export class Modules {
  readonly #disk: Disk;
  /** The first entry of `sys.path`: the folder of the program's file. */
  readonly #folder: string;
  readonly #found = new Map<string, LocalModule | null>();

  constructor(disk: Disk, folder: string) {
    this.#disk = disk;
    this.#folder = folder;
  }

  /** @param name dotted, absolute */
  resolve(name: string): Resolved {
    const [top = "", ...rest] = name.split(".");
    if (BUILTIN_MODULES.has(top)) return { from: "engine" };
    let found = this.#find(top, this.#folder);
    // Packages without `__init__.py` come last, wherever they are.
    if (found?.file === null && ENGINE_MODULES.has(top)) found = null;
    if (!found) return { from: ENGINE_MODULES.has(top) ? "engine" : "elsewhere" };
    const modules = [found];
    for (const part of rest) {
      if (found.folder === null) break;
      const next = this.#find(`${found.name}.${part}`, found.folder);
      if (!next) break;
      modules.push(next);
      found = next;
    }
    return { from: "project", modules };
  }

  #find(name: string, folder: string): LocalModule | null {
    const known = this.#found.get(name);
    if (known !== undefined) return known;
    const found = this.#look(name, folder);
    this.#found.set(name, found);
    return found;
  }

  #look(name: string, folder: string): LocalModule | null {
    const disk = this.#disk;
    const last = name.slice(name.lastIndexOf(".") + 1);
    const inner = join(folder, last);
    const isFolder = disk.has(folder, last) && disk.kindOf(inner) === "folder";
    const init = join(inner, "__init__.py");
    if (isFolder && disk.has(inner, "__init__.py") && disk.kindOf(init) === "file")
      return { name, file: init, folder: inner };
    const file = join(folder, `${last}.py`);
    if (disk.has(folder, `${last}.py`) && disk.kindOf(file) === "file") return { name, file, folder: null };
    return isFolder ? { name, file: null, folder: inner } : null;
  }
}

/**
 * The absolute names that an import of a module may mean: the module itself, then what is imported from it. Null if a
 * relative import leads out of all packages.
 * @param importer the importing module's dotted name
 */
export function absoluteNames(
  { module, level, names }: Pick<Import, "module" | "level" | "names">,
  importer: string,
  isPackage: boolean,
): { readonly module: string; readonly within: readonly string[] } | null {
  let full = module;
  if (level > 0) {
    const around = importer.split(".");
    const kept = around.length - level + (isPackage ? 1 : 0);
    if (kept < 1) return null;
    full = [...around.slice(0, kept), ...(module === "" ? [] : [module])].join(".");
  }
  return { module: full, within: names.map((name) => `${full}.${name}`) };
}
