/** Takes exported artifacts apart and puts them together again, as an attacker would. */
import { createHash } from "node:crypto";
import { customHeader, SECTIONS } from "../../packages/artifact/src/exported/sections.ts";

export interface Piece {
  readonly name: string;
  readonly content: Buffer;
}

/** An artifact's engine, and its sections. */
export interface Pieces {
  readonly engine: Buffer;
  readonly sections: readonly Piece[];
}

function leb(bytes: Buffer, at: number): { value: number; at: number } {
  let value = 0;
  for (let shift = 0; ; shift++) {
    const byte = bytes[at++] as number;
    value += (byte & 127) * 2 ** (7 * shift);
    if (byte < 128) return { value, at };
  }
}

export function takeApart(file: Buffer): Pieces {
  const sections: Piece[] = [];
  let engine = file.length;
  for (let at = 8; at < file.length; ) {
    const length = leb(file, at + 1);
    const end = length.at + length.value;
    if (file[at] === 0) {
      const size = leb(file, length.at);
      const name = file.toString("latin1", size.at, size.at + size.value);
      if (name.startsWith("capsule.")) {
        engine = Math.min(engine, at);
        sections.push({ name, content: file.subarray(size.at + size.value, end) });
      }
    }
    at = end;
  }
  return { engine: file.subarray(0, engine), sections };
}

/** Puts an artifact together, with the digest that its content should have. */
export function putTogether({ engine, sections }: Pieces): Buffer {
  const body = Buffer.concat([
    engine,
    ...sections
      .filter(({ name }) => name !== SECTIONS.digest)
      .flatMap(({ name, content }) => [customHeader(name, content.length), content]),
  ]);
  const digest = createHash("sha256").update(body).digest();
  return Buffer.concat([body, customHeader(SECTIONS.digest, digest.length), digest]);
}

/** An artifact with another content of some sections, signed anew; null leaves a section out. */
export function forge(file: Buffer, changes: Readonly<Record<string, Buffer | string | null>>): Buffer {
  const { engine, sections } = takeApart(file);
  const changed = sections.flatMap(({ name, content }) => {
    const change = Object.hasOwn(changes, name) ? changes[name] : content;
    return change === null || change === undefined ? [] : [{ name, content: Buffer.from(change) }];
  });
  return putTogether({ engine, sections: changed });
}

export interface ManifestJson {
  format: number;
  capsule: string;
  language: string;
  variant: string;
  engine: string;
  program: { tasks: { name: string; policy: Record<string, unknown> }[] } & Record<string, unknown>;
  globals: number[];
  [field: string]: unknown;
}

/** An artifact with a manifest that was changed, signed anew. */
export function withManifest(file: Buffer, change: (manifest: ManifestJson) => void): Buffer {
  const manifest = readManifest(file);
  change(manifest);
  return forge(file, { [SECTIONS.manifest]: JSON.stringify(manifest) });
}

export const contentOf = (file: Buffer, name: string): Buffer | undefined =>
  takeApart(file).sections.find((section) => section.name === name)?.content;

export const readManifest = (file: Buffer): ManifestJson =>
  JSON.parse(contentOf(file, SECTIONS.manifest)?.toString() ?? "null");
