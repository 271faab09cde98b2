import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { digest, digestFile } from "./digest.ts";
import { artifactsName, licencesOf, PIN } from "./pin.ts";
import { enginesIn } from "./places.ts";
import type { EnginePlaces, ReadyEngine } from "./ready.ts";
import { writeWhole } from "./write.ts";

/** The licences of all that an engine is made of, as one text, in the engine's folder. */
export const LICENCES = "LICENSES.txt";

const RULE = "=".repeat(80);

/**
 * The licences of a release as one text: the same bytes on each machine, since `SHA256SUMS` is pinned.
 * @param folder that of the release's files
 * @param sums the text of its `SHA256SUMS`
 * @returns null if one of them is not there, or not what it was
 */
export function joinLicences(folder: string, sums: string): string | null {
  const parts: string[] = [];
  for (const [name, hash] of [...licencesOf(sums)].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const path = join(folder, name);
    if (!existsSync(path) || digestFile(path).sha256 !== hash) return null;
    parts.push(`${RULE}\n${name.slice("LICENSES/".length)}\n${RULE}\n\n${readFileSync(path, "utf8")}\n`);
  }
  const list = "What this is made of, and the licence of each part, whole.";
  return parts.length === 0 ? null : `${list}\n\n${parts.join("\n")}`;
}

/** Puts the licences of a release beside the engine that is made from it, if they are there. */
export function keepLicences(engine: string, artifacts: string): void {
  const sums = readFileSync(join(artifacts, "SHA256SUMS"), "utf8");
  const text = joinLicences(artifacts, sums);
  if (text !== null) writeWhole(join(engine, LICENCES), Buffer.from(text));
}

/**
 * The licences of an engine that is ready. Looked for beside it, then where the release's own files are kept.
 * @returns null if they are nowhere
 */
export function readLicences(engine: ReadyEngine, places: EnginePlaces): string | null {
  const { size, sha256 } = PIN.licences;
  const right = (text: string | null): boolean => {
    const found = text === null ? null : digest(Buffer.from(text));
    return found?.size === size && found.sha256 === sha256;
  };
  const kept = join(engine.folder, LICENCES);
  const beside = existsSync(kept) ? readFileSync(kept, "utf8") : null;
  if (right(beside)) return beside;
  const artifacts = join(enginesIn(places.cache), artifactsName(PIN));
  const sums = join(artifacts, "SHA256SUMS");
  const joined = existsSync(sums) ? joinLicences(artifacts, readFileSync(sums, "utf8")) : null;
  return right(joined) ? joined : null;
}
