import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type FindOptions, installedFolders, seemsRight } from "./find.ts";
import { artifactsName, PIN, type Pin, type PinnedFile, versionsOf } from "./pin.ts";
import { enginesIn, temporaryCache } from "./places.ts";
import { candidates, type EnginePlaces, inspect, type Origin } from "./ready.ts";
import { filesOf, readRecord, VARIANTS, type Variant } from "./record.ts";

/**
 * `unmade`: what it is made from is on this machine, so that it is made when it is first needed, without a network.
 * `absent`: it has to be fetched first.
 */
export type State = "ready" | "damaged" | "unmade" | "absent";

/** A variant of the Python engine on this machine. */
export interface Listing {
  readonly variant: Variant;
  readonly state: State;
  /** Content hash; null if it is not ready. */
  readonly hash: string | null;
  /** Of Python and of the packages in it; empty if they are not known. */
  readonly versions: Readonly<Record<string, string>>;
  /** Its files: sizes and hashes. */
  readonly files: Readonly<Record<string, PinnedFile>>;
  /** The folder it stands in, and of what kind that is; of what it would be made from if it is not made. */
  readonly folder: string | null;
  readonly origin: Origin | "Python package" | null;
  /** The package that it was, or would be, made from, and what brought that. */
  readonly source: { readonly package: string; readonly version: string; readonly from: string | null };
  /** The file that is wrong, if it is damaged. */
  readonly damage: string | null;
}

export interface ListOptions extends Pick<FindOptions, "env" | "signal"> {
  /** Hashes every file instead of looking at stamps. */
  readonly verify?: boolean;
  readonly pin?: Pin;
}

/** Both variants of the Python engine: whether they are there, and what they are. */
export async function listPython(places: EnginePlaces, options: ListOptions): Promise<readonly Listing[]> {
  const { pin = PIN, verify = false } = options;
  const made = VARIANTS.map((variant) => listMade(places, variant, verify));
  const missing = made.some((listing) => listing === null);
  const unmade = missing ? await listUnmade(places, { ...options, pin }) : null;
  return VARIANTS.map((variant, i) => made[i] ?? { ...(unmade as Omit<Listing, "variant">), variant });
}

/** The first folder that holds the variant; one that holds it damaged only if there is no other. */
function listMade(places: EnginePlaces, variant: Variant, verify: boolean): Listing | null {
  let damaged: Listing | null = null;
  for (const candidate of candidates(places)) {
    const { folder, origin } = candidate;
    const finding = inspect(candidate, places.key, variant, verify);
    const record = readRecord(folder);
    if (finding.state === "absent" || !record) continue;
    const known = filesOf(variant).flatMap((name) => {
      const file = record.files[name];
      return file ? [[name, file] as const] : [];
    });
    const listing: Listing = {
      variant,
      state: finding.state,
      hash: finding.state === "ready" ? finding.engine.hash : null,
      versions: record.versions,
      files: Object.fromEntries(known),
      folder,
      origin,
      source: record.source,
      damage: finding.state === "damaged" ? finding.file : null,
    };
    if (finding.state === "ready") return listing;
    damaged ??= listing;
  }
  return damaged;
}

async function listUnmade({ cache }: EnginePlaces, options: FindOptions): Promise<Omit<Listing, "variant">> {
  const { pin } = options;
  const temporary = temporaryCache();
  const caches = [cache, ...(temporary ? [temporary] : [])].map((folder) => enginesIn(folder));
  const here = caches
    .map((engines) => join(engines, artifactsName(pin)))
    .find((folder) => seemsRight(folder, pin));
  const installed =
    here ?? (await installedFolders(options)).find((folder) => seemsRight(folder, pin)) ?? null;
  return {
    state: installed === null ? "absent" : "unmade",
    hash: null,
    versions: installed === null ? {} : versionsOf(readFileSync(join(installed, "MANIFEST"), "utf8")),
    files: {},
    folder: installed,
    origin: installed === null ? null : here === undefined ? "Python package" : "cache",
    source: { package: pin.package, version: pin.version, from: null },
    damage: null,
  };
}
