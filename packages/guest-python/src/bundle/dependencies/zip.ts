import { crc32, inflateRawSync } from "node:zlib";

/** A file in a zip archive. */
export interface ZipEntry {
  /** As the archive has it, with `/`. */
  readonly name: string;
  /** Bytes, unpacked. */
  readonly size: number;
  /** Its Unix mode, 0 if it has none. */
  readonly mode: number;
  read(): Uint8Array;
}

/** An archive that can't be read: why, for the user. */
export class ZipError extends Error {
  override readonly name = "ZipError";
}

const END = 0x06054b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const END_BYTES = 22;
const CENTRAL_BYTES = 46;
const LOCAL_BYTES = 30;
const UNIX = 3;
const UTF8_FLAG = 0x0800;

/**
 * The files of an archive, in its order; folders are left out. Nothing is unpacked until it is read, and then no more
 * than the archive says it is: sizes can be added up before. No encryption, no archives of several parts, none of
 * 4 GiB or more (zip64).
 * @throws ZipError
 */
export function readZip(bytes: Uint8Array): ZipEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = findEnd(bytes, view);
  const count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  if (count === 0xffff || at === 0xffffffff) throw new ZipError("it is too large (zip64)");
  const entries: ZipEntry[] = [];
  for (let n = 0; n < count; n++) {
    if (at + CENTRAL_BYTES > end || view.getUint32(at, true) !== CENTRAL)
      throw new ZipError("its list of files is broken");
    const nameLength = view.getUint16(at + 28, true);
    const next =
      at + CENTRAL_BYTES + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (next > end) throw new ZipError("its list of files is broken");
    const entry = entryAt(bytes, view, at);
    if (!entry.name.endsWith("/")) entries.push(entry);
    at = next;
  }
  return entries;
}

function findEnd(bytes: Uint8Array, view: DataView): number {
  for (let at = bytes.length - END_BYTES; at >= Math.max(0, bytes.length - END_BYTES - 0xffff); at--)
    if (view.getUint32(at, true) === END) return at;
  throw new ZipError("it is no zip archive, or not all of one");
}

function entryAt(bytes: Uint8Array, view: DataView, at: number): ZipEntry {
  const flags = view.getUint16(at + 8, true);
  const method = view.getUint16(at + 10, true);
  const crc = view.getUint32(at + 16, true);
  const packed = view.getUint32(at + 20, true);
  const size = view.getUint32(at + 24, true);
  const offset = view.getUint32(at + 42, true);
  const nameBytes = bytes.subarray(at + CENTRAL_BYTES, at + CENTRAL_BYTES + view.getUint16(at + 28, true));
  const name = Buffer.from(nameBytes).toString(flags & UTF8_FLAG ? "utf8" : "latin1");
  const mode = bytes[at + 5] === UNIX ? view.getUint16(at + 40, true) : 0;
  if (flags & 1) throw new ZipError(`"${name}" in it is encrypted`);
  if (method !== 0 && method !== 8)
    throw new ZipError(`"${name}" in it is packed in an unknown way (${method})`);
  return {
    name,
    size,
    mode,
    read() {
      if (offset + LOCAL_BYTES > bytes.length || view.getUint32(offset, true) !== LOCAL)
        throw new ZipError(`"${name}" in it is broken`);
      const start =
        offset + LOCAL_BYTES + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true);
      const content = unpack(bytes.subarray(start, start + packed), method, size);
      if (content?.length !== size || crc32(content) !== crc) throw new ZipError(`"${name}" in it is broken`);
      return content;
    },
  };
}

function unpack(packed: Uint8Array, method: number, size: number): Uint8Array | null {
  if (method === 0) return packed;
  try {
    // At least 1: 0 would be no limit.
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, size) });
  } catch {
    return null;
  }
}

/** An archive of files that are not compressed. The same files give the same bytes. */
export function writeZip(files: readonly (readonly [name: string, text: string])[]): Uint8Array {
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of files) {
    const nameBytes = Buffer.from(name);
    const content = Buffer.from(text);
    // What both headers say: version, flags, method, time and date (1980-01-01), check sum, sizes, length of name.
    const shared = Buffer.alloc(26);
    shared.writeUInt16LE(20, 0);
    shared.writeUInt16LE(UTF8_FLAG, 2);
    shared.writeUInt16LE(0x21, 8);
    shared.writeUInt32LE(crc32(content), 10);
    shared.writeUInt32LE(content.length, 14);
    shared.writeUInt32LE(content.length, 18);
    shared.writeUInt16LE(nameBytes.length, 22);
    const local = Buffer.concat([word(LOCAL), shared, nameBytes, content]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    centrals.push(Buffer.concat([word(CENTRAL), Buffer.from([20, UNIX]), shared, tail, nameBytes]));
    locals.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(centrals);
  const end = Buffer.alloc(END_BYTES);
  end.writeUInt32LE(END, 0);
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, central, end]);
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
