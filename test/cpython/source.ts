/**
 * Where CPython's own tests come from: Debian's packages of Python 3.11, unpacked without being installed, else a Python
 * 3.11 that has them. They are not in this repository: only what is known of them is.
 */
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** CPython's own tests. */
export interface TestPackage {
  /** The package `test`; beside it, in `unittest/test`, are those of unittest. */
  readonly folder: string;
  /** Which it is, such as "Debian 3.11.2-6+deb12u9". */
  readonly version: string;
}

/** The Python whose tests the list of outcomes is of. */
export const RELEASE = "3.11";
/** The tests, and what they share. */
const PACKAGES = ["testsuite", "stdlib"].map((part) => `libpython${RELEASE}-${part}`);
/** Names a Python 3.11 to take the tests from: the path of its executable. */
export const PYTHON_VARIABLE = "CAPSULE_PYTHON311";

/** Kept with what else is fetched for this checkout. */
const KEPT = fileURLToPath(new URL("../../node_modules/.cpython-tests/", import.meta.url));

/** Finds or fetches the tests, those of the named Python before all others; null if there is no way to them. */
export function findTests(): TestPackage | null {
  const named = process.env[PYTHON_VARIABLE];
  return named
    ? ofPython([named])
    : (kept() ?? fetched() ?? ofPython([`python${RELEASE}`, "python3", "python"]));
}

function kept(): TestPackage | null {
  const name = existsSync(KEPT) ? readdirSync(KEPT).find((each) => each.startsWith("debian-")) : undefined;
  return name === undefined
    ? null
    : { folder: join(KEPT, name, "test"), version: `Debian ${name.slice("debian-".length)}` };
}

/** `apt-get download` needs neither root nor an installed Python. */
function fetched(): TestPackage | null {
  const work = mkdtempSync(join(tmpdir(), "capsule-cpython-"));
  try {
    const download = (options: readonly string[]): boolean =>
      run("apt-get", [...options, "download", ...PACKAGES], work) !== null;
    if (!download([]) && !download(freshLists(work))) return null;
    let version = "";
    for (const file of readdirSync(work).filter((name) => name.endsWith(".deb"))) {
      if (run("dpkg", ["-x", file, "unpacked"], work) === null) return null;
      version ||= decodeURIComponent(file.split("_")[1] ?? "");
    }
    const library = join(work, "unpacked", "usr", "lib", `python${RELEASE}`);
    return isWhole(join(library, "test")) && version !== "" ? keep(library, version) : null;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** A machine made of an image knows no packages: lists of our own, so that the machine's stay as they are. */
function freshLists(work: string): readonly string[] {
  const [state, cache] = [join(work, "state"), join(work, "cache")];
  mkdirSync(join(state, "lists", "partial"), { recursive: true });
  mkdirSync(join(cache, "archives", "partial"), { recursive: true });
  const options = ["-o", `Dir::State::lists=${join(state, "lists")}`, "-o", `Dir::Cache=${cache}`];
  run("apt-get", [...options, "update"], work);
  return options;
}

function keep(library: string, version: string): TestPackage {
  mkdirSync(KEPT, { recursive: true });
  const place = join(KEPT, `debian-${version}`);
  const incoming = mkdtempSync(join(KEPT, "incoming-"));
  for (const name of ["test", "unittest/test"])
    cpSync(join(library, name), join(incoming, name), { recursive: true });
  try {
    renameSync(incoming, place);
  } catch (error) {
    rmSync(incoming, { recursive: true, force: true });
    // Another process was first.
    if (!existsSync(place)) throw error;
  }
  return { folder: join(place, "test"), version: `Debian ${version}` };
}

function ofPython(pythons: readonly string[]): TestPackage | null {
  for (const python of pythons) {
    const script = "import sys, test; print(sys.version.split()[0], test.__path__[0])";
    const [version = "", folder = ""] = run(python, ["-c", script])?.trim().split(/ (.*)/) ?? [];
    if (version.startsWith(`${RELEASE}.`) && isWhole(folder))
      return { folder, version: `CPython ${version}` };
  }
  return null;
}

/** Debian's Python has a package `test` without tests. */
const isWhole = (folder: string): boolean =>
  ["__init__.py", "support/__init__.py", "test_dict.py"].every((name) => existsSync(join(folder, name)));

function run(command: string, args: readonly string[], cwd?: string): string | null {
  const { status, stdout } = spawnSync(command, args, { cwd, encoding: "utf8", timeout: 120_000 });
  return status === 0 ? stdout : null;
}

/** Words of so many letters may be the first piece of a name. */
const PIECE = 30;

/**
 * What of the package some modules need: themselves, and whatever has a name that their text has as a word, and what
 * that needs. Rather too much than too little.
 * @returns names in the package's folder
 */
export function neededFor(folder: string, modules: readonly string[]): readonly string[] {
  const wanted = new Set(modules.map((module) => module.split(".", 1)[0] as string));
  const byWord = new Map<string, string>();
  const names = readdirSync(folder).filter((each) => each !== "__pycache__");
  for (const name of names) {
    byWord.set(name, name);
    byWord.set(name.replace(/\.py$/, ""), name);
  }
  const needed = new Set<string>();
  const queue = ["__init__", "support", ...wanted];
  for (let word = queue.pop(); word !== undefined; word = queue.pop()) {
    const name = byWord.get(word);
    if (name === undefined || needed.has(name)) continue;
    needed.add(name);
    for (const [other, imported] of wordsIn(join(folder, name))) {
      // A test module that another one only mentions is not needed for it, unless it is imported.
      if (imported || !/^test_\w+(\.py)?$/.test(other)) queue.push(other);
      // Long names of data are written in two pieces.
      if (other.length >= PIECE) queue.push(...names.filter((each) => each.startsWith(other)));
    }
  }
  return [...needed].sort();
}

/** The words of a module, or of all modules in a folder, and whether each stands behind `test` in an import. */
function wordsIn(path: string): ReadonlyMap<string, boolean> {
  const words = new Map<string, boolean>();
  for (const file of modulesAt(path)) {
    const text = readFileSync(file, "latin1");
    for (const [word] of text.matchAll(/[\w.-]*\w/g)) words.set(word, words.get(word) ?? false);
    for (const [, dotted, list] of text.matchAll(/\b(?:test\.(\w+)|from test import ([\w, ]+))/g))
      for (const word of (dotted ?? list ?? "").split(/[, ]+/)) words.set(word, true);
  }
  return words;
}

function modulesAt(path: string): readonly string[] {
  if (path.endsWith(".py")) return [path];
  if (!statSync(path).isDirectory()) return [];
  return readdirSync(path, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".py"))
    .map((name) => join(path, name));
}
