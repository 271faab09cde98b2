import { ALL_FDFLAGS, FDFLAG, FDSTAT, LAST_ADVICE, PRESTAT, RIGHT, WHENCE } from "./defs.ts";
import type {
  Descriptor,
  DeviceDescriptor,
  FileDescriptor,
  FolderDescriptor,
  InputDescriptor,
  MountedDescriptor,
  OutputDescriptor,
} from "./descriptors.ts";
import type { Span } from "./guest-memory.ts";
import {
  lengthen,
  readMounted,
  resizeMounted,
  setOpenedTimes,
  statOpened,
  syncMounted,
  withSize,
  writeMounted,
} from "./mounted/calls.ts";
import { isScratch } from "./nodes.ts";
import { fillRandom, MOST_RANDOM } from "./process.ts";
import { refusal } from "./refusal.ts";
import type { ScratchFile } from "./scratch.ts";
import { filetypeOf, newTimes, setTimes, writeStat } from "./stat.ts";
import type { Operations, World } from "./world.ts";

/** What one write to a standard stream takes; the rest has to come again, as from a pipe. */
const MOST_OUTPUT = 1024 * 1024;

const encoder = new TextEncoder();

/** Operations on what is open, but for listing directories. */
export const DESCRIPTOR_CALLS: Operations = {
  fd_read: {
    does: "reads from a file at its position; standard input is at its end; waits for the host where the file is in a mount",
    suspends: true,
    run(world, fd: number, buffers: number, count: number, out: number) {
      const spans = world.memory.buffers(buffers, count);
      world.memory.check(out, 4);
      const found = readable(world, fd);
      if (found.kind === "mounted") return readMounted(world, found, null, spans, out);
      if (found.kind === "input") return world.memory.setU32(out, 0);
      if (found.kind === "device") return world.memory.setU32(out, readDevice(world, found, spans));
      const length = read(world, found, found.position, spans);
      found.position += length;
      world.memory.setU32(out, length);
    },
  },
  fd_pread: {
    does: "reads from a file at a given position; waits for the host where the file is in a mount",
    suspends: true,
    run(world, fd: number, buffers: number, count: number, offset: bigint, out: number) {
      const spans = world.memory.buffers(buffers, count);
      world.memory.check(out, 4);
      const found = readable(world, fd);
      const from = position(offset);
      if (found.kind === "mounted") return readMounted(world, found, from, spans, out);
      if (found.kind === "input") throw refusal("SPIPE");
      const length =
        found.kind === "device" ? readDevice(world, found, spans) : read(world, found, from, spans);
      world.memory.setU32(out, length);
    },
  },
  fd_write: {
    does: "writes to a file of `/tmp` or of a mount at its position, or passes text on to the user, up to the [limits](limits.md)",
    suspends: true,
    run(world, fd: number, buffers: number, count: number, out: number) {
      const spans = world.memory.buffers(buffers, count);
      world.memory.check(out, 4);
      const found = writable(world, fd);
      if (found.kind === "mounted") return writeMounted(world, found, null, spans, out);
      if (found.kind === "output") return world.memory.setU32(out, print(world, found.stream, spans));
      if (found.kind === "device") return world.memory.setU32(out, swallow(spans));
      const { file, node } = changeable(found);
      const at = file.flags & FDFLAG.APPEND ? node.size : file.position;
      const length = write(world, node, at, spans);
      file.position = at + length;
      world.memory.setU32(out, length);
    },
  },
  fd_pwrite: {
    does: "writes to a file of `/tmp` or of a mount at a given position",
    suspends: true,
    run(world, fd: number, buffers: number, count: number, offset: bigint, out: number) {
      const spans = world.memory.buffers(buffers, count);
      world.memory.check(out, 4);
      const found = writable(world, fd);
      const wanted = position(offset);
      if (found.kind === "mounted") return writeMounted(world, found, wanted, spans, out);
      if (found.kind === "output") throw refusal("SPIPE");
      if (found.kind === "device") return world.memory.setU32(out, swallow(spans));
      const { file, node } = changeable(found);
      // As on Linux: a file open for appending is appended to whatever the position.
      const at = file.flags & FDFLAG.APPEND ? node.size : wanted;
      world.memory.setU32(out, write(world, node, at, spans));
    },
  },
  fd_seek: {
    does: "moves a file's position; ESPIPE for standard streams",
    suspends: true,
    run(world, fd: number, offset: bigint, whence: number, out: number) {
      world.memory.check(out, 8);
      const file = seekable(world, fd, RIGHT.FD_SEEK);
      if (whence > WHENCE.END) throw refusal("INVAL");
      if (file.kind === "device") return world.memory.setU64(out, 0n);
      const seek = (from: number): void => {
        file.position = position(BigInt(from) + offset);
        world.memory.setU64(out, BigInt(file.position));
      };
      if (whence !== WHENCE.END) return seek(whence === WHENCE.SET ? 0 : file.position);
      return file.kind === "mounted" ? withSize(file, seek) : seek(file.node.size);
    },
  },
  fd_tell: {
    does: "says a file's position; ESPIPE for standard streams",
    run(world, fd: number, out: number) {
      const file = seekable(world, fd, RIGHT.FD_TELL);
      world.memory.setU64(out, file.kind === "device" ? 0n : BigInt(file.position));
    },
  },
  fd_close: {
    does: "closes a descriptor; ENOTSUP for the root directory",
    run: (world, fd: number) => world.descriptors.close(fd),
  },
  fd_renumber: {
    does: "moves a descriptor to another number that is in use; ENOTSUP for the root directory",
    run: (world, from: number, to: number) => world.descriptors.renumber(from, to),
  },
  fd_sync: {
    does: "has the host write a file of a mount to its disk; otherwise nothing: there is nothing behind memory",
    suspends: true,
    run(world, fd: number) {
      const found = world.descriptors.able(fd, RIGHT.FD_SYNC);
      if (isMounted(found)) return syncMounted(world, found);
    },
  },
  fd_datasync: {
    does: "as `fd_sync`",
    suspends: true,
    run(world, fd: number) {
      const found = world.descriptors.get(fd);
      // Directories have no data of their own, but to sync them is what careful programs do.
      if (found.kind !== "directory" && found.kind !== "folder")
        world.descriptors.able(fd, RIGHT.FD_DATASYNC);
      if (isMounted(found)) return syncMounted(world, found);
    },
  },
  fd_advise: {
    does: "nothing; EBADF for what is no file",
    run(world, fd: number, _offset: bigint, _length: bigint, advice: number) {
      if (advice > LAST_ADVICE) throw refusal("INVAL");
      seekable(world, fd, RIGHT.FD_ADVISE);
    },
  },
  fd_allocate: {
    does: "makes a file of `/tmp` or of a mount at least so long",
    suspends: true,
    run(world, fd: number, offset: bigint, length: bigint) {
      const found = writable(world, fd);
      if (found.kind === "mounted") {
        if (offset < 0n || length <= 0n) throw refusal("INVAL");
        return lengthen(world, found, writePosition(offset + length));
      }
      const { node } = changeable(found);
      if (offset < 0n || length <= 0n) throw refusal("INVAL");
      const size = writePosition(offset + length);
      if (size > node.size) resize(world, node, size);
    },
  },
  fd_filestat_get: {
    does: "says a file's size, times and kind",
    suspends: true,
    run(world, fd: number, out: number) {
      const found = world.descriptors.able(fd, RIGHT.FD_FILESTAT_GET);
      if (found.kind === "mounted") return statOpened(world, { stat: found.file.stat() }, out);
      if (found.kind === "folder") return statOpened(world, { stat: found.folder.stat() }, out);
      writeStat(world, out, "node" in found ? found.node : null);
    },
  },
  fd_filestat_set_size: {
    does: "cuts or lengthens a file of `/tmp` or of a mount",
    suspends: true,
    run(world, fd: number, size: bigint) {
      const found = world.descriptors.get(fd);
      if (found.kind === "mounted" && (found.rights & RIGHT.FD_FILESTAT_SET_SIZE) !== 0n)
        return resizeMounted(world, found, writePosition(size));
      if (found.kind !== "file" || (found.rights & RIGHT.FD_FILESTAT_SET_SIZE) === 0n) throw refusal("INVAL");
      if (!isScratch(found.node)) throw refusal("ROFS");
      resize(world, found.node, writePosition(size));
    },
  },
  fd_filestat_set_times: {
    does: "sets the times of a file of `/tmp` or of a mount; EROFS for others",
    suspends: true,
    run(world, fd: number, accessed: bigint, modified: bigint, flags: number) {
      const found = world.descriptors.able(fd, RIGHT.FD_FILESTAT_SET_TIMES);
      if (found.kind === "input" || found.kind === "output") throw refusal("BADF");
      const times = newTimes(world, accessed, modified, flags);
      if (isMounted(found)) return setOpenedTimes(world, found, times);
      setTimes(world, found.node, times);
    },
  },
  fd_fdstat_get: {
    does: "says what a descriptor is and may do",
    run(world, fd: number, out: number) {
      const found = world.descriptors.get(fd);
      const view = world.memory.roomView(out, FDSTAT.size);
      view.setUint16(out + FDSTAT.filetype, filetypeOf(found.kind), true);
      view.setUint32(out + FDSTAT.flags, found.flags, true);
      view.setBigUint64(out + FDSTAT.rights, found.rights, true);
      view.setBigUint64(out + FDSTAT.inheriting, found.inheriting, true);
    },
  },
  fd_fdstat_set_flags: {
    does: "sets whether a file is appended to; other flags change nothing",
    run(world, fd: number, flags: number) {
      if (flags > ALL_FDFLAGS) throw refusal("INVAL");
      world.descriptors.able(fd, RIGHT.FD_FDSTAT_SET_FLAGS).flags = flags;
    },
  },
  fd_fdstat_set_rights: {
    does: "takes rights from a descriptor; ENOTCAPABLE for adding some",
    run(world, fd: number, rights: bigint, inheriting: bigint) {
      const found = world.descriptors.get(fd);
      if (rights & ~found.rights || inheriting & ~found.inheriting) throw refusal("NOTCAPABLE");
      found.rights = rights;
      found.inheriting = inheriting;
    },
  },
  fd_prestat_get: {
    does: "says that descriptor 3 is a directory that was open from the start; EBADF for all others",
    run(world, fd: number, out: number) {
      const view = world.memory.roomView(out, PRESTAT.size);
      view.setUint32(out + PRESTAT.tag, 0, true);
      view.setUint32(out + PRESTAT.nameLength, preopen(world, fd).length, true);
    },
  },
  fd_prestat_dir_name: {
    does: "says that its path is `/`",
    run(world, fd: number, at: number, length: number) {
      const name = preopen(world, fd);
      if (length < name.length) throw refusal("NAMETOOLONG");
      world.memory.room(at, name.length).set(name);
    },
  },
};

function preopen(world: World, fd: number): Uint8Array {
  const found = world.descriptors.get(fd);
  if (found.kind !== "directory" || found.preopen === null) throw refusal("BADF");
  return encoder.encode(found.preopen);
}

/** A position to read from or to go to. */
function position(offset: bigint): number {
  if (offset < 0n || offset > BigInt(Number.MAX_SAFE_INTEGER)) throw refusal("INVAL");
  return Number(offset);
}

/** The end of something to be written. */
function writePosition(offset: bigint): number {
  if (offset < 0n) throw refusal("INVAL");
  if (offset > BigInt(Number.MAX_SAFE_INTEGER)) throw refusal("FBIG");
  return Number(offset);
}

const isMounted = (found: Descriptor): found is MountedDescriptor | FolderDescriptor =>
  found.kind === "mounted" || found.kind === "folder";

function seekable(
  world: World,
  fd: number,
  right: bigint,
): FileDescriptor | DeviceDescriptor | MountedDescriptor {
  const found = world.descriptors.get(fd);
  if (found.kind === "directory" || found.kind === "folder") throw refusal("BADF");
  if (found.kind === "input" || found.kind === "output") throw refusal("SPIPE");
  if ((found.rights & right) === 0n) throw refusal("NOTCAPABLE");
  return found;
}

function readable(
  world: World,
  fd: number,
): FileDescriptor | DeviceDescriptor | InputDescriptor | MountedDescriptor {
  const found = world.descriptors.get(fd);
  if (found.kind === "directory" || found.kind === "folder") throw refusal("ISDIR");
  if (found.kind === "output" || (found.rights & RIGHT.FD_READ) === 0n) throw refusal("BADF");
  return found;
}

function writable(
  world: World,
  fd: number,
): FileDescriptor | DeviceDescriptor | OutputDescriptor | MountedDescriptor {
  const found = world.descriptors.get(fd);
  if (found.kind === "directory" || found.kind === "folder" || found.kind === "input") throw refusal("BADF");
  if ((found.rights & RIGHT.FD_WRITE) === 0n) throw refusal("BADF");
  return found;
}

function changeable(file: Descriptor): { file: FileDescriptor; node: ScratchFile } {
  if (file.kind !== "file") throw refusal("INVAL");
  if (!isScratch(file.node)) throw refusal("ROFS");
  return { file, node: file.node };
}

/** A device gives a buffer at a time: that of random bytes is never at its end. */
function readDevice(world: World, { node }: DeviceDescriptor, spans: readonly Span[]): number {
  const first = spans.find(({ length }) => length > 0);
  if (node.name === "null" || first === undefined) return 0;
  const length = Math.min(first.length, MOST_RANDOM);
  fillRandom(world, world.memory.room(first.at, length));
  return length;
}

/** What a device took of what was written to it: everything, as far as a number can say it. */
const swallow = (spans: readonly Span[]): number =>
  Math.min(
    0x7fff_ffff,
    spans.reduce((sum, { length }) => sum + length, 0),
  );

function read(world: World, { node }: FileDescriptor, from: number, spans: readonly Span[]): number {
  let total = 0;
  for (const { at, length } of spans) {
    // No more than there is: a buffer may be as large as memory.
    const wanted = Math.max(0, Math.min(length, node.size - from - total));
    for (let done = 0; done < wanted; ) {
      const more = node.read(from + total, world.memory.room(at + done, wanted - done));
      if (more <= 0) throw new Error("a file ended before its end");
      done += more;
      total += more;
    }
    if (wanted < length) break;
  }
  world.cost.bytes += total;
  return total;
}

function write(world: World, node: ScratchFile, from: number, spans: readonly Span[]): number {
  const before = node.size;
  let total = 0;
  for (const { at, length } of spans) {
    if (length === 0) continue;
    if (total > 0 && node.scratch.bytesLeft === 0 && from + total >= node.size) break;
    if (from + total > Number.MAX_SAFE_INTEGER - length) throw refusal("FBIG");
    const written = node.write(from + total, world.memory.bytes(at, length));
    total += written;
    if (written < length) break;
  }
  world.cost.bytes += total + Math.max(0, node.size - before - total);
  return total;
}

function resize(world: World, node: ScratchFile, size: number): void {
  const before = node.size;
  node.resize(size);
  world.cost.bytes += Math.abs(size - before);
}

function print(world: World, stream: 1 | 2, spans: readonly Span[]): number {
  let total = 0;
  for (const { at, length } of spans) {
    const taken = Math.min(length, MOST_OUTPUT - total);
    if (taken > 0) world.host.output(stream, world.memory.bytes(at, taken).slice());
    total += taken;
  }
  world.cost.bytes += total;
  return total;
}
