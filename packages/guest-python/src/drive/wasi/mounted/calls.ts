import type { FileStat } from "@capsule-run/protocol";
import { DIRECTORY_RIGHTS, FDFLAG, FILE_RIGHTS, OFLAG, RIGHT } from "../defs.ts";
import type { FolderDescriptor, MountedDescriptor, OpenedDescriptor } from "../descriptors.ts";
import type { Span } from "../guest-memory.ts";
import { refusal } from "../refusal.ts";
import type { NewTimes } from "../stat.ts";
import type { World } from "../world.ts";
import { type Access, digits, MountedFile } from "./file.ts";
import { MountedFolder } from "./folder.ts";
import { identityOf, type Mounts } from "./mounts.ts";
import type { MountedNode } from "./node.ts";
import { writeHostStat } from "./stat.ts";

/** Charged for each question to the host, which is more than a call. */
const ASK_UNITS = 20_000;

/** The mounts of the attempt, to ask the host something. */
export function asking(world: World): Mounts {
  if (world.mounts === null) throw refusal("BADF");
  world.cost.units += ASK_UNITS;
  return world.mounts;
}

const accessOf = (world: World): Access => ({
  memory: world.memory,
  charge: (bytes) => {
    world.cost.bytes += bytes;
  },
});

/** Does something with what may be known already, or has to be waited for. */
const then = <T>(value: T | Promise<T>, use: (value: T) => void): void | Promise<void> =>
  value instanceof Promise ? value.then(use) : use(value);

/** How a path is opened. */
export interface Opening {
  readonly follow: boolean;
  readonly oflags: number;
  readonly rights: bigint;
  readonly inheriting: bigint;
  readonly flags: number;
}

export async function openMounted(
  world: World,
  node: MountedNode,
  { follow, oflags, rights, inheriting, flags }: Opening,
): Promise<OpenedDescriptor> {
  const mounts = asking(world);
  const write = (rights & RIGHT.FD_WRITE) !== 0n;
  const wish = {
    read: (rights & RIGHT.FD_READ) !== 0n,
    write,
    append: write && (flags & FDFLAG.APPEND) !== 0,
    create: (oflags & OFLAG.CREAT) !== 0,
    exclusive: (oflags & OFLAG.EXCL) !== 0,
    truncate: (oflags & OFLAG.TRUNC) !== 0,
    directory: (oflags & OFLAG.DIRECTORY) !== 0,
    follow,
  };
  const { head, payload } = await mounts.ask("file.open", { path: node.path, ...wish });
  const { handle, stat, whole } = head;
  if (wish.exclusive) mounts.changedNames();
  if (stat.kind === "directory") {
    const folder = new MountedFolder(mounts, { handle, stat });
    return { kind: "folder", node, folder, flags, rights: rights & DIRECTORY_RIGHTS, inheriting };
  }
  world.cost.bytes += payload.length;
  if (wish.truncate) mounts.changedContent(identityOf(stat));
  const file = new MountedFile(mounts, { handle, stat, writes: write }, whole ? payload : null);
  return { kind: "mounted", file, position: 0, flags, rights: rights & FILE_RIGHTS, inheriting: 0n };
}

export async function statMounted(
  world: World,
  node: MountedNode,
  follow: boolean,
  out: number,
): Promise<void> {
  const { head } = await asking(world).ask("file.stat", { path: node.path, follow });
  writeHostStat(world.memory, out, head);
}

export async function setMountedTimes(
  world: World,
  node: MountedNode,
  follow: boolean,
  { accessed, modified }: NewTimes,
): Promise<void> {
  const times = { accessed: digits(accessed), modified: digits(modified) };
  const mounts = asking(world);
  await mounts.ask("file.times", { path: node.path, follow, ...times });
  mounts.changedTimes();
}

/** Makes or removes a name. */
export async function changeMounted(
  world: World,
  name: "file.mkdir" | "file.unlink" | "file.rmdir",
  node: MountedNode,
): Promise<void> {
  const mounts = asking(world);
  // What happens to a name may be known by a failure too: a lock that is taken.
  await mounts.ask(name, { path: node.path }).finally(() => mounts.changedNames());
}

export async function renameMounted(world: World, from: MountedNode, to: MountedNode): Promise<void> {
  const mounts = asking(world);
  await mounts.ask("file.rename", { from: from.path, to: to.path }).finally(() => mounts.changedNames());
}

/** Writes as much of a link's target as there is room for. */
export async function readMountedLink(
  world: World,
  node: MountedNode,
  buffer: number,
  room: number,
  out: number,
): Promise<void> {
  const { head } = await asking(world).ask("file.readlink", { path: node.path });
  const target = Buffer.from(head.target).subarray(0, room);
  world.memory.room(buffer, target.length).set(target);
  world.memory.setU32(out, target.length);
}

/** @param at null: at the descriptor's position, which moves on */
export function readMounted(
  world: World,
  found: MountedDescriptor,
  at: number | null,
  spans: readonly Span[],
  out: number,
): void | Promise<void> {
  const length = found.file.read(accessOf(world), at ?? found.position, spans);
  if (length instanceof Promise) asking(world);
  return then(length, (given) => {
    if (at === null) found.position += given;
    world.memory.setU32(out, given);
  });
}

/** @param at null: at the descriptor's position, which moves on */
export async function writeMounted(
  world: World,
  found: MountedDescriptor,
  at: number | null,
  spans: readonly Span[],
  out: number,
): Promise<void> {
  asking(world);
  const place = found.flags & FDFLAG.APPEND ? null : (at ?? found.position);
  const { at: first, written } = await found.file.write(accessOf(world), place, spans);
  if (at === null && written > 0) found.position = first + written;
  world.memory.setU32(out, written);
}

export const statOpened = (
  world: World,
  { stat }: { readonly stat: FileStat | Promise<FileStat> },
  out: number,
): void | Promise<void> => then(stat, (known) => writeHostStat(world.memory, out, known));

/** Gives the size of a file to `use`, which may say no. */
export const withSize = (found: MountedDescriptor, use: (size: number) => void): void | Promise<void> =>
  then(found.file.size(), use);

/** Makes a file at least so long. */
export async function lengthen(world: World, found: MountedDescriptor, size: number): Promise<void> {
  asking(world);
  if ((await found.file.size()) < size) await found.file.resize(size);
}

export async function resizeMounted(world: World, found: MountedDescriptor, size: number): Promise<void> {
  asking(world);
  await found.file.resize(size);
}

export async function setOpenedTimes(
  world: World,
  found: MountedDescriptor | FolderDescriptor,
  { accessed, modified }: NewTimes,
): Promise<void> {
  asking(world);
  await (found.kind === "mounted" ? found.file : found.folder).setTimes(accessed, modified);
}

export async function syncMounted(world: World, found: MountedDescriptor | FolderDescriptor): Promise<void> {
  asking(world);
  await (found.kind === "mounted" ? found.file : found.folder).sync();
}

export function listMounted(
  world: World,
  { folder }: FolderDescriptor,
  cookie: bigint,
  buffer: number,
  room: number,
  out: number,
): void | Promise<void> {
  return then(folder.entries(accessOf(world), cookie, room), (bytes) => {
    world.memory.room(buffer, bytes.length).set(bytes);
    world.memory.setU32(out, bytes.length);
    world.cost.bytes += bytes.length;
  });
}
