import { DEVICE, type Times } from "./attributes.ts";
import { refusal } from "./refusal.ts";

/** How much `/tmp` holds. */
export interface ScratchLimits {
  /** Bytes of all files. */
  readonly bytes: number;
  /** Files and directories, deleted ones that are still open included. */
  readonly nodes: number;
}

export const SCRATCH_LIMITS: ScratchLimits = { bytes: 64 * 1024 * 1024, nodes: 10_000 };

/** Files take at least this, so that short ones are not moved at every write. */
const SMALLEST = 256;

/** A file of `/tmp`. */
export class ScratchFile {
  readonly kind = "file";
  readonly device = DEVICE.scratch;
  readonly inside = null;
  readonly scratch: Scratch;
  readonly inode: bigint;
  readonly times: Times;
  size = 0;
  /** Where it stands in its directory's order; see `fd_readdir`. */
  place = 0;
  linked = true;
  /** Descriptors that have it open. */
  holders = 0;
  /** The content, and room behind it that is all zeros. */
  #bytes = new Uint8Array(0);

  constructor(scratch: Scratch, inode: bigint, now: bigint) {
    this.scratch = scratch;
    this.inode = inode;
    this.times = { accessed: now, modified: now, changed: now };
  }

  read(position: number, into: Uint8Array): number {
    const piece = this.#bytes.subarray(
      Math.min(position, this.size),
      Math.min(position + into.length, this.size),
    );
    into.set(piece);
    return piece.length;
  }

  /** Writes what there is room for, and gives how much that was; a gap before `position` is filled with zeros. */
  write(position: number, from: Uint8Array): number {
    const room = this.size + this.scratch.bytesLeft - position;
    const length = Math.min(from.length, Math.max(0, room));
    if (length === 0) {
      if (from.length > 0) throw refusal("NOSPC");
      return 0;
    }
    if (position + length > this.size) this.resize(position + length);
    this.#bytes.set(from.subarray(0, length), position);
    this.touch();
    return length;
  }

  resize(size: number): void {
    const more = size - this.size;
    if (more > this.scratch.bytesLeft) throw refusal("NOSPC");
    const held = this.#bytes.length;
    if (size > held || (held > SMALLEST && size < held / 4)) {
      const roomy = size > held ? Math.min(size * 2, size + this.scratch.bytesLeft - more) : size;
      const moved = new Uint8Array(Math.max(roomy, SMALLEST));
      moved.set(this.#bytes.subarray(0, Math.min(size, this.size)));
      this.#bytes = moved;
    } else if (more < 0) this.#bytes.fill(0, size, this.size);
    this.scratch.bytesLeft -= more;
    this.size = size;
    this.touch();
  }

  touch(): void {
    const now = this.scratch.now();
    this.times.modified = now;
    this.times.changed = now;
  }
}

/** A directory of `/tmp`, or `/tmp` itself. */
export class ScratchDirectory {
  readonly kind = "directory";
  readonly device = DEVICE.scratch;
  readonly passage = false;
  readonly scratch: Scratch;
  readonly inode: bigint;
  readonly times: Times;
  /** In the order in which entries came; their `place` says it in numbers. */
  readonly entries = new Map<string, ScratchNode>();
  /** Null: `/tmp` itself, or gone. */
  parent: ScratchDirectory | null;
  place = 0;
  linked = true;
  holders = 0;
  #places = 0;

  constructor(scratch: Scratch, inode: bigint, now: bigint, parent: ScratchDirectory | null) {
    this.scratch = scratch;
    this.inode = inode;
    this.times = { accessed: now, modified: now, changed: now };
    this.parent = parent;
  }

  add(name: string, node: ScratchNode): void {
    node.place = this.#places++;
    // Deleted first: the order of a map is that of first insertion, and places have to grow along it.
    this.entries.delete(name);
    this.entries.set(name, node);
    if (node.kind === "directory") node.parent = this;
    this.touch();
  }

  remove(name: string): void {
    this.entries.delete(name);
    this.touch();
  }

  touch(): void {
    const now = this.scratch.now();
    this.times.modified = now;
    this.times.changed = now;
  }
}

export type ScratchNode = ScratchFile | ScratchDirectory;

/** `/tmp` of one attempt: in memory, empty at its start, bounded. Names and rules of paths are `paths.ts`'s. */
export class Scratch {
  now: () => bigint;
  readonly top: ScratchDirectory;
  bytesLeft: number;
  #nodesLeft: number;
  #inodes = 1n;

  constructor(limits: ScratchLimits, now: () => bigint, start: bigint) {
    this.now = now;
    this.bytesLeft = limits.bytes;
    this.#nodesLeft = limits.nodes;
    this.top = new ScratchDirectory(this, this.#inodes, start, null);
  }

  createFile(parent: ScratchDirectory, name: string): ScratchFile {
    const file = new ScratchFile(this, this.#inode(), this.now());
    parent.add(name, file);
    return file;
  }

  createDirectory(parent: ScratchDirectory, name: string): void {
    parent.add(name, new ScratchDirectory(this, this.#inode(), this.now(), parent));
  }

  /** Takes an entry out of its directory; a file lives on while it is open. */
  unlink(parent: ScratchDirectory, name: string, node: ScratchNode): void {
    parent.remove(name);
    node.linked = false;
    // A directory that is gone holds on to no other: chains of them would count for nothing and still take memory.
    if (node.kind === "directory") node.parent = null;
    this.#settle(node);
  }

  hold(node: ScratchNode): void {
    node.holders++;
  }

  release(node: ScratchNode): void {
    node.holders--;
    this.#settle(node);
  }

  /** Gives back what a node took, once nobody can get at it. */
  #settle(node: ScratchNode): void {
    if (node.linked || node.holders > 0) return;
    this.#nodesLeft++;
    if (node.kind === "file") this.bytesLeft += node.size;
  }

  #inode(): bigint {
    if (this.#nodesLeft === 0) throw refusal("NOSPC");
    this.#nodesLeft--;
    return ++this.#inodes;
  }
}
