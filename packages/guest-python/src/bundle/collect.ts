import { dirname, join, posix, resolve } from "node:path";
import { breath, isLong, type Variant } from "@capsule-run/protocol";
import { PACKAGES_FOLDER, type ProgramFile } from "../files.ts";
import { needsFull } from "../full.ts";
import { ENGINE_MODULES } from "./carried.ts";
import { type Disk, isHidden, isInside } from "./disk.ts";
import { absoluteNames, Modules } from "./modules.ts";
import { Pack, type Place } from "./pack.ts";
import { type Import, type PathLiteral, type Scan, scanModule } from "./scan.ts";

/** What a program is made of. */
export interface Collected {
  readonly files: readonly ProgramFile[];
  readonly variant: Variant;
  /** Why it needs the full variant, one line each. */
  readonly reasons: readonly string[];
  readonly warnings: readonly string[];
}

/** Files that are looked for in vain of which changes are still noticed. */
const MISSING = 500;
/** Reasons that are given. */
const REASONS = 5;

/**
 * Collects a program's files: its own, the modules that it imports and that are beside it, whole packages, and the data
 * files that these name. On the way it sees which variant of the engine the program needs.
 * @param dependencies files under `/site-packages`
 * @throws UsageError `compile`
 */
export function collect(
  file: string,
  dependencies: readonly ProgramFile[],
  disk: Disk,
  place: Place,
): Promise<Collected> {
  return new Collector(file, dependencies, disk, place).collect();
}

class Collector {
  readonly #file: string;
  readonly #disk: Disk;
  readonly #place: Place;
  readonly #pack: Pack;
  readonly #modules: Modules;
  readonly #installed: ReadonlyMap<string, Uint8Array>;
  readonly #installedFolders: ReadonlySet<string>;
  /** Modules of the project by file, and whether a run may get to them. */
  readonly #reached = new Map<string, boolean>();
  readonly #followed = new Set<string>();
  readonly #scans = new Map<string, Scan>();
  readonly #queue: { readonly name: string; readonly file: string }[] = [];
  readonly #reasons = new Set<string>();
  /** What may be data files, and the folders of the modules that name them. */
  readonly #named: (readonly [literal: PathLiteral, folder: string])[] = [];
  /** Folders that tasks are to reach: what is in them is there when they run, and needs no packing. */
  readonly #allowed = new Set<string>();
  #missing = 0;

  constructor(file: string, dependencies: readonly ProgramFile[], disk: Disk, place: Place) {
    this.#file = file;
    this.#disk = disk;
    this.#place = place;
    this.#pack = new Pack(disk, place);
    this.#modules = new Modules(disk, dirname(file));
    for (const each of dependencies) this.#pack.add(each);
    this.#installed = new Map(dependencies.map(({ path, bytes }) => [path, bytes]));
    this.#installedFolders = foldersOf(dependencies);
  }

  async collect(): Promise<Collected> {
    this.#pack.file(this.#file);
    const name = (posix.basename(this.#pack.guestPath(this.#file)).split(".", 1)[0] as string) || "main";
    this.#add({ name, file: this.#file }, true);
    for (let next = this.#queue.pop(); next; next = this.#queue.pop()) {
      if (isLong()) await breath();
      this.#follow(next);
    }
    for (const [literal, folder] of this.#named) {
      if (isLong()) await breath();
      this.#data(literal, folder);
    }
    const reasons = [...this.#reasons];
    return {
      files: this.#pack.files,
      variant: reasons.length > 0 ? "full" : "core",
      reasons: reasons.slice(0, REASONS),
      warnings: this.#pack.warnings,
    };
  }

  #scan(file: string, bytes: Uint8Array): Scan {
    const known = this.#scans.get(file);
    if (known) return known;
    const scan = scanModule(bytes);
    this.#scans.set(file, scan);
    return scan;
  }

  #add(module: { readonly name: string; readonly file: string }, reached: boolean): void {
    const known = this.#reached.get(module.file);
    if (known === true || known === reached) return;
    this.#reached.set(module.file, reached);
    this.#queue.push(module);
  }

  /** Goes through a module of the project: once to pack what it names, once more if a run may get to it after all. */
  #follow({ name, file }: { readonly name: string; readonly file: string }): void {
    const { imports, literals, allowed } = this.#scan(file, this.#pack.file(file));
    const reached = this.#reached.get(file) === true;
    for (const each of imports) {
      const names = absoluteNames(each, name, posix.basename(file) === "__init__.py");
      if (!names) continue;
      const runs = reached && each.when !== "never";
      this.#import(names.module, each, file, runs);
      for (const inner of names.within) this.#import(inner, each, file, runs);
    }
    for (const folder of allowed) this.#allowed.add(resolve(this.#place.base, `./${folder}`));
    for (const literal of literals) this.#named.push([literal, dirname(file)]);
  }

  #import(name: string, { line }: Import, importer: string, runs: boolean): void {
    const found = this.#modules.resolve(name);
    if (found.from === "project") {
      for (const module of found.modules) {
        if (module.file !== null) this.#pack.file(module.file);
        const whole = found.modules.find((each) => each.folder !== null && each.file !== null);
        if (whole?.folder) this.#wholePackage(whole.name, whole.folder);
        if (module.file !== null) this.#add({ name: module.name, file: module.file }, runs);
      }
      // A package without `__init__.py` may have another part elsewhere.
      if (found.modules.some(({ file }) => file !== null)) return;
    }
    if (!runs) return;
    const reason = `${this.#place.show(importer)}:${line} imports`;
    if (found.from === "engine") this.#engineModule(name, reason);
    else this.#followInstalled(name, reason);
  }

  /** All of a package is packed, and all its modules are looked into: they may be imported by names made at run time. */
  #wholePackage(name: string, folder: string): void {
    for (const path of this.#pack.package(folder)) {
      if (!path.endsWith(".py")) continue;
      const parts = path.slice(folder.length + 1, -".py".length).split(/[\\/]/);
      if (parts.at(-1) === "__init__") parts.pop();
      this.#add({ name: [name, ...parts].join("."), file: path }, false);
    }
  }

  #engineModule(name: string, reason: string): void {
    if (needsFull(name)) this.#reasons.add(`${reason} ${name.split(".", 1)[0]}`);
  }

  /** What a dependency imports when it is imported, and so on. */
  #followInstalled(name: string, reason: string): void {
    const parts = name.split(".");
    for (let count = 1; count <= parts.length; count++) {
      const module = parts.slice(0, count).join(".");
      const stem = `${PACKAGES_FOLDER}/${parts.slice(0, count).join("/")}`;
      const init = `${stem}/__init__.py`;
      const path = this.#installed.has(init) ? init : `${stem}.py`;
      const bytes = this.#installed.get(path);
      if (!bytes) {
        if (!this.#installedFolders.has(stem)) return;
        continue;
      }
      if (this.#followed.has(path)) continue;
      this.#followed.add(path);
      for (const each of this.#scan(path, bytes).imports) {
        if (each.when !== "load") continue;
        const names = absoluteNames(each, module, path === init);
        for (const inner of names ? [names.module, ...names.within] : [])
          if (ENGINE_MODULES.has(inner.split(".", 1)[0] as string))
            this.#engineModule(inner, `${reason} ${module}, which imports`);
          else this.#followInstalled(inner, reason);
      }
    }
  }

  /** A string that may name a file beside the module, or in a folder above it that is in the project. */
  #data({ path, plain }: PathLiteral, folder: string): void {
    if (!/[\w)]$/.test(path) || /^[/\\~]|[\n\r:*?<>|]/.test(path) || path.length > 512) return;
    const names = path.split("/").filter((name) => name !== "" && name !== ".");
    const likely = plain || /\.\w{1,8}$/.test(path);
    if (names.length === 0 || names.some(isHidden)) return;
    for (let at = folder; isInside(at, this.#place.base); at = dirname(at)) {
      this.#dataIn(at, names, plain, likely);
      if (at === this.#place.base) break;
    }
  }

  #isAllowed(path: string): boolean {
    for (const folder of this.#allowed) if (isInside(path, folder)) return true;
    return false;
  }

  #dataIn(folder: string, names: readonly string[], plain: boolean, likely: boolean): void {
    let at = folder;
    for (const name of names) {
      const up = name === "..";
      if (!up && !this.#exists(at, name, likely)) return;
      at = up ? dirname(at) : join(at, name);
      if (this.#isAllowed(at)) return;
      if (!isInside(at, this.#place.base)) return;
    }
    const kind = this.#disk.kindOf(at);
    if (isInside(this.#file, at)) return;
    if (kind === "file" || (kind === "folder" && plain)) this.#pack.data(at);
  }

  /** Only of what looks like a path it is noticed when it appears. */
  #exists(folder: string, name: string, likely: boolean): boolean {
    if (this.#disk.peek(folder, name)) return this.#disk.has(folder, name);
    if (likely && this.#missing++ < MISSING) this.#disk.has(folder, name);
    return false;
  }
}

function foldersOf(files: readonly ProgramFile[]): ReadonlySet<string> {
  const folders = new Set<string>();
  for (const { path } of files)
    for (let at = posix.dirname(path); !folders.has(at) && at !== "/"; at = posix.dirname(at))
      folders.add(at);
  return folders;
}
