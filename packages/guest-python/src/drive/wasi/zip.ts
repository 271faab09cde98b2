import type { RandomAccess } from "./nodes.ts";

/** Undoes a raw deflate stream, as `inflateRawSync` of `node:zlib` does; throws if it is longer than `size` bytes. */
export type Inflate = (packed: Uint8Array, size: number) => Uint8Array;

/** A file in a ZIP archive. */
export interface ZipEntry {
  readonly name: string;
  /** Its place among the entries. */
  readonly header: number;
  readonly packed: number;
  readonly size: number;
  readonly method: number;
}

const END = { signature: 0x06054b50, size: 22, count: 10, length: 12, offset: 16 } as const;
const CENTRAL = {
  signature: 0x02014b50,
  size: 46,
  method: 10,
  packed: 20,
  unpacked: 24,
  name: 28,
  extra: 30,
  comment: 32,
  header: 42,
} as const;
const LOCAL = { signature: 0x04034b50, size: 30, name: 26, extra: 28 } as const;
const STORED = 0;
const DEFLATED = 8;

/**
 * The files in a ZIP archive, read from its directory only. For the engine's own archives, which are pinned by hash: no
 * comments at the end, no ZIP64, no encryption; throws a `TypeError` for others.
 */
export function zipEntries(archive: RandomAccess): readonly ZipEntry[] {
  const end = viewOf(archive, archive.size - END.size, END.size, END.signature);
  const directory = piece(archive, end.getUint32(END.offset, true), end.getUint32(END.length, true));
  const view = new DataView(directory.buffer);
  const decoder = new TextDecoder();
  const entries: ZipEntry[] = [];
  let at = 0;
  for (let left = end.getUint16(END.count, true); left > 0; left--) {
    if (at + CENTRAL.size > directory.length || view.getUint32(at, true) !== CENTRAL.signature)
      throw malformed();
    const nameLength = view.getUint16(at + CENTRAL.name, true);
    const nameAt = at + CENTRAL.size;
    entries.push({
      name: decoder.decode(directory.subarray(nameAt, nameAt + nameLength)),
      header: view.getUint32(at + CENTRAL.header, true),
      packed: view.getUint32(at + CENTRAL.packed, true),
      size: view.getUint32(at + CENTRAL.unpacked, true),
      method: view.getUint16(at + CENTRAL.method, true),
    });
    at =
      nameAt +
      nameLength +
      view.getUint16(at + CENTRAL.extra, true) +
      view.getUint16(at + CENTRAL.comment, true);
  }
  return entries;
}

/** The content of an entry. */
export function zipContent(archive: RandomAccess, entry: ZipEntry, inflate: Inflate): Uint8Array {
  const local = viewOf(archive, entry.header, LOCAL.size, LOCAL.signature);
  const start =
    entry.header + LOCAL.size + local.getUint16(LOCAL.name, true) + local.getUint16(LOCAL.extra, true);
  const packed = piece(archive, start, entry.packed);
  if (entry.method === STORED && entry.packed === entry.size) return packed;
  if (entry.method !== DEFLATED) throw malformed();
  const bytes = inflate(packed, entry.size);
  if (bytes.length !== entry.size) throw malformed();
  return bytes;
}

function viewOf(archive: RandomAccess, at: number, length: number, signature: number): DataView {
  const view = new DataView(piece(archive, at, length).buffer);
  if (view.getUint32(0, true) !== signature) throw malformed();
  return view;
}

function piece(archive: RandomAccess, at: number, length: number): Uint8Array<ArrayBuffer> {
  if (at < 0 || at + length > archive.size) throw malformed();
  const bytes = new Uint8Array(length);
  for (let got = 0; got < length; ) {
    const more = archive.read(at + got, bytes.subarray(got));
    if (more <= 0) throw malformed();
    got += more;
  }
  return bytes;
}

const malformed = (): TypeError => new TypeError("the archive is damaged, or of an unknown kind");
