import {
  ALL_FDFLAGS,
  ALL_OFLAGS,
  DIRECTORY_RIGHTS,
  DIRENT,
  FILE_RIGHTS,
  FILETYPE,
  LOOKUP_SYMLINK_FOLLOW,
  OFLAG,
  RIGHT,
} from "./defs.ts";
import type { Descriptor, DirectoryDescriptor, FolderDescriptor, OpenedDescriptor } from "./descriptors.ts";
import {
  changeMounted,
  listMounted,
  openMounted,
  readMountedLink,
  renameMounted,
  setMountedTimes,
  statMounted,
} from "./mounted/calls.ts";
import { type DirectoryNode, isScratch, type LocalNode, type Node } from "./nodes.ts";
import { follow, isWithin, type LocalPlace, type Place, writable } from "./paths.ts";
import { refusal } from "./refusal.ts";
import type { ScratchNode } from "./scratch.ts";
import { filetypeOf, newTimes, setTimes, writeStat } from "./stat.ts";
import type { Operations, World } from "./world.ts";

const encoder = new TextEncoder();

/** Operations on paths, and listing directories. */
export const PATH_CALLS: Operations = {
  path_open: {
    does: "opens a file or directory, and makes files in `/tmp` and in mounts; EROFS for writing elsewhere",
    suspends: true,
    run(
      world,
      fd: number,
      lookup: number,
      path: number,
      length: number,
      oflags: number,
      rights: bigint,
      inheriting: bigint,
      flags: number,
      out: number,
    ) {
      world.memory.check(out, 4);
      checkLookup(lookup);
      if (oflags > ALL_OFLAGS || flags > ALL_FDFLAGS) throw refusal("INVAL");
      if (oflags & OFLAG.CREAT && oflags & OFLAG.DIRECTORY) throw refusal("INVAL");
      const from = world.descriptors.directory(fd, RIGHT.PATH_OPEN);
      if (rights & ~from.inheriting || inheriting & ~from.inheriting) throw refusal("NOTCAPABLE");
      const place = followed(world, from, path, length);
      // Before anything is made or cut.
      world.descriptors.checkRoom();
      const add = (descriptor: OpenedDescriptor): void =>
        world.memory.setU32(out, world.descriptors.add(descriptor));
      if (place.kind === "mounted")
        return openMounted(world, place, { follow: lookup !== 0, oflags, rights, inheriting, flags }).then(
          add,
        );
      add(descriptorOf(opened(world, from, place, oflags, rights), rights, inheriting, flags));
    },
  },
  path_filestat_get: {
    does: "says the size, times and kind of what is at a path",
    suspends: true,
    run(world, fd: number, lookup: number, path: number, length: number, out: number) {
      checkLookup(lookup);
      const place = at(world, fd, RIGHT.PATH_FILESTAT_GET, path, length);
      if (place.kind === "mounted") return statMounted(world, place, lookup !== 0, out);
      writeStat(world, out, existing(place));
    },
  },
  path_filestat_set_times: {
    does: "sets the times of what is at a path in `/tmp` or a mount; EROFS elsewhere",
    suspends: true,
    run(
      world,
      fd: number,
      lookup: number,
      path: number,
      length: number,
      accessed: bigint,
      modified: bigint,
      flags: number,
    ) {
      checkLookup(lookup);
      const place = at(world, fd, RIGHT.PATH_FILESTAT_SET_TIMES, path, length);
      const times = newTimes(world, accessed, modified, flags);
      if (place.kind === "mounted") return setMountedTimes(world, place, lookup !== 0, times);
      setTimes(world, existing(place), times);
    },
  },
  path_create_directory: {
    does: "makes a directory in `/tmp` or a mount; EROFS elsewhere",
    suspends: true,
    run(world, fd: number, path: number, length: number) {
      const place = at(world, fd, RIGHT.PATH_CREATE_DIRECTORY, path, length);
      if (place.kind === "mounted") return changeMounted(world, "file.mkdir", place);
      if (place.node !== null) throw refusal("EXIST");
      const parent = writable(place.parent);
      world.scratch.createDirectory(parent, place.name as string);
    },
  },
  path_unlink_file: {
    does: "removes a file of `/tmp` or a mount; EISDIR for directories, EROFS elsewhere",
    suspends: true,
    run(world, fd: number, path: number, length: number) {
      const place = at(world, fd, RIGHT.PATH_UNLINK_FILE, path, length);
      if (place.kind === "mounted") return changeMounted(world, "file.unlink", place);
      if (existing(place).kind === "directory") throw refusal("ISDIR");
      remove(world, place);
    },
  },
  path_remove_directory: {
    does: "removes an empty directory of `/tmp` or a mount; EROFS elsewhere",
    suspends: true,
    run(world, fd: number, path: number, length: number) {
      const place = at(world, fd, RIGHT.PATH_REMOVE_DIRECTORY, path, length);
      if (place.kind === "mounted") return changeMounted(world, "file.rmdir", place);
      const node = existing(place);
      if (node.kind !== "directory") throw refusal("NOTDIR");
      if (place.name === null) throw refusal("INVAL");
      if (node === world.scratch.top) throw refusal("BUSY");
      if (isScratch(node) && node.entries.size > 0) throw refusal("NOTEMPTY");
      remove(world, place);
    },
  },
  path_rename: {
    does: "moves within `/tmp` or a mount, replacing as POSIX says; EXDEV from one to another, EROFS elsewhere",
    suspends: true,
    run(world, fd: number, path: number, length: number, newFd: number, newPath: number, newLength: number) {
      const from = at(world, fd, RIGHT.PATH_RENAME_SOURCE, path, length);
      const to = at(world, newFd, RIGHT.PATH_RENAME_TARGET, newPath, newLength);
      if (from.kind === "mounted" && to.kind === "mounted") return renameMounted(world, from, to);
      if (from.kind === "mounted") throw refusal("XDEV");
      existing(from);
      if (to.kind === "mounted") throw refusal("XDEV");
      rename(world, from, to);
    },
  },
  path_link: {
    does: "EPERM: there are no links",
    run(world, fd: number, lookup: number, _path: number, _length: number, newFd: number) {
      checkLookup(lookup);
      world.descriptors.directory(fd, RIGHT.PATH_LINK_SOURCE);
      world.descriptors.directory(newFd, RIGHT.PATH_LINK_TARGET);
      throw refusal("PERM");
    },
  },
  path_symlink: {
    does: "EPERM: there are no symbolic links",
    run(world, _target: number, _targetLength: number, fd: number) {
      world.descriptors.directory(fd, RIGHT.PATH_SYMLINK);
      throw refusal("PERM");
    },
  },
  path_readlink: {
    does: "reads a symbolic link of a mount; EINVAL elsewhere, where nothing is one",
    suspends: true,
    run(world, fd: number, path: number, length: number, buffer: number, room: number, out: number) {
      const place = at(world, fd, RIGHT.PATH_READLINK, path, length);
      if (place.kind === "mounted") return readMountedLink(world, place, buffer, room, out);
      existing(place);
      throw refusal("INVAL");
    },
  },
  fd_readdir: {
    does: "lists a directory, from a given place on",
    suspends: true,
    run(world, fd: number, buffer: number, length: number, cookie: bigint, out: number) {
      world.memory.check(buffer, length);
      world.memory.check(out, 4);
      const found = world.descriptors.directory(fd, RIGHT.FD_READDIR);
      const first = BigInt.asUintN(64, cookie);
      if (found.kind === "folder") return listMounted(world, found, first, buffer, length, out);
      const used = list(world, found.node, first, length, (at, bytes) =>
        world.memory.room(buffer + at, bytes.length).set(bytes),
      );
      world.memory.setU32(out, used);
    },
  },
};

function checkLookup(flags: number): void {
  if (flags > LOOKUP_SYMLINK_FOLLOW) throw refusal("INVAL");
}

function at(world: World, fd: number, right: bigint, path: number, length: number): Place {
  return followed(world, world.descriptors.directory(fd, right), path, length);
}

function followed(
  world: World,
  from: DirectoryDescriptor | FolderDescriptor,
  path: number,
  length: number,
): Place {
  const text = world.memory.path(path, length);
  world.cost.bytes += length;
  try {
    const place = follow(world.root, from.node, text, world.cost);
    if (place.kind === "local" && place.node === null) world.host.missed?.(text);
    return place;
  } catch (cause) {
    world.host.missed?.(text);
    throw cause;
  }
}

function existing({ node }: LocalPlace): LocalNode {
  if (node === null) throw refusal("NOENT");
  return node;
}

/** What `path_open` opens, made or cut as its flags say. */
function opened(
  world: World,
  from: Descriptor,
  place: LocalPlace,
  oflags: number,
  rights: bigint,
): LocalNode {
  const { node } = place;
  if (node === null) {
    if (!(oflags & OFLAG.CREAT)) throw refusal("NOENT");
    if (place.slash) throw refusal("ISDIR");
    const parent = writable(place.parent);
    if ((from.rights & RIGHT.PATH_CREATE_FILE) === 0n) throw refusal("NOTCAPABLE");
    return world.scratch.createFile(parent, place.name as string);
  }
  if (oflags & OFLAG.CREAT && oflags & OFLAG.EXCL) throw refusal("EXIST");
  if (node.kind === "directory") {
    if (rights & RIGHT.FD_WRITE || oflags & (OFLAG.CREAT | OFLAG.TRUNC)) throw refusal("ISDIR");
    return node;
  }
  if (oflags & OFLAG.DIRECTORY) throw refusal("NOTDIR");
  if (node.kind === "device") return node;
  if (!isScratch(node)) {
    if (rights & RIGHT.FD_WRITE || oflags & OFLAG.TRUNC) throw refusal("ROFS");
    return node;
  }
  if (oflags & OFLAG.TRUNC) {
    if ((from.rights & RIGHT.PATH_FILESTAT_SET_SIZE) === 0n) throw refusal("NOTCAPABLE");
    world.cost.bytes += node.size;
    node.resize(0);
  }
  return node;
}

function descriptorOf(node: LocalNode, rights: bigint, inheriting: bigint, flags: number): OpenedDescriptor {
  switch (node.kind) {
    case "file":
      return { kind: "file", node, position: 0, flags, rights: rights & FILE_RIGHTS, inheriting: 0n };
    case "device":
      return { kind: "device", node, flags, rights: rights & FILE_RIGHTS, inheriting: 0n };
    case "directory":
      return { kind: "directory", node, preopen: null, flags, rights: rights & DIRECTORY_RIGHTS, inheriting };
  }
}

function remove(world: World, { parent, name, node }: LocalPlace): void {
  world.scratch.unlink(writable(parent), name as string, node as ScratchNode);
}

function rename(world: World, from: LocalPlace, to: LocalPlace): void {
  const moved = existing(from);
  if (from.name === null || to.name === null) throw refusal("BUSY");
  if (to.slash && moved.kind !== "directory") throw refusal("NOTDIR");
  const source = writable(from.parent);
  const target = writable(to.parent);
  if (!isScratch(moved)) throw refusal("ROFS");
  if (to.node === moved) return;
  if (moved.kind === "directory" && isWithin(target, moved, world.cost)) throw refusal("INVAL");
  const { node: replaced } = to;
  if (replaced !== null) {
    if (replaced.kind === "directory") {
      if (moved.kind !== "directory") throw refusal("ISDIR");
      if (replaced.entries.size > 0) throw refusal("NOTEMPTY");
    } else if (moved.kind === "directory") throw refusal("NOTDIR");
    world.scratch.unlink(target, to.name, replaced as ScratchNode);
  }
  source.remove(from.name);
  target.add(to.name, moved);
}

/**
 * Writes as much of a directory as fits. Each entry has a number that it keeps while others come and go, so that a
 * directory can be changed while it is listed; a cookie is the number to go on from. The last entry may be cut off: the
 * guest asks for it again.
 */
function list(
  world: World,
  directory: DirectoryNode,
  cookie: bigint,
  room: number,
  put: (at: number, bytes: Uint8Array) => void,
): number {
  let used = 0;
  for (const [number, name, node] of numbered(world, directory)) {
    world.cost.steps++;
    if (BigInt(number) < cookie) continue;
    const bytes = encoder.encode(name);
    const entry = new Uint8Array(DIRENT.size + bytes.length);
    const view = new DataView(entry.buffer);
    view.setBigUint64(DIRENT.next, BigInt(number) + 1n, true);
    view.setBigUint64(DIRENT.inode, node.inode, true);
    view.setUint32(DIRENT.nameLength, bytes.length, true);
    const filetype = node.kind === "mounted" ? FILETYPE.DIRECTORY : filetypeOf(node.kind);
    view.setUint32(DIRENT.filetype, filetype, true);
    entry.set(bytes, DIRENT.size);
    const fits = entry.subarray(0, room - used);
    put(used, fits);
    used += fits.length;
    if (used === room) break;
  }
  world.cost.bytes += used;
  return used;
}

function* numbered(
  world: World,
  directory: DirectoryNode,
): Generator<readonly [number: number, name: string, node: Node]> {
  yield [0, ".", directory];
  yield [1, "..", directory.parent ?? world.root];
  let index = 0;
  for (const [name, node] of directory.entries) {
    const place = directory.scratch === null ? index++ : (node as ScratchNode).place;
    yield [place + 2, name, node];
  }
}
