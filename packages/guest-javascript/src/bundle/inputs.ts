import { existsSync, readdirSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, extname, join, resolve, sep } from "node:path";
import { breath, isLong, type Question } from "@capsule-run/protocol";
import type { Metafile } from "esbuild";
import { OWN, SDK_INPUT } from "./own.ts";
import { candidatesOf, readTsconfig, type Tsconfig } from "./tsconfig.ts";

export interface Where {
  /** The program's file as it was given, absolute. */
  readonly file: string;
  /** The folder esbuild worked in. */
  readonly base: string;
  readonly sdk: string;
}

const NODE_MODULES = `${sep}node_modules${sep}`;
/** What package managers leave in `node_modules`; it changes whenever they change something. */
const LOCKS = [".package-lock.json", ".modules.yaml", ".yarn-state.yml", ".yarn-integrity"];

/**
 * Everything that decided a bundle: each file in it; for the user's own files what steers resolution (`package.json`
 * and `tsconfig.json` in their folders and above, names that would be preferred to the ones that were found, links);
 * for packages their `package.json` and what the package manager wrote last.
 */
export async function inputsOf(metafile: Metafile, where: Where): Promise<Question[]> {
  const questions = new Questions();
  questions.link(where.file);
  if (SDK_INPUT in metafile.inputs) questions.file(where.sdk);
  for (const [name, input] of Object.entries(metafile.inputs)) {
    if (name.startsWith(`${OWN}:`) || name.startsWith("(disabled):") || name === "<runtime>") continue;
    if (isLong()) await breath();
    const path = resolve(where.base, name);
    questions.file(path);
    if (path.startsWith(dirname(where.sdk) + sep)) continue;
    if (path.includes(NODE_MODULES)) questions.package(path);
    else questions.local(path, input.imports, where.base);
  }
  return questions.list();
}

type Import = Metafile["inputs"][string]["imports"][number];

class Questions {
  #asked = new Map<string, Question>();
  #tsconfigs = new Map<string, readonly Tsconfig[]>();

  list(): Question[] {
    return [...this.#asked.values()];
  }

  #ask(input: Question): void {
    this.#asked.set(`${input.kind} ${input.kind === "names" ? input.stem : ""} ${input.path}`, input);
  }

  file(path: string): void {
    this.#ask({ kind: "file", path });
  }

  link(path: string): void {
    this.#ask({ kind: "link", path });
  }

  /** A file of a package. */
  package(path: string): void {
    for (let at = dirname(path); basename(at) !== "node_modules"; at = dirname(at))
      this.file(join(at, "package.json"));
    for (let at = dirname(path); dirname(at) !== at; at = dirname(at)) {
      if (basename(at) !== "node_modules") continue;
      for (const lock of LOCKS) this.file(join(at, lock));
      if (!LOCKS.some((lock) => existsSync(join(at, lock)))) this.#ask({ kind: "names", path: at, stem: "" });
    }
  }

  /** A file of the user's. */
  local(path: string, imports: readonly Import[], base: string): void {
    const tsconfigs = this.#configsOf(dirname(path));
    for (const { path: found, original, external } of imports) {
      const name = original ?? (external ? found : undefined);
      if (name === undefined || name === "<runtime>") continue;
      const target = external || found.startsWith(`${OWN}:`) ? undefined : resolve(base, found);
      if (/^\.\.?(?:$|[\\/])/.test(name) || resolve(name) === name)
        this.#candidate(resolve(dirname(path), name), target);
      else if (!name.startsWith("@capsule-run/sdk") && !name.startsWith("#")) {
        this.#bare(name, dirname(path));
        for (const tsconfig of tsconfigs)
          for (const candidate of candidatesOf(name, tsconfig)) this.#candidate(candidate, target);
      }
    }
  }

  /** Configuration that a folder's files are under: `tsconfig.json` with what it extends, `package.json`. */
  #configsOf(folder: string): readonly Tsconfig[] {
    const known = this.#tsconfigs.get(folder);
    if (known) return known;
    const here: Tsconfig[] = [];
    for (const name of ["tsconfig.json", "jsconfig.json"])
      here.push(...readTsconfig(join(folder, name), (path) => this.file(path)));
    this.file(join(folder, "package.json"));
    const above = dirname(folder) === folder ? [] : this.#configsOf(dirname(folder));
    const all = [...here, ...above];
    this.#tsconfigs.set(folder, all);
    return all;
  }

  /** A path that an import may mean, with whatever extension or index file. */
  #candidate(path: string, target: string | undefined): void {
    const stem = basename(path, /^\.(?:[cm]?[jt]sx?|json|css|txt)$/.test(extname(path)) ? extname(path) : "");
    this.#ask({ kind: "names", path: dirname(path), stem });
    const folders = isFolder(path) ? [path] : [];
    for (const folder of folders) {
      this.file(join(folder, "package.json"));
      this.#ask({ kind: "names", path: folder, stem: "index" });
    }
    // Where it was found without a link, its name says so.
    if (target === undefined || target === path || target.startsWith(`${join(dirname(path), stem)}.`)) return;
    for (const name of [
      path,
      ...siblings(path, stem),
      ...folders.flatMap((each) => siblings(join(each, "index"), "index")),
    ])
      if (name !== target && realpath(name) === target) this.link(name);
  }

  /** A package's name: looked for in each `node_modules` from here up, until it is found. */
  #bare(name: string, folder: string): void {
    const packageName = name.split("/", name.startsWith("@") ? 2 : 1).join("/");
    for (let at = folder; ; at = dirname(at)) {
      const path = join(at, "node_modules", packageName);
      this.link(path);
      if (existsSync(path) || dirname(at) === at) return;
    }
  }
}

const isFolder = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

function siblings(path: string, stem: string): string[] {
  try {
    const names = readdirSync(dirname(path));
    return names.filter((name) => name.startsWith(stem)).map((name) => join(dirname(path), name));
  } catch {
    return [];
  }
}

function realpath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
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
