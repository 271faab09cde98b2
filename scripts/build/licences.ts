import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { buildGuest, GUEST_FOLDER } from "@capsule-run/guest-javascript/guest";
import type { Metafile } from "esbuild";

/** Code of others that ends up in the files Capsule ships. */
export interface Component {
  readonly name: string;
  readonly version: string;
  /** SPDX id. */
  readonly licence: string;
  /** What the licence asks to be passed on, whole. */
  readonly text: string;
}

/** The file that the build writes into the command line's `dist`. */
export const LICENCES_FILE = "THIRD-PARTY-LICENSES.txt";

const root = fileURLToPath(new URL("../../", import.meta.url));
const NODE_MODULES = `${sep}node_modules${sep}`;

/**
 * The folders of the packages whose code is in the outputs of builds. Inputs of which nothing is left after tree
 * shaking do not count.
 * @param workingDir esbuild's, to which a metafile's paths are relative
 */
export function bundledPackages(metafiles: readonly Metafile[], workingDir: string): readonly string[] {
  const folders = new Set<string>();
  for (const { outputs } of metafiles)
    for (const { inputs } of Object.values(outputs))
      for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
        const folder = bytesInOutput > 0 ? packageFolder(resolve(workingDir, path)) : null;
        if (folder !== null) folders.add(folder);
      }
  return [...folders].sort();
}

/** The folder of the installed package that a file belongs to; null for files of our own. */
function packageFolder(path: string): string | null {
  const at = path.lastIndexOf(NODE_MODULES);
  if (at < 0) return null;
  const inside = path.slice(at + NODE_MODULES.length).split(sep);
  const name = inside.slice(0, inside[0]?.startsWith("@") ? 2 : 1);
  return join(path.slice(0, at + NODE_MODULES.length), ...name);
}

const LICENCE_NAME = /^(?:licen[cs]e|copying)(?:[-.].*)?$/i;
const NOTICE_NAME = /^notice(?:[-.].*)?$/i;

/**
 * Name, version and licence of an installed package.
 * @throws Error if it says no licence or brings no text of it: then it can't be shipped
 */
export function readComponent(folder: string): Component {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Record<string, unknown>;
  const { name, version, license } = manifest;
  if (typeof name !== "string" || typeof version !== "string") throw new Error(`${folder} is no package`);
  if (typeof license !== "string") throw new Error(`${name} ${version} names no licence`);
  const files = readdirSync(folder).sort();
  const texts = [
    ...files.filter((file) => LICENCE_NAME.test(file)),
    ...files.filter((f) => NOTICE_NAME.test(f)),
  ];
  if (!texts.some((file) => LICENCE_NAME.test(file)))
    throw new Error(`${name} ${version} is bundled but brings no licence text`);
  const text = texts.map((file) => readFileSync(join(folder, file), "utf8").trim()).join("\n\n");
  return { name, version, licence: license, text };
}

const readText = (name: string): string =>
  readFileSync(new URL(`licences/${name}.txt`, import.meta.url), "utf8").trim();

/** Go's runtime and library, which are in whatever is compiled from it, such as esbuild as WebAssembly. */
export const GO: Component = {
  name: "Go, runtime and library (in esbuild-wasm)",
  version: "as built into esbuild-wasm",
  licence: "BSD-3-Clause",
  text: readText("go"),
};

/**
 * What the engine's Wasm module is compiled from. Its npm package brings only the licence of the wrapper around it,
 * so the texts of the rest are kept in `licences/` beside this file.
 */
export function engineComponents(): readonly Component[] {
  return [
    readComponent(join(root, "node_modules", "quickjs-wasi")),
    {
      name: "QuickJS-NG (in quickjs-wasi)",
      version: quickJsVersion(),
      licence: "MIT AND Unicode-3.0",
      text: readText("quickjs-ng"),
    },
    {
      name: "musl, by way of wasi-libc (in quickjs-wasi)",
      version: "as built into quickjs-wasi",
      licence: "MIT",
      text: readText("musl"),
    },
    {
      name: "cloudlibc, by way of wasi-libc (in quickjs-wasi)",
      version: "as built into quickjs-wasi",
      licence: "BSD-2-Clause",
      text: readText("cloudlibc"),
    },
  ];
}

/** What the SDK of MCP has within its own files, where the bundler does not see it. */
export const mcpComponents = (): readonly Component[] => [
  {
    name: "content-type (in @modelcontextprotocol/server)",
    version: "1.0.5",
    licence: "MIT",
    text: readText("content-type"),
  },
];

/** QuickJS-NG's version stands in the module as text of its own, between NULs. */
export function quickJsVersion(): string {
  const wasm = readFileSync(join(root, "node_modules", "quickjs-wasi", "quickjs.wasm"), "latin1");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: C strings end with NUL
  const version = /\x00(\d+\.\d+\.\d+)\x00/.exec(wasm)?.[1];
  if (version === undefined) throw new Error("quickjs.wasm names no version");
  return version;
}

/** The components, each once, by name. */
export function sorted(components: readonly Component[]): readonly Component[] {
  const known = new Map(components.map((each) => [`${each.name}@${each.version}`, each]));
  return [...known.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The text of the licences file. */
export function collectLicences(components: readonly Component[]): string {
  const rule = "=".repeat(80);
  const parts = components.map(
    ({ name, version, licence, text }) =>
      `${rule}\n${name}\nVersion: ${version}\nLicence: ${licence}\n${rule}\n\n${text.replaceAll("\r\n", "\n")}\n`,
  );
  const list = components.map(({ name, version, licence }) => `- ${name} ${version}: ${licence}`).join("\n");
  return `Parts of others in this folder's files, and their licences.\n\n${list}\n\n${parts.join("\n")}`;
}

/** Everything of others in the built files: the command line's and the cell's bundles, the guest's, the engine. */
export async function shippedComponents(
  metafiles: readonly Metafile[],
  workingDir: string,
): Promise<readonly Component[]> {
  const guest = await buildGuest();
  const bundled = [
    ...bundledPackages(metafiles, workingDir),
    ...bundledPackages(guest.metafiles, GUEST_FOLDER),
  ];
  return sorted([...bundled.map(readComponent), ...engineComponents(), ...mcpComponents()]);
}

/**
 * Writes the licences file into `folder`.
 * @param metafiles of the builds that filled the folder
 * @param workingDir esbuild's `absWorkingDir` in them; default: the process's folder, as esbuild's
 * @throws Error if a bundled package has no licence text
 */
export async function writeLicences(
  folder: string,
  metafiles: readonly Metafile[],
  workingDir: string = process.cwd(),
): Promise<void> {
  const text = collectLicences(await shippedComponents(metafiles, workingDir));
  writeFileSync(join(folder, LICENCES_FILE), text);
  writeFileSync(
    join(folder, "engine-javascript", "LICENSES.txt"),
    collectLicences(await enginePartLicences()),
  );
  writeFileSync(join(folder, CAPSULE_LICENCE_FILE), capsuleLicence());
}

/** The file in `dist` with Capsule's own licence: it goes into exported artifacts, before those of their engines. */
export const CAPSULE_LICENCE_FILE = "CAPSULE-LICENSE.txt";

/** What is in the JavaScript engine's module and image, and so in exported artifacts. */
async function enginePartLicences(): Promise<readonly Component[]> {
  const guest = bundledPackages((await buildGuest()).metafiles, GUEST_FOLDER);
  return sorted([...guest.map(readComponent), ...engineComponents()]);
}

const capsuleLicence = (): string =>
  `This file is an artifact of Capsule's: a program, loaded, in an engine. The engine was changed by the Capsule authors
(metered and made deterministic), and holds code of theirs under the licence that follows. The licences of the others
whose code is in it stand behind that one. The program's own licence is its authors'.

${readFileSync(join(root, "LICENSE"), "utf8").trim()}
`;
