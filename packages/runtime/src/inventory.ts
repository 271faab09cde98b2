import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Listing, listPython } from "@capsule-run/engine-python/list";
import { engineHash, readEngineInfo } from "@capsule-run/guest-javascript/drive";
import { PARTS } from "@capsule-run/guest-javascript/parts";
import type { Language, Variant } from "@capsule-run/protocol";
import type { Progress } from "./api.ts";
import { python } from "./engine-source.ts";
import { javascriptEngine } from "./parts.ts";
import { pythonPlaces } from "./python.ts";

/** An engine, or a variant of one, as `capsule engines` shows it. */
export interface InstalledEngine {
  readonly engine: string;
  readonly language: Language;
  /** Null for an engine that has only one. */
  readonly variant: Variant | null;
  /** `unmade`: made when it is first needed, without a network. `absent`: fetched before that. */
  readonly state: "ready" | "damaged" | "unmade" | "absent";
  /** Content hash, which artifacts name; null if it is not ready. */
  readonly hash: string | null;
  readonly versions: Readonly<Record<string, string>>;
  readonly files: readonly { readonly name: string; readonly size: number; readonly sha256: string }[];
  /** Where it is, and in words what that is. Of what it would be made from, if it is not made. */
  readonly folder: string | null;
  readonly origin: string | null;
  /** What it was, or would be, made from. */
  readonly source: string;
  /** What is wrong with it. */
  readonly damage: string | null;
}

/** Everything Capsule can run programs with on this machine. `verify` hashes every file. */
export async function listEngines({ verify = false } = {}): Promise<readonly InstalledEngine[]> {
  const python = await listPython(pythonPlaces(), { env: process.env, verify });
  return [quickJs(verify), ...python.map(fromListing)];
}

export interface PrepareOptions {
  /** Null at the end of each step. */
  readonly onProgress: (progress: Progress | null) => void;
  readonly onWarning: (message: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Fetches and makes whatever is not ready, so that programs start at once and without a network from then on.
 * @throws UsageError if that can't be
 */
export async function prepareEngines({ onProgress, onWarning, signal }: PrepareOptions): Promise<void> {
  for (const variant of ["core", "full"] as const)
    await python(variant, { progress: onProgress, warn: onWarning, signal });
}

function fromListing({ source, origin, files, ...listing }: Listing): InstalledEngine {
  const by = source.from === null ? "" : ` (${source.from})`;
  return {
    engine: "cpython",
    language: "python",
    ...listing,
    files: Object.entries(files).map(([name, file]) => ({ name, ...file })),
    origin,
    source: `${source.package} ${source.version}${by}`,
  };
}

function quickJs(verify: boolean): InstalledEngine {
  const folder = javascriptEngine();
  const { hash, versions } = readEngineInfo(folder);
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => statSync(join(folder, name)).isFile())
    .sort();
  const files = names.map((name) => {
    const bytes = readFileSync(join(folder, name));
    return { name, size: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
  });
  const damaged = verify && quickJsHash(folder) !== hash;
  return {
    engine: "quickjs",
    language: "javascript",
    variant: null,
    state: damaged ? "damaged" : "ready",
    hash: damaged ? null : hash,
    versions,
    files,
    folder,
    origin: "command line",
    source: Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(", "),
    damage: damaged ? "its files do not have the hash they had when they were built" : null,
  };
}

/** The hash of an engine folder's content. */
function quickJsHash(folder: string): string {
  const read = (name: string): Buffer => readFileSync(join(folder, name));
  const libraries = Object.keys(PARTS).map((name) => [name, read(`library/${name}.js`).toString()]);
  return engineHash(read("engine.wasm"), read("image.bin"), Object.fromEntries(libraries));
}
