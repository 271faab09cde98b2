/**
 * `/tmp`: files in the sandbox's own memory, empty at the start of each attempt. They answer the same requests as the
 * host does. Paths are plain: no `.`, `..` or symlinks.
 */
import { kit } from "capsule:kit";
import type { EffectName, FileStat } from "@capsule-run/protocol";
import type { Answered, Bytes } from "../../effects.ts";
import { MEMORY } from "./paths.ts";

interface Entry {
  readonly inode: number;
  /** Null for a file. */
  readonly entries: Map<string, Entry> | null;
  /** Room for a file's bytes; `size` says how many there are. */
  bytes: Bytes;
  size: number;
  accessed: bigint;
  modified: bigint;
  links: number;
}

interface Handle {
  readonly entry: Entry;
  readonly read: boolean;
  readonly write: boolean;
  readonly append: boolean;
}

/** A head of any request: the guest's own code makes them. */
interface Head {
  readonly path: string;
  readonly handle?: number;
  readonly from: string;
  readonly to: string;
  readonly at: number | null;
  readonly length: number;
  readonly size: number;
  readonly accessed: string | null;
  readonly modified: string | null;
  readonly [flag: string]: unknown;
}

/** As in Python's sandboxes. */
const MOST_BYTES = 64 * 1024 * 1024;
const MOST_FILES = 10_000;
const MOST_OPEN = 1024;

const NOTHING: Bytes = new Uint8Array(0);
const done = (head: object = {}, payload: Bytes = NOTHING): Answered =>
  ({ head, payload }) as unknown as Answered;

/** The host's handles are positive. */
export const isMemoryHandle = (handle: number): boolean => handle < 0;

const fail = (code: string): never => {
  throw kit.failure(code, code);
};

/** Nanoseconds since 1970. Not asked before there is a file: a look at the clock would show in a snapshot. */
const now = (): bigint => BigInt(Math.floor(Date.now() * 1000)) * 1000n;

let root: Entry | null = null;
let inodes = 0;
let opened = 0;
let bytes = 0;
let count = 0;
const handles = new Map<number, Handle>();

function make(folder: boolean): Entry {
  if (++count > MOST_FILES + 1) {
    count--;
    fail("ENOSPC");
  }
  const time = now();
  const entries = folder ? new Map<string, Entry>() : null;
  return { inode: ++inodes, entries, bytes: NOTHING, size: 0, accessed: time, modified: time, links: 1 };
}

function rootEntry(): Entry {
  root ??= make(true);
  return root;
}

const namesOf = (path: string): string[] =>
  path
    .slice(MEMORY.length + 1)
    .split("/")
    .filter(Boolean);

function find(path: string): Entry {
  let at = rootEntry();
  for (const name of namesOf(path)) {
    if (!at.entries) return fail("ENOTDIR");
    at = at.entries.get(name) ?? fail("ENOENT");
  }
  return at;
}

/** The folder a path is in, and its name there. */
function spot(path: string): {
  readonly folder: Map<string, Entry>;
  readonly entry: Entry;
  readonly name: string;
} {
  const names = namesOf(path);
  const name = names.pop() ?? fail("EBUSY");
  if (name.length > 255) fail("ENAMETOOLONG");
  const entry = find(`${MEMORY}/${names.join("/")}`);
  return { folder: entry.entries ?? fail("ENOTDIR"), entry, name };
}

const touch = (entry: Entry): void => {
  entry.modified = now();
};

const open_ = (handle: number): Handle => handles.get(handle) ?? fail("EBADF");

/** Makes a file as large as that; what is new in it is zeros. */
function resize(entry: Entry, size: number): void {
  if (entry.entries) fail("EISDIR");
  if (bytes - entry.size + size > MOST_BYTES) fail("ENOSPC");
  if (size > entry.bytes.length) {
    const room = new Uint8Array(Math.min(MOST_BYTES, Math.max(size, entry.bytes.length * 2)));
    room.set(entry.bytes.subarray(0, entry.size));
    entry.bytes = room;
  } else if (size < entry.size) entry.bytes.fill(0, size, entry.size);
  bytes += size - entry.size;
  entry.size = size;
}

/** Takes an entry off its folder. Its bytes stay as long as somebody has it open. */
function remove(entry: Entry): void {
  entry.links--;
  count--;
  forget(entry);
}

function forget(entry: Entry): void {
  if (entry.links > 0 || [...handles.values()].some((handle) => handle.entry === entry)) return;
  bytes -= entry.size;
  entry.size = 0;
  entry.bytes = NOTHING;
}

const stat = (entry: Entry): FileStat => ({
  kind: entry.entries ? "directory" : "file",
  size: entry.entries ? entry.entries.size : entry.size,
  inode: `${entry.inode}`,
  device: "1",
  links: entry.links,
  accessed: `${entry.accessed}`,
  modified: `${entry.modified}`,
  changed: `${entry.modified}`,
  writable: true,
});

const aim = ({ handle, path }: Head): Entry => (handle === undefined ? find(path) : open_(handle).entry);

const OPERATIONS: Readonly<Record<string, (head: Head, payload: Uint8Array) => Answered>> = {
  "file.open"({ path, read, write, append, create, exclusive, truncate, directory }) {
    const isRoot = path === MEMORY;
    const place = isRoot ? null : spot(path);
    let entry = place ? place.folder.get(place.name) : rootEntry();
    if (entry && create && exclusive) fail("EEXIST");
    if (!entry && place && create) {
      entry = make(false);
      place.folder.set(place.name, entry);
      touch(place.entry);
    }
    if (!entry) return fail("ENOENT");
    if (directory && !entry.entries) fail("ENOTDIR");
    if (entry.entries && write) fail("EISDIR");
    if (truncate && write && !entry.entries) {
      resize(entry, 0);
      touch(entry);
    }
    if (handles.size >= MOST_OPEN) fail("EMFILE");
    const handle = -++opened;
    handles.set(handle, { entry, read: !!read, write: !!write, append: !!append });
    return done({ handle, stat: stat(entry), whole: false });
  },
  "file.read"({ handle, at, length }) {
    const { entry, read } = open_(handle as number);
    if (entry.entries) fail("EISDIR");
    if (!read) fail("EBADF");
    const start = Math.min(at as number, entry.size);
    return done({}, entry.bytes.slice(start, Math.min(entry.size, start + length)));
  },
  "file.write"({ handle, at }, payload) {
    const { entry, write, append } = open_(handle as number);
    if (!write) fail("EBADF");
    const start = append ? entry.size : (at ?? entry.size);
    if (start + payload.length > entry.size) resize(entry, start + payload.length);
    entry.bytes.set(payload, start);
    touch(entry);
    return done({ at: start, written: payload.length, size: entry.size });
  },
  "file.stat": (head) => done(stat(aim(head))),
  "file.list"(head) {
    const { entries } = aim(head);
    if (!entries) return fail("ENOTDIR");
    const list = [...entries].map(([name, entry]) => [
      name,
      entry.entries ? "directory" : "file",
      `${entry.inode}`,
    ]);
    return done({ count: list.length }, kit.encode(JSON.stringify(list).toWellFormed(), "utf8"));
  },
  "file.mkdir"({ path }) {
    if (path === MEMORY) fail("EEXIST");
    const { folder, entry, name } = spot(path);
    if (folder.has(name)) fail("EEXIST");
    folder.set(name, make(true));
    touch(entry);
    return done();
  },
  "file.unlink"({ path }) {
    const { folder, entry, name } = spot(path);
    const found = folder.get(name) ?? fail("ENOENT");
    if (found.entries) fail("EISDIR");
    folder.delete(name);
    touch(entry);
    remove(found);
    return done();
  },
  "file.rmdir"({ path }) {
    const { folder, entry, name } = spot(path);
    const found = folder.get(name) ?? fail("ENOENT");
    if (!found.entries) fail("ENOTDIR");
    if (found.entries && found.entries.size > 0) fail("ENOTEMPTY");
    folder.delete(name);
    touch(entry);
    remove(found);
    return done();
  },
  "file.rename"({ from, to }) {
    const source = spot(from);
    const moved = source.folder.get(source.name) ?? fail("ENOENT");
    const target = spot(to);
    const there = target.folder.get(target.name);
    if (there === moved) return done();
    if (moved.entries && `${to}/`.startsWith(`${from}/`)) fail("EINVAL");
    if (there) {
      if (there.entries && !moved.entries) fail("EISDIR");
      if (!there.entries && moved.entries) fail("ENOTDIR");
      if (there.entries && there.entries.size > 0) fail("ENOTEMPTY");
      remove(there);
    }
    source.folder.delete(source.name);
    target.folder.set(target.name, moved);
    touch(source.entry);
    touch(target.entry);
    return done();
  },
  "file.truncate"(head) {
    if (head.handle !== undefined && !open_(head.handle).write) fail("EINVAL");
    const entry = aim(head);
    resize(entry, head.size);
    touch(entry);
    return done();
  },
  "file.times"(head) {
    const entry = aim(head);
    if (head.accessed !== null) entry.accessed = BigInt(head.accessed);
    if (head.modified !== null) entry.modified = BigInt(head.modified);
    return done();
  },
  "file.sync": (head) => {
    open_(head.handle as number);
    return done();
  },
  "file.readlink"({ path }) {
    find(path);
    return fail("EINVAL");
  },
};

export const memory = {
  /** @throws EffectFailed */
  perform: (name: EffectName, head: object | string, payload: Uint8Array = NOTHING): Answered =>
    (OPERATIONS[name] ?? fail("ENOSYS"))(
      (typeof head === "string" ? JSON.parse(head) : head) as Head,
      payload,
    ),
  close(handle: number): void {
    const entry = handles.get(handle)?.entry;
    handles.delete(handle);
    if (entry) forget(entry);
  },
};
