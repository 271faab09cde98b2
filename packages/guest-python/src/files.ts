import type { Variant } from "@capsule-run/protocol";

/** The files of a program, as `bundle` packs them and the cell reads them: one codec for both. */

/** One file, by its absolute path in the guest. */
export interface ProgramFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** All that a program is made of. */
export interface ProgramFiles {
  /** The path of the file that is imported first. */
  readonly entry: string;
  /** Which variant of the engine it needs. */
  readonly variant: Variant;
  /** Sorted by path, each path once. */
  readonly files: readonly ProgramFile[];
}

/** The folder of the program in the guest, and that of its dependencies: its files may be in no other. */
export const PROGRAM_FOLDER = "/app";
export const PACKAGES_FOLDER = "/site-packages";
const FOLDERS = [PROGRAM_FOLDER, PACKAGES_FOLDER];

/** Bytes of a name, as of most file systems. */
export const NAME_BYTES = 255;
/** Bytes of a whole path. */
export const PATH_BYTES = 4096;

const MOST_FILES = 100_000;
const LENGTH_BYTES = 4;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

interface Head {
  readonly entry: string;
  readonly variant: Variant;
  readonly files: readonly (readonly [path: string, size: number])[];
}

/**
 * Packs a program: the length of a JSON head (32 bits, little-endian), the head with all paths and sizes, the contents.
 * The same files give the same bytes, in whatever order they come. Throws a `TypeError` for what `readFiles` would not
 * take back.
 */
export function packFiles(program: ProgramFiles): Uint8Array {
  const files = program.files.toSorted((a, b) => compare(a.path, b.path));
  const head: Head = {
    entry: program.entry,
    variant: program.variant,
    files: files.map(({ path, bytes }) => [path, bytes.length]),
  };
  checkHead(head);
  const text = encoder.encode(JSON.stringify(head));
  const size = files.reduce((sum, { bytes }) => sum + bytes.length, LENGTH_BYTES + text.length);
  const packed = new Uint8Array(size);
  new DataView(packed.buffer).setUint32(0, text.length, true);
  packed.set(text, LENGTH_BYTES);
  let at = LENGTH_BYTES + text.length;
  for (const { bytes } of files) {
    packed.set(bytes, at);
    at += bytes.length;
  }
  return packed;
}

/** The reverse of `packFiles`. The contents are views of `packed`. Throws a `TypeError` if anything is not as packed. */
export function readFiles(packed: Uint8Array): ProgramFiles {
  if (packed.length < LENGTH_BYTES) throw new TypeError("a program of too few bytes");
  const length = new DataView(packed.buffer, packed.byteOffset).getUint32(0, true);
  let at = LENGTH_BYTES + length;
  if (at > packed.length) throw new TypeError("the head of a program is longer than all of it");
  const head = parseHead(packed.subarray(LENGTH_BYTES, at));
  const files = head.files.map(([path, size]) => {
    const bytes = packed.subarray(at, at + size);
    at += size;
    return { path, bytes };
  });
  if (at !== packed.length) throw new TypeError("the sizes of a program's files don't add up");
  return { entry: head.entry, variant: head.variant, files };
}

function parseHead(bytes: Uint8Array): Head {
  let head: unknown;
  try {
    head = JSON.parse(decoder.decode(bytes));
  } catch (cause) {
    throw new TypeError("the head of a program is not JSON", { cause });
  }
  checkHead(head);
  return head;
}

/** Everything a head promises: folders and names that exist, in order, and nothing both a file and a folder. */
function checkHead(head: unknown): asserts head is Head {
  const { entry, variant, files } = (head ?? {}) as Partial<Record<keyof Head, unknown>>;
  if (variant !== "core" && variant !== "full") throw new TypeError("a program for no variant of the engine");
  if (!Array.isArray(files) || files.length > MOST_FILES) throw new TypeError("a program without files");
  let before = "";
  const folders = new Set<string>();
  const paths = new Set<unknown>();
  for (const file of files as readonly unknown[]) {
    const [path, size] = Array.isArray(file) && file.length === 2 ? (file as unknown[]) : [];
    if (typeof path !== "string" || !isProgramPath(path))
      throw new TypeError(`not a path of a program's file: ${JSON.stringify(path)?.slice(0, 200)}`);
    if (!Number.isSafeInteger(size) || (size as number) < 0) throw new TypeError(`${path} has no size`);
    if (compare(before, path) >= 0) throw new TypeError(`${path} is out of order`);
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
      const folder = path.slice(0, end);
      if (folders.has(folder)) break;
      folders.add(folder);
    }
    paths.add(path);
    before = path;
  }
  for (const folder of folders)
    if (paths.has(folder)) throw new TypeError(`${folder} is both a file and a folder`);
  if (!paths.has(entry)) throw new TypeError("a program without its entry file");
}

/** Whether a path is absolute, canonical and inside one of these folders. */
export function isProgramPath(path: string): boolean {
  if (!FOLDERS.some((folder) => path.startsWith(`${folder}/`))) return false;
  if (path.includes("\0") || !path.isWellFormed() || encoder.encode(path).length > PATH_BYTES) return false;
  return path
    .slice(1)
    .split("/")
    .every(
      (name) => name !== "" && name !== "." && name !== ".." && encoder.encode(name).length <= NAME_BYTES,
    );
}

/** By code units: the same order everywhere. */
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
