import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { OWN, SECTIONS, WASM_MAGIC } from "./sections.ts";

/** One of our sections, as it stands in a file: positions in bytes. */
export interface Section {
  readonly name: string;
  /** Where its header begins, where its content does, and where it ends. */
  readonly start: number;
  readonly content: number;
  readonly end: number;
}

/** How a file is cut into sections: what is told from their headers alone. */
export interface Walk {
  /** Whether it begins as a WebAssembly module does. */
  readonly wasm: boolean;
  /** Where the first of our sections begins; the end of what was understood, if there is none. */
  readonly engine: number;
  /** Ours, and whatever stands behind the first of them. */
  readonly sections: readonly Section[];
  /** Whether the last section ends where the file does, or how it goes wrong. */
  readonly ends: "well" | "early" | "badly";
}

/** More than any module of ours has. */
const MOST_SECTIONS = 200;
const MOST_NAME = 100;
/** The longest header: an id, a length, the length of a name, and that. */
const HEADER = 1 + 5 + 5 + MOST_NAME;

/** Walks over the sections of an open file. Reads their headers only. */
export function walk(file: number, size: number): Walk {
  const magic = readAt(file, 0, WASM_MAGIC.length);
  if (!magic.equals(WASM_MAGIC)) return { wasm: false, engine: 0, sections: [], ends: "badly" };
  const sections: Section[] = [];
  let at = WASM_MAGIC.length;
  const done = (ends: Walk["ends"]): Walk => ({
    wasm: true,
    engine: sections[0]?.start ?? at,
    sections,
    ends,
  });
  for (let count = 0; at < size; count++) {
    if (count === MOST_SECTIONS) return done("badly");
    const header = new Cursor(readAt(file, at, Math.min(HEADER, size - at)));
    const id = header.byte();
    const length = header.leb();
    if (id === null || length === null) return done(size - at < HEADER ? "early" : "badly");
    const end = at + header.at + length;
    const name = id === 0 ? header.name() : "";
    const own = name?.startsWith(OWN) || sections.length > 0;
    if (own) sections.push({ name: name ?? "", start: at, content: at + header.at, end });
    if (end > size) return done("early");
    at = end;
  }
  return done("well");
}

/** Reads bytes one after the other; null where there are no more, or none that mean something. */
class Cursor {
  at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  byte(): number | null {
    return this.#bytes[this.at++] ?? null;
  }

  /** An unsigned LEB128 of 32 bits. */
  leb(): number | null {
    let value = 0;
    for (let shift = 0; shift < 5; shift++) {
      const byte = this.byte();
      if (byte === null) return null;
      value += (byte & 127) * 2 ** (7 * shift);
      if (byte < 128) return value < 2 ** 32 ? value : null;
    }
    return null;
  }

  name(): string | null {
    const length = this.leb();
    if (length === null || length > MOST_NAME || this.at + length > this.#bytes.length) return null;
    const text = this.#bytes.toString("latin1", this.at, this.at + length);
    this.at += length;
    return text;
  }
}

/** `length` bytes at a position, or as many as there are. */
export function readAt(file: number, position: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let read = 0;
  while (read < length) {
    const got = readSync(file, bytes, read, length - read, position + read);
    if (got === 0) break;
    read += got;
  }
  return bytes.subarray(0, read);
}

/** Opens a file to read, if it is one: never waits for the other end of a pipe. */
export const openToRead = (path: string): number =>
  openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));

/** Bytes of a manifest that say what is looked for here: they come first. */
const PEEKED = 200;

/**
 * For which engine an exported artifact seems to be; null if it does not look like one. A guess that saves time: nothing
 * else of the file is looked at.
 */
export function peekEngine(path: string): { readonly language: string; readonly variant: string } | null {
  try {
    const file = openToRead(path);
    try {
      const stat = fstatSync(file);
      const [manifest] = stat.isFile() ? walk(file, stat.size).sections : [];
      if (manifest?.name !== SECTIONS.manifest) return null;
      const text = readAt(file, manifest.content, PEEKED).toString("latin1");
      const [, language = "", variant = ""] = /"language":"(\w+)","variant":"(\w+)"/.exec(text) ?? [];
      return { language, variant };
    } finally {
      closeSync(file);
    }
  } catch {
    return null;
  }
}
