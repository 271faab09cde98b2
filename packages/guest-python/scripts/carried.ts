/**
 * Writes down what the Python engine carries, as `bundle` needs to know it: `src/bundle/carried.json`.
 *
 *     node packages/guest-python/scripts/carried.ts ARTIFACTS NAMES
 *
 * ARTIFACTS is the folder with the engine's `MANIFEST` and `python-stdlib.zip`; NAMES a file with what the engine itself
 * prints for `import sys, json; print(json.dumps([sorted(sys.stdlib_module_names), sorted(sys.builtin_module_names)]))`.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readZip } from "../src/bundle/dependencies/zip.ts";

const [artifacts, names] = process.argv.slice(2);
if (!artifacts || !names) throw new Error("Usage: carried.ts ARTIFACTS NAMES");

const manifest = readFileSync(join(artifacts, "MANIFEST"), "utf8");
const version = /^python (\S+)$/m.exec(manifest)?.[1];
const versions = new Map([...manifest.matchAll(/^package (\S+) (\S+)$/gm)].map(([, name, is]) => [name, is]));
const entries = readZip(readFileSync(join(artifacts, "python-stdlib.zip")));

const packages = entries.flatMap((entry) => {
  if (!/^[^/]+\.dist-info\/METADATA$/.test(entry.name)) return [];
  const head = Buffer.from(entry.read()).toString().split(/\n\n/, 1)[0] as string;
  const all = (field: string) =>
    [...head.matchAll(new RegExp(`^${field}: (.*)$`, "gm"))].map(([, value]) => value as string);
  const name = (all("Name")[0] as string).toLowerCase().replace(/[-_.]+/g, "-");
  const [is] = all("Version");
  if (versions.get(name) !== is)
    throw new Error(`${name}: MANIFEST says ${versions.get(name)}, METADATA ${is}`);
  return [{ name, version: is, extras: all("Provides-Extra"), requires: all("Requires-Dist") }];
});

const [library, compiled] = JSON.parse(readFileSync(names, "utf8")) as [string[], string[]];
const builtin = compiled.filter((name) => !name.includes("."));
const modules = new Set(
  entries.flatMap(({ name }) => (name.includes(".dist-info/") ? [] : (/^[^/.]+/.exec(name) ?? []))),
);
// Without its metadata no package: what is in the archive beside is the standard library, or the engine's own.
const OWN = ["host", "_host", "_reactor"];
const standard = new Set([...library, ...builtin, ...OWN]);

const json = {
  python: version,
  packages: packages.sort((a, b) => (a.name < b.name ? -1 : 1)),
  modules: [...modules].filter((name) => !standard.has(name) && !name.startsWith("_")).sort(),
  standard: [...standard].sort(),
  builtin,
};
writeFileSync(
  fileURLToPath(new URL("../src/bundle/carried.json", import.meta.url)),
  `${JSON.stringify(json, null, 1)}\n`,
);
