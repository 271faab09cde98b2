import { existsSync, lstatSync, readdirSync, realpathSync } from "node:fs";
import { dirname, extname, join, relative, resolve, sep } from "node:path";
import type { PluginBuild } from "esbuild";

/** The detail of an error about a file that is refused. */
export const OUTSIDE = "outside-project";

/** Extensions of code, which may lie in folders with a dot. */
const CODE = new Set([".ts", ".mts", ".cts", ".tsx", ".js", ".mjs", ".cjs", ".jsx"]);

/**
 * Keeps a bundle to files of its project: what a program imports is read by the host and ends up in the program, and a
 * program that nobody has read must not choose freely from the user's disk.
 *
 * Allowed are, links followed: the project root and the folder of the program's file; every `node_modules` in them and
 * above them; packages that those link to, as workspaces do. Files and folders in the project whose names begin with a
 * dot (`.env`, `.git`), and `capsule.toml`, are not, except for code.
 *
 * @param base the project root, real
 * @param file the program's file, absolute
 * @param sdk the guest's SDK, which is looked into for the names it exports
 * @param data the only folders of the project, relative to it, that files other than code may be taken from; null: all
 */
export function confine(
  build: PluginBuild,
  base: string,
  file: string,
  sdk: string,
  data: readonly string[] | null,
): void {
  const folders = [base, dirname(realpathSync(file))];
  const linked = once(() => linkedPackages(folders));
  const open = data?.map((folder) => join(base, folder));
  build.onLoad({ filter: /.*/, namespace: "file" }, ({ path }) => {
    const problem = path === sdk ? null : (refusal(path, folders, linked) ?? closed(path, folders, open));
    return problem === null ? undefined : { errors: [{ text: problem, detail: OUTSIDE }] };
  });
}

function refusal(path: string, folders: readonly string[], linked: () => readonly string[]): string | null {
  if (inNodeModules(path, folders)) return null;
  const home = folders.find((folder) => isInside(path, folder));
  if (home !== undefined) {
    const hidden = relative(home, path)
      .split(sep)
      .some((name) => name.startsWith(".") || name.toLowerCase() === "capsule.toml");
    return hidden && !CODE.has(extname(path)) ? "Hidden files can't be imported into a program" : null;
  }
  if (linked().some((folder) => isInside(path, folder))) return null;
  return "The file is outside of the project: a program is made of files in its project root and of installed packages. The project root is the nearest folder with a capsule.toml, or else the working directory";
}

/** Whether a file of the project that is no code lies where its operator does not let programs look. */
function closed(
  path: string,
  folders: readonly string[],
  open: readonly string[] | undefined,
): string | null {
  if (!open || CODE.has(extname(path)) || inNodeModules(path, folders)) return null;
  if (!folders.some((folder) => isInside(path, folder)) || open.some((folder) => isInside(path, folder)))
    return null;
  return "The file can't be imported into a program: its operator gives it no such file (allowed_files of [policy], or a sealed run)";
}

const isInside = (path: string, folder: string): boolean =>
  path.startsWith(folder.endsWith(sep) ? folder : folder + sep);

/** Whether a path lies in a `node_modules` that imports from these folders look into. */
const inNodeModules = (path: string, folders: readonly string[]): boolean =>
  nodeModulesOf(path).some((found) =>
    folders.some(
      (folder) => isInside(folder, dirname(found)) || folder === dirname(found) || isInside(found, folder),
    ),
  );

/** The `node_modules` folders a path lies in. */
function nodeModulesOf(path: string): string[] {
  const found: string[] = [];
  for (let at = dirname(path); dirname(at) !== at; at = dirname(at))
    if (at.endsWith(`${sep}node_modules`)) found.push(at);
  return found;
}

/** Real folders of packages that a `node_modules` at or above the folders links to, unless it is in there itself. */
function linkedPackages(folders: readonly string[]): string[] {
  const found = new Set<string>();
  for (const folder of folders)
    for (let at = folder; ; at = dirname(at)) {
      for (const path of packagesIn(join(at, "node_modules"))) found.add(path);
      if (dirname(at) === at) break;
    }
  return [...found];
}

function packagesIn(modules: string): string[] {
  if (!existsSync(modules)) return [];
  const links: string[] = [];
  for (const name of readdirSync(modules)) {
    const path = join(modules, name);
    const members = name.startsWith("@") ? readdirSync(path).map((member) => join(path, member)) : [path];
    for (const member of members)
      if (lstatSync(member).isSymbolicLink() && existsSync(member)) links.push(realpathSync(resolve(member)));
  }
  return links;
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
