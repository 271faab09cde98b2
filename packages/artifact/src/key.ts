import { breath, isLong } from "@capsule-run/protocol";

/** Everything that decides what a program is compiled to. */
export interface KeyParts {
  /** The bundled program. */
  readonly code: Uint8Array;
  /** As JSON: it decides what is told of a program, and which of its parameters are optional. */
  readonly sourceMap: string;
  /** Content hash of the engine. */
  readonly engine: string;
  /** Capsule's version. */
  readonly version: string;
  /** Version of the rules by which programs are loaded and snapshots are taken. */
  readonly rules: string;
}

/** The artifact's name: SHA-256 of its parts, 64 hexadecimal digits. Used when compiling, not when starting. */
export async function artifactKey({ code, sourceMap, engine, version, rules }: KeyParts): Promise<string> {
  // Loaded here because it is slow to load.
  const { createHash } = process.getBuiltinModule("node:crypto");
  const hash = createHash("sha256");
  for (const part of [engine, version, rules, sourceMap, code]) {
    const bytes = typeof part === "string" ? Buffer.from(part) : part;
    hash.update(`${bytes.length}:`);
    for (let at = 0; at < bytes.length; at += CHUNK) {
      if (isLong()) await breath();
      hash.update(bytes.subarray(at, at + CHUNK));
    }
  }
  return hash.digest("hex");
}

const CHUNK = 256 * 1024;
