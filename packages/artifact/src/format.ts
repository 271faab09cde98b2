import type { ProgramManifest } from "@capsule-run/protocol";
import { fingerprintInParts } from "./fingerprint.ts";

/** A compiled program as it is kept: everything a run needs except the source map, which only errors need. */
export interface StoredArtifact {
  /** The artifact's name: see `artifactKey`. */
  readonly key: string;
  readonly manifest: ProgramManifest;
  /** The engine's mutable globals. */
  readonly globals: readonly number[];
  /** Page difference to the engine's image. */
  readonly pages: Uint8Array;
  /** The bundled program, for artifacts whose snapshot was taken before it; else empty. */
  readonly bundle: Uint8Array;
}

export interface Artifact extends StoredArtifact {
  /** JSON. */
  readonly sourceMap: string;
}

/**
 * A file of the cache: `magic (8 bytes) · u32 format · u32 length of head · fingerprint of what follows (16 digits) ·
 * head (JSON) · page difference · bundle`, little endian.
 */
const MAGIC = Buffer.from("CAPSULE\n");
const FORMAT = 2;
const HEADER = 32;

interface Head {
  readonly key: string;
  readonly manifest: ProgramManifest;
  readonly globals: readonly number[];
  readonly pages: number;
  readonly bundle: number;
}

export async function encodeArtifact({
  key,
  manifest,
  globals,
  pages,
  bundle,
}: StoredArtifact): Promise<Buffer> {
  const parts: Head = { key, manifest, globals, pages: pages.length, bundle: bundle.length };
  const head = Buffer.from(JSON.stringify(parts));
  const file = Buffer.concat([Buffer.alloc(HEADER), head, pages, bundle]);
  MAGIC.copy(file, 0);
  file.writeUInt32LE(FORMAT, 8);
  file.writeUInt32LE(head.length, 12);
  file.write(await fingerprintInParts(file.subarray(HEADER)), 16, "latin1");
  return file;
}

/** Null for whatever is not exactly what `encodeArtifact` made for this key. */
export async function decodeArtifact(file: Buffer, key: string): Promise<StoredArtifact | null> {
  if (file.length < HEADER || !file.subarray(0, 8).equals(MAGIC) || file.readUInt32LE(8) !== FORMAT)
    return null;
  const headEnd = HEADER + file.readUInt32LE(12);
  if (headEnd > file.length) return null;
  if (file.toString("latin1", 16, HEADER) !== (await fingerprintInParts(file.subarray(HEADER)))) return null;
  try {
    const head = JSON.parse(file.toString("utf8", HEADER, headEnd)) as Head;
    const pagesEnd = headEnd + head.pages;
    if (head.key !== key || pagesEnd + head.bundle !== file.length) return null;
    return {
      key,
      manifest: head.manifest,
      globals: head.globals,
      pages: file.subarray(headEnd, pagesEnd),
      bundle: file.subarray(pagesEnd),
    };
  } catch {
    return null;
  }
}
