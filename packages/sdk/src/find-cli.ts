import { readFileSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { UsageError } from "@capsule-run/protocol";
import manifest from "../package.json" with { type: "json" };
import type { CliRuntime } from "./cli-runtime.ts";

const CLI = "@capsule-run/cli";

/** The command line's package, or null if it can't be found from a place. */
function foundFrom(place: string | URL): string | null {
  try {
    return dirname(createRequire(place).resolve(`${CLI}/package.json`));
  } catch {
    return null;
  }
}

/** Name and version of the package in a folder; null if there is none. */
function packageIn(folder: string): { readonly name?: unknown; readonly version?: unknown } | null {
  try {
    return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  } catch {
    return null;
  }
}

/** The folder of the package that a path leads to: to itself, or to a file in it, such as its command. */
function folderOf(capsulePath: string): string {
  const missing = (): UsageError =>
    new UsageError(
      "cli-missing",
      `capsulePath is ${JSON.stringify(capsulePath)}, which does not lead to ${CLI}: give its folder, or its command`,
    );
  let path: string;
  try {
    path = realpathSync(resolve(capsulePath));
  } catch {
    throw missing();
  }
  for (let folder = path; ; folder = dirname(folder)) {
    if (packageIn(folder)?.name === CLI) return folder;
    if (folder === dirname(folder)) throw missing();
  }
}

/** What was found, by `capsulePath`. */
const known = new Map<string | undefined, string>();

/**
 * The folder of the command line, looked for once.
 * @param beside a module of a package that depends on it, to be looked for from there, too
 * @throws UsageError as `search` does
 */
export function findCli(capsulePath: string | undefined, beside?: string): string {
  const folder = known.get(capsulePath) ?? search(capsulePath, beside);
  known.set(capsulePath, folder);
  return folder;
}

/**
 * The folder of the command line: beside the program that this process was started with, else beside the package that
 * asks, else beside the SDK. Never in the folder of what is run: that may be code nobody trusts.
 * @throws UsageError `cli-missing`, `cli-version`
 */
function search(capsulePath: string | undefined, beside: string | undefined): string {
  const main = process.argv[1];
  const folder =
    capsulePath === undefined
      ? (foundFrom(pathToFileURL(main === undefined ? join(process.cwd(), "x") : resolve(main))) ??
        (beside === undefined ? null : foundFrom(beside)) ??
        foundFrom(import.meta.url))
      : folderOf(capsulePath);
  if (folder === null)
    throw new UsageError(
      "cli-missing",
      `${CLI} is not installed; run() needs it: npm install ${CLI}@${manifest.version}, or say where it is with capsulePath`,
    );
  const { version } = packageIn(folder) ?? {};
  if (version !== manifest.version)
    throw new UsageError(
      "cli-version",
      `@capsule-run/sdk is version ${manifest.version}, ${CLI} is ${String(version)}: install the same version of both`,
    );
  return realpathSync(folder);
}

/**
 * The one door upwards: the SDK is below the command line, and knows its runtime by this call only.
 * @typeParam T what the caller uses of `@capsule-run/cli/runtime`
 * @throws UsageError `node-version`, `engine`
 */
export function loadCli<T = CliRuntime>(folder: string): T {
  if (Number.parseInt(process.versions.node, 10) < 24)
    throw new UsageError(
      "node-version",
      `Capsule needs Node 24 or newer, and this program runs on ${process.version}: start it with one, such as the npm package "node" (npm install node, then npx node)`,
    );
  try {
    return createRequire(join(folder, "package.json"))("./dist/runtime.js") as T;
  } catch (error) {
    throw new UsageError("engine", `${CLI} is damaged: install it again`, { cause: error });
  }
}
