/**
 * Packs what is published on npm: `node scripts/pack.ts [--out FOLDER] [--engine]`, after `npm run build`. Writes a tarball
 * for each package that is not private into the folder, `dist` in the root by default, and prints their paths. Each holds
 * what its `files` name and nothing that only developers need; see `publishedManifest`. `--engine` packs the Python engine
 * too, ready to start, which is made if it is not there yet.
 */
import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { buildWasm } from "../packages/wasm/scripts/build.ts";
import {
  commonDeclaration,
  commonText,
  declarationsOf,
  type Manifest,
  publishedManifest,
} from "./pack/manifest.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

interface Package {
  readonly folder: string;
  readonly manifest: Manifest;
}

const readManifest = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));

/** The packages of this workspace that are published. */
export const publishedPackages = (): readonly Package[] =>
  globSync("packages/*/package.json", { cwd: root })
    .sort()
    .map((path) => dirname(join(root, path)))
    .map((folder) => ({ folder, manifest: readManifest(folder) }))
    .filter(({ manifest }) => manifest.private !== true);

/** A readme for those who have only the package: links into the source are words. */
const readme = (text: string): string => text.replaceAll(/\[([^\]]+)\]\((?!https?:|#)[^)]*\)/g, "$1");

/** Puts what a package publishes into a new folder. */
function stage({ folder, manifest }: Package, released: ReadonlySet<string>, to: string): void {
  mkdirSync(to, { recursive: true });
  const published = publishedManifest(manifest, released);
  writeFileSync(join(to, "package.json"), `${JSON.stringify(published, null, 2)}\n`);
  for (const name of published.files as readonly string[]) {
    if (!existsSync(join(folder, name)))
      throw new Error(`${manifest.name} has no ${name}: run npm run build`);
    cpSync(join(folder, name), join(to, name), { recursive: true });
  }
  writeFileSync(join(to, "README.md"), readme(readFileSync(join(folder, "README.md"), "utf8")));
  const read = (path: string): string => readFileSync(join(to, path), "utf8");
  const wanted = declarationsOf(manifest, read);
  for (const path of globSync("dist/**/*.d.ts", { cwd: to }))
    if (!wanted.has(path)) rmSync(join(to, path));
    else writeFileSync(join(to, commonDeclaration(path)), commonText(read(path)));
}

/** Packs everything; the paths of the tarballs. */
export async function pack(out: string, { engine = false } = {}): Promise<readonly string[]> {
  await buildWasm();
  const staging = mkdtempSync(join(tmpdir(), "capsule-pack-"));
  try {
    const packages = publishedPackages();
    const released = new Set(packages.map(({ manifest }) => manifest.name));
    const staged = packages.map((each) => {
      const to = join(staging, each.manifest.name.split("/").at(-1) as string);
      stage(each, released, to);
      return to;
    });
    if (engine) {
      const to = join(staging, "engine-python");
      const script = join(root, "packages/engine-python/scripts/build-package.ts");
      execFileSync(process.execPath, [script, to], { stdio: ["ignore", "ignore", "inherit"] });
      staged.push(to);
    }
    mkdirSync(out, { recursive: true });
    const told = execFileSync("npm", ["pack", ...staged, "--json", "--pack-destination", out], {
      encoding: "utf8",
      shell: process.platform === "win32",
      stdio: ["ignore", "pipe", "inherit"],
    });
    return namesIn(JSON.parse(told)).map((name) => join(out, name));
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

/** npm lists what it packed, from version 12 on by package. */
const namesIn = (told: readonly Packed[] | Readonly<Record<string, Packed>>): readonly string[] =>
  Object.values(told).map(({ filename }) => filename);

interface Packed {
  readonly filename: string;
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      out: { type: "string", default: join(root, "dist") },
      engine: { type: "boolean", default: false },
    },
  });
  for (const path of await pack(resolve(values.out), { engine: values.engine })) console.log(path);
}
