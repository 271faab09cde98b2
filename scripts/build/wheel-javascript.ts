import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { collectLicences, GO, LICENCES_FILE, readComponent } from "./licences.ts";
import type { Packed } from "./zip.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const cli = join(root, "packages/cli");
const esbuild = join(root, "node_modules/esbuild-wasm");

/** Below the package `capsule`: where its `host/location.py` looks. */
const PLACE = "capsule/_js";

/**
 * The built command line as the wheel holds it, with esbuild as WebAssembly in place of a program for one platform.
 * @throws Error if the command line is not built
 */
export function wheelJavaScript(): readonly Packed[] {
  if (!existsSync(join(cli, "dist/capsule.js")))
    throw new Error("the command line is not built: npm run build");
  return [
    ...packed(cli, ["package.json", "bin/*", "dist/**", "LICENSE", "NOTICE"], PLACE),
    ...esbuildFiles(`${PLACE}/node_modules/esbuild`),
  ];
}

/** Licence texts of the wheel, as `dist-info` has them. */
export const wheelLicences = (): readonly Packed[] => [
  ...["LICENSE", "NOTICE"].map((name) => ({ name, bytes: readFileSync(join(root, name)) })),
  { name: LICENCES_FILE, bytes: readFileSync(join(cli, "dist", LICENCES_FILE)) },
  { name: "ESBUILD-LICENSES.txt", bytes: Buffer.from(esbuildLicences()) },
];

function packed(folder: string, patterns: readonly string[], place: string): readonly Packed[] {
  return globSync([...patterns], { cwd: folder, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const name = path.slice(folder.length + 1).replaceAll("\\", "/");
      return { name: `${place}/${name}`, bytes: readFileSync(path) };
    });
}

/** Its library starts its own script with whatever `node` the `PATH` has, which may be too old, or missing. */
const STARTS = 'return ["node", [path2.join(__dirname, "..", "bin", "esbuild")]];';

function esbuildFiles(place: string): readonly Packed[] {
  const manifest = JSON.parse(readFileSync(join(esbuild, "package.json"), "utf8")) as {
    readonly version: string;
  };
  checkVersion(manifest.version);
  const library = readFileSync(join(esbuild, "lib/main.js"), "utf8");
  if (library.split(STARTS).length !== 2)
    throw new Error(`esbuild-wasm ${manifest.version} starts otherwise than is known`);
  const own = library.replace(STARTS, STARTS.replace('"node"', "process.execPath"));
  return [
    ...packed(esbuild, ["bin/esbuild", "*.js", "esbuild.wasm"], place),
    { name: `${place}/lib/main.js`, bytes: Buffer.from(own) },
    {
      name: `${place}/package.json`,
      bytes: Buffer.from(`${JSON.stringify({ ...manifest, name: "esbuild" }, null, 2)}\n`),
    },
    { name: `${place}/LICENSES.txt`, bytes: Buffer.from(esbuildLicences()) },
  ];
}

/** The two builds of esbuild are one: what is tested with one holds for the other. */
function checkVersion(version: string): void {
  const { dependencies } = JSON.parse(readFileSync(join(cli, "package.json"), "utf8")) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  if (dependencies.esbuild !== version)
    throw new Error(`esbuild is ${dependencies.esbuild}, esbuild-wasm ${version}: they have to be the same`);
}

/** esbuild's own, and that of Go's runtime and library, which are compiled into it. */
const esbuildLicences = (): string => collectLicences([readComponent(esbuild), GO]);
