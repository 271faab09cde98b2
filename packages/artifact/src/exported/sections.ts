/**
 * An exported artifact: the engine's own module, byte for byte, and behind it these custom sections, in this order, each
 * once. Together they are one valid WebAssembly module. `docs/artifacts.md` has the whole format.
 */
export const SECTIONS = {
  /** What the file is, as JSON: see `ExportedManifest`. First, so that it can be read without the rest. */
  manifest: "capsule.manifest",
  /** All of the memory with the program loaded: the page difference to a memory of zeros. */
  snapshot: "capsule.snapshot",
  /** The bundled program, where attempts need it. */
  program: "capsule.program",
  /** How places in the program are those of the user's files, as JSON. */
  sourceMap: "capsule.sourcemap",
  /** The licences of all code of others in the file. */
  licences: "capsule.licenses",
  /** SHA-256 of everything before this section. */
  digest: "capsule.digest",
} as const;

export type SectionName = keyof typeof SECTIONS;

/** What all our sections' names begin with. */
export const OWN = "capsule.";

/** Bytes of a digest. */
export const DIGEST_BYTES = 32;

export const WASM_MAGIC = Buffer.from("\0asm\x01\0\0\0", "latin1");

/** What stands before the content of a custom section of `length` bytes. */
export function customHeader(name: string, length: number): Buffer {
  const inner = Buffer.concat([leb(Buffer.byteLength(name)), Buffer.from(name)]);
  return Buffer.concat([Buffer.from([0]), leb(inner.length + length), inner]);
}

/** An unsigned LEB128. */
function leb(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) | 128);
  }
}
