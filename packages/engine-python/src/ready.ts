import { mkdirSync, statSync, utimesSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { digestFile, type Stamp, sameFile, sameStamp, stampOf } from "./digest.ts";
import { enginesIn, temporaryCache } from "./places.ts";
import {
  type EngineRecord,
  filesOf,
  imageName,
  RECORD,
  readRecord,
  STDLIB,
  type Variant,
  type VariantRecord,
  wasmName,
} from "./record.ts";
import { writeWhole } from "./write.ts";

export { userCacheFolder } from "./places.ts";

/** Where an engine may be. */
export interface EnginePlaces {
  /**
   * The name of the engine that is wanted, and of its folder: `python-` and 16 hex digits, a hash over everything that
   * decides its bytes.
   */
  readonly key: string;
  /** The user's cache folder. */
  readonly cache: string;
  /** Files or folders as whose neighbours the npm package may be installed. Not the user's working directory. */
  readonly from: readonly string[];
}

/** The npm package that holds an engine, ready to start. */
export const ENGINE_PACKAGE = "@capsule-run/engine-python";
/** Its folder in the package. */
export const PACKAGE_FOLDER = "engine";

export type Origin = "npm package" | "cache" | "temporary cache";

/** An engine that can be started. */
export interface ReadyEngine extends VariantRecord {
  readonly key: string;
  readonly variant: Variant;
  readonly origin: Origin;
  readonly folder: string;
  /** Paths of its parts. */
  readonly wasm: string;
  readonly image: string;
  readonly stdlib: string;
}

/** What is in a folder. */
export type Finding =
  | { readonly state: "ready"; readonly engine: ReadyEngine }
  | { readonly state: "absent" }
  /** Something that is not what it has to be; `file` says what. */
  | { readonly state: "damaged"; readonly folder: string; readonly file: string };

/** A folder that may hold the engine. */
export interface Candidate {
  readonly folder: string;
  readonly origin: Origin;
}

/**
 * The folders to look into, in order. The cache comes before the npm package because its look-up is the cheaper one;
 * both hold the same bytes, since the key stands for all that decides them.
 */
export function* candidates({ key, cache, from }: EnginePlaces): Generator<Candidate> {
  yield { folder: join(enginesIn(cache), key), origin: "cache" };
  const installed = installedPackage(from);
  if (installed) yield { folder: join(installed, PACKAGE_FOLDER), origin: "npm package" };
  const temporary = temporaryCache();
  if (temporary) yield { folder: join(enginesIn(temporary), key), origin: "temporary cache" };
}

/** The folder of the installed npm package; null without one. */
function installedPackage(from: readonly string[]): string | null {
  for (const path of from)
    try {
      return dirname(createRequire(path).resolve(`${ENGINE_PACKAGE}/package.json`));
    } catch {
      // Not installed there.
    }
  return null;
}

/** The version of Capsule that the installed npm package is for, if it is not this one. */
export function otherPackage({ key, from }: EnginePlaces): string | null {
  const installed = installedPackage(from);
  const record = installed && readRecord(join(installed, PACKAGE_FOLDER));
  return record && record.key !== key ? record.version : null;
}

/**
 * The engine, if it is ready to start; else null. This is on the way of every run: some calls of `stat`, one JSON
 * file, and nothing else as long as nothing has changed.
 * @param onDamage told of each folder that holds something wrong
 */
export function findReadyEngine(
  places: EnginePlaces,
  variant: Variant,
  onDamage: (finding: Extract<Finding, { state: "damaged" }>) => void = () => {},
): ReadyEngine | null {
  for (const candidate of candidates(places)) {
    const finding = inspect(candidate, places.key, variant);
    if (finding.state === "ready") return finding.engine;
    if (finding.state === "damaged") onDamage(finding);
  }
  return null;
}

/**
 * Looks at one folder. Files whose stamp is not the one of the last verification are hashed, `everything` hashes all.
 * Of the npm package only sizes are looked at: npm has compared its hash when it installed it, as it has with the code
 * that is executing here, and there is nowhere to write a stamp to.
 */
export function inspect(
  { folder, origin }: Candidate,
  key: string,
  variant: Variant,
  everything = false,
): Finding {
  const record = readRecord(folder);
  const part = record?.variants[variant];
  if (!record || record.key !== key || !part) return { state: "absent" };
  const stamps: Record<string, Stamp> = {};
  let changed = false;
  for (const name of filesOf(variant)) {
    const wanted = record.files[name];
    const path = join(folder, name);
    // Before the content is looked at: what happens to it from here on shows in the next stamp.
    const stamp = stampOf(path);
    const damaged: Finding = { state: "damaged", folder, file: name };
    if (!wanted || stamp?.size !== wanted.size) return damaged;
    const known = origin === "npm package" || sameStamp(stamp, record.verified?.[name]);
    if (everything || !known) {
      if (!sameFile(digestFile(path), wanted)) return damaged;
      changed ||= !known;
    }
    stamps[name] = stamp;
  }
  if (changed) remember(folder, record, stamps);
  else if (origin !== "npm package") markUsed(folder);
  const paths = {
    wasm: join(folder, wasmName(variant)),
    image: join(folder, imageName(variant)),
    stdlib: join(folder, STDLIB),
  };
  return { state: "ready", engine: { key, variant, origin, folder, ...paths, ...part } };
}

function remember(folder: string, record: EngineRecord, stamps: Readonly<Record<string, Stamp>>): void {
  try {
    writeRecord(folder, { ...record, verified: { ...record.verified, ...stamps } });
  } catch {
    // It is hashed again next time, then.
  }
}

/** Puts the record in place: what it names is there already. */
export function writeRecord(folder: string, record: EngineRecord): void {
  mkdirSync(folder, { recursive: true });
  writeWhole(join(folder, RECORD), Buffer.from(`${JSON.stringify(record)}\n`));
}

const DAY = 24 * 60 * 60 * 1000;

/** When a folder was last used, in ms since 1970; for what is neither engine nor artifacts, when it was changed. */
export function usedAt(folder: string): number {
  const mark = statSync(join(folder, RECORD), { throwIfNoEntry: false });
  return (mark ?? statSync(folder, { throwIfNoEntry: false }))?.mtimeMs ?? 0;
}

/** Marks a folder as used, at most once a day. */
function markUsed(folder: string): void {
  try {
    const now = Date.now();
    if (now - usedAt(folder) > DAY) utimesSync(join(folder, RECORD), now / 1000, now / 1000);
  } catch {
    // It may be removed earlier, then.
  }
}
