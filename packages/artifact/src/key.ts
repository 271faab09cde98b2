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
export function artifactKey({ code, sourceMap, engine, version, rules }: KeyParts): string {
  // Loaded here because it is slow to load.
  const { createHash } = process.getBuiltinModule("node:crypto");
  const hash = createHash("sha256");
  for (const part of [engine, version, rules, sourceMap, code])
    hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest("hex");
}
