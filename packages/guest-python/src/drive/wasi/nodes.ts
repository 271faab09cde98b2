import type { Times } from "./attributes.ts";
import type { MountedNode } from "./mounted/node.ts";
import type { Scratch, ScratchFile, ScratchNode } from "./scratch.ts";

/** Random access to bytes that do not change: a file of the host, or what is held in memory. */
export interface RandomAccess {
  readonly size: number;
  /** Fills `into` from `position` on; gives how much there was. */
  read(position: number, into: Uint8Array): number;
}

/** A file that nobody can change. Shared by all attempts that see it. */
export interface FixedFile extends RandomAccess {
  readonly kind: "file";
  readonly scratch: null;
  readonly device: bigint;
  readonly inode: bigint;
  readonly times: Readonly<Times>;
  /** A folder that paths can go through as if the file were one, and that is itself not to be seen. */
  readonly inside: DirectoryNode | null;
}

export type FileNode = FixedFile | ScratchFile;

/** A device: `null` is always empty and takes everything, `random` is the attempt's random stream. */
export interface DeviceNode {
  readonly kind: "device";
  readonly name: "null" | "random";
  readonly scratch: null;
  readonly device: bigint;
  readonly inode: bigint;
  readonly times: Readonly<Times>;
}

export interface DirectoryNode {
  readonly kind: "directory";
  /** Where the directory can be written to; null for what nobody can change. */
  readonly scratch: Scratch | null;
  readonly device: bigint;
  readonly inode: bigint;
  readonly times: Times;
  readonly entries: ReadonlyMap<string, Node>;
  /** Null: the root of the attempt, or gone. */
  parent: DirectoryNode | null;
  /** Whether it is only a way to others: it can't be opened, listed or looked at, nor can what is not in it be made out. */
  readonly passage: boolean;
}

/** What the drive itself has. */
export type LocalNode = FileNode | DeviceNode | DirectoryNode;

export type Node = LocalNode | MountedNode;

/** Whether it belongs to `/tmp`. */
export const isScratch = (node: Node): node is ScratchNode => node.scratch !== null;

/** All files that can't change are from 1980: as old as a ZIP archive can say, so that they can be put into one. */
const FIXED_TIME = 315_532_800_000_000_000n;
export const FIXED_TIMES: Readonly<Times> = Object.freeze({
  accessed: FIXED_TIME,
  modified: FIXED_TIME,
  changed: FIXED_TIME,
});

/** Random access to bytes in memory. */
export const inMemory = (bytes: Uint8Array): RandomAccess => ({
  size: bytes.length,
  read(position, into) {
    const piece = bytes.subarray(position, position + into.length);
    into.set(piece);
    return piece.length;
  },
});

interface GrowingDirectory extends DirectoryNode {
  readonly entries: Map<string, Node>;
}

/** Builds trees that do not change, with inodes of its own. */
export class TreeBuilder {
  readonly #device: bigint;
  #inodes = 0n;
  /** Its entries are what is to be seen in the root of an attempt. */
  readonly top: DirectoryNode & { readonly entries: Map<string, Node> };

  constructor(device: bigint) {
    this.#device = device;
    this.top = this.directory(null);
  }

  directory(parent: DirectoryNode | null, options: { readonly passage?: boolean } = {}): GrowingDirectory {
    return {
      kind: "directory",
      scratch: null,
      device: this.#device,
      inode: ++this.#inodes,
      times: FIXED_TIMES as Times,
      entries: new Map(),
      parent: parent === this.top ? null : parent,
      passage: options.passage ?? false,
    };
  }

  file(content: RandomAccess, inside: DirectoryNode | null = null): FixedFile {
    return {
      kind: "file",
      scratch: null,
      device: this.#device,
      inode: ++this.#inodes,
      times: FIXED_TIMES,
      inside,
      size: content.size,
      read: (position, into) => content.read(position, into),
    };
  }

  special(name: DeviceNode["name"]): DeviceNode {
    return {
      kind: "device",
      name,
      scratch: null,
      device: this.#device,
      inode: ++this.#inodes,
      times: FIXED_TIMES,
    };
  }

  /** The directory at a path below `from`, made where it is missing. */
  folder(names: readonly string[], from: DirectoryNode = this.top): GrowingDirectory {
    let at = from as GrowingDirectory;
    for (const name of names) {
      let next = at.entries.get(name);
      if (next === undefined) {
        next = this.directory(at);
        at.entries.set(name, next);
      }
      if (next.kind !== "directory") throw new TypeError(`${name} is no folder`);
      at = next as GrowingDirectory;
    }
    return at;
  }
}
