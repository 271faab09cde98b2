import { closeSync, fstatSync, openSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { LIMITS, type ProgramManifest, UsageError } from "@capsule-run/protocol";
import { encodeManifest } from "./manifest.ts";
import { customHeader, SECTIONS, type SectionName } from "./sections.ts";
import { openToRead, walk } from "./walk.ts";

/** Everything that goes into a file. */
export interface ExportParts {
  /** Capsule's version. */
  readonly version: string;
  /** The engine's module, as it is on this machine. */
  readonly engine: Uint8Array;
  readonly manifest: ProgramManifest;
  readonly globals: readonly number[];
  /** See `wholeMemory`. */
  readonly snapshot: Uint8Array;
  /** Empty: attempts don't need it. */
  readonly bundle: Uint8Array;
  readonly sourceMap: string;
  readonly licences: string;
}

/** What was written. */
export interface Exported {
  /** Absolute. */
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * Writes an artifact: whole or not at all, in the place of an older one, but of nothing else.
 * @param given the path as it is shown to the user
 * @throws UsageError if it can't be written there, or is too large
 */
export function writeExported(path: string, given: string, parts: ExportParts): Exported {
  refuseForeign(path, given);
  const { createHash } = process.getBuiltinModule("node:crypto");
  const pieces = piecesOf(parts);
  const digest = createHash("sha256");
  for (const piece of pieces) digest.update(piece);
  const sum = digest.digest();
  pieces.push(customHeader(SECTIONS.digest, sum.length), sum);
  const whole = createHash("sha256");
  for (const piece of pieces) whole.update(piece);
  const bytes = pieces.reduce((total, { length }) => total + length, 0);
  if (bytes > LIMITS.artifactBytes)
    throw new UsageError(
      "artifact",
      `${given} would have ${bytes} bytes; an artifact may have ${LIMITS.artifactBytes}`,
    );
  try {
    writeWhole(path, pieces);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new UsageError(
      "artifact",
      `${given} can't be written: ${code === undefined ? message : inWords(code)}`,
      {
        cause: error,
      },
    );
  }
  return { file: path, bytes, sha256: whole.digest("hex") };
}

function piecesOf(parts: ExportParts): Uint8Array[] {
  const { version, engine, manifest, globals, snapshot, bundle, sourceMap, licences } = parts;
  const section = (name: SectionName, content: Uint8Array): Uint8Array[] => [
    customHeader(SECTIONS[name], content.length),
    content,
  ];
  return [
    engine,
    ...section("manifest", encodeManifest(version, manifest, globals)),
    ...section("snapshot", snapshot),
    ...(bundle.length > 0 ? section("program", bundle) : []),
    ...section("sourceMap", Buffer.from(sourceMap)),
    ...section("licences", Buffer.from(licences)),
  ];
}

/** A file of somebody else's under the name that ours would get is not ours to replace. */
function refuseForeign(path: string, given: string): void {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return;
  if (stat.isFile() && isArtifact(path)) return;
  const what = stat.isDirectory() ? "a folder" : "no artifact of Capsule's";
  throw new UsageError(
    "artifact",
    `${given} exists and is ${what}: it is left as it is; move it away, or rename the program`,
  );
}

function isArtifact(path: string): boolean {
  try {
    const file = openToRead(path);
    try {
      return walk(file, fstatSync(file).size).sections[0]?.name === SECTIONS.manifest;
    } finally {
      closeSync(file);
    }
  } catch {
    return false;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "no permission",
  EPERM: "no permission",
  EROFS: "the file system is read-only",
  ENOSPC: "no space left on the disk",
  EDQUOT: "no space left for this user",
  ENOENT: "the folder does not exist any more",
};

const inWords = (code: string): string => (REASONS[code] === undefined ? code : `${REASONS[code]} (${code})`);

let counter = 0;

/** Others see the old file or the new one. */
function writeWhole(path: string, pieces: readonly Uint8Array[]): void {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.${counter++}.tmp`);
  try {
    const file = openSync(temporary, "wx");
    try {
      for (const piece of pieces)
        for (let at = 0; at < piece.length; ) at += writeSync(file, piece, at, piece.length - at);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
