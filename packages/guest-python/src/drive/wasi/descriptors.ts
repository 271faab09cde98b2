import { ALL_RIGHTS, DIRECTORY_RIGHTS, RIGHT, STREAM_RIGHTS } from "./defs.ts";
import type { MountedFile } from "./mounted/file.ts";
import type { MountedFolder } from "./mounted/folder.ts";
import type { MountedNode } from "./mounted/node.ts";
import { type DeviceNode, type DirectoryNode, type FileNode, isScratch } from "./nodes.ts";
import { refusal } from "./refusal.ts";
import type { Scratch } from "./scratch.ts";

interface Rights {
  rights: bigint;
  inheriting: bigint;
  /** `FDFLAG`s. */
  flags: number;
}

export interface InputDescriptor extends Rights {
  readonly kind: "input";
}

export interface OutputDescriptor extends Rights {
  readonly kind: "output";
  readonly stream: 1 | 2;
}

export interface FileDescriptor extends Rights {
  readonly kind: "file";
  readonly node: FileNode;
  position: number;
}

export interface DeviceDescriptor extends Rights {
  readonly kind: "device";
  readonly node: DeviceNode;
}

export interface DirectoryDescriptor extends Rights {
  readonly kind: "directory";
  readonly node: DirectoryNode;
  /** Its path where it was open from the start, and can't be closed. */
  readonly preopen: string | null;
}

/** A file of a mount. */
export interface MountedDescriptor extends Rights {
  readonly kind: "mounted";
  readonly file: MountedFile;
  position: number;
}

/** A folder of a mount. */
export interface FolderDescriptor extends Rights {
  readonly kind: "folder";
  /** Where it was when it was opened: what paths from it start with. */
  readonly node: MountedNode;
  readonly folder: MountedFolder;
}

/** What a number of the guest's stands for. */
export type Descriptor = InputDescriptor | OutputDescriptor | OpenedDescriptor;

/** What paths lead to. */
export type OpenedDescriptor =
  | FileDescriptor
  | DeviceDescriptor
  | DirectoryDescriptor
  | MountedDescriptor
  | FolderDescriptor;

/** A descriptor as it was. */
interface Noted extends Rights {
  readonly descriptor: Descriptor;
  readonly position: number;
}

/** The one directory that is open from the start. wasi-libc learns of it at boot, once and for all. */
export const ROOT = 3;
/** Those below are open from the start. */
export const FIRST_FREE = ROOT + 1;
export const MOST_DESCRIPTORS = 1024;

/** The descriptors of one attempt. */
export class Descriptors {
  readonly #scratch: Scratch;
  readonly #open: Map<number, Descriptor>;
  /** No number below is free, except those of closed standard streams, which nothing else gets. */
  #lowest = FIRST_FREE;
  /** What there was when it was noted, by number; empty: it never was. */
  #saved = new Map<number, Noted>();
  /** Of that, what the guest has closed since: it stays open, for it may come back. */
  readonly #parted = new Set<Descriptor>();

  constructor(root: DirectoryNode, scratch: Scratch) {
    this.#scratch = scratch;
    const stream = { inheriting: 0n, flags: 0 };
    const input = STREAM_RIGHTS | RIGHT.FD_READ;
    const output = STREAM_RIGHTS | RIGHT.FD_WRITE;
    this.#open = new Map<number, Descriptor>([
      [0, { kind: "input", rights: input, ...stream }],
      [1, { kind: "output", stream: 1, rights: output, ...stream }],
      [2, { kind: "output", stream: 2, rights: output, ...stream }],
      [
        ROOT,
        {
          kind: "directory",
          node: root,
          preopen: "/",
          rights: DIRECTORY_RIGHTS,
          inheriting: ALL_RIGHTS,
          flags: 0,
        },
      ],
    ]);
  }

  get(number: number): Descriptor {
    const found = this.#open.get(number);
    if (found === undefined) throw refusal("BADF");
    return found;
  }

  /** A descriptor that may do something. */
  able(number: number, right: bigint): Descriptor {
    const found = this.get(number);
    if ((found.rights & right) === 0n) throw refusal("NOTCAPABLE");
    return found;
  }

  /** The directory that a path starts from. */
  directory(number: number, right: bigint): DirectoryDescriptor | FolderDescriptor {
    const found = this.get(number);
    if (found.kind !== "directory" && found.kind !== "folder") throw refusal("NOTDIR");
    if ((found.rights & right) === 0n) throw refusal("NOTCAPABLE");
    return found;
  }

  /** Refuses if there is no number left. */
  checkRoom(): void {
    while (this.#open.has(this.#lowest)) this.#lowest++;
    if (this.#lowest >= MOST_DESCRIPTORS) throw refusal("MFILE");
  }

  /** Gives a descriptor the lowest free number. */
  add(descriptor: OpenedDescriptor): number {
    this.checkRoom();
    this.#open.set(this.#lowest, descriptor);
    if ("node" in descriptor && isScratch(descriptor.node)) this.#scratch.hold(descriptor.node);
    return this.#lowest++;
  }

  close(number: number): void {
    const found = this.get(number);
    if (number === ROOT) throw refusal("NOTSUP");
    this.#open.delete(number);
    if (number >= FIRST_FREE) this.#lowest = Math.min(this.#lowest, number);
    if (this.#isSaved(found)) this.#parted.add(found);
    else this.#end(found);
  }

  /** Notes what is open, for `restore`. */
  keep(): void {
    for (const each of this.#parted) this.#end(each);
    this.#parted.clear();
    this.#saved = new Map();
    for (const [number, descriptor] of this.#open) {
      const { rights, inheriting, flags } = descriptor;
      const position = "position" in descriptor ? descriptor.position : 0;
      this.#saved.set(number, { descriptor, rights, inheriting, flags, position });
    }
  }

  /** Opens what was open when it was noted, and closes everything else. */
  restore(): void {
    for (const each of this.#open.values()) if (!this.#isSaved(each)) this.#end(each);
    this.#parted.clear();
    this.#open.clear();
    this.#lowest = FIRST_FREE;
    for (const [number, { descriptor, position, ...rights }] of this.#saved) {
      Object.assign(descriptor, rights);
      if ("position" in descriptor) descriptor.position = position;
      this.#open.set(number, descriptor);
    }
  }

  #isSaved(descriptor: Descriptor): boolean {
    for (const noted of this.#saved.values()) if (noted.descriptor === descriptor) return true;
    return false;
  }

  /** Nobody has it open any more. */
  #end(found: Descriptor): void {
    if (found.kind === "mounted") found.file.close();
    else if (found.kind === "folder") found.folder.close();
    else if ("node" in found && isScratch(found.node)) this.#scratch.release(found.node);
  }

  /** Moves a descriptor to a number that is in use, and closes what was there. */
  renumber(from: number, to: number): void {
    const moved = this.get(from);
    this.get(to);
    if (from === ROOT || to === ROOT) throw refusal("NOTSUP");
    if (from === to) return;
    this.close(to);
    this.#open.delete(from);
    this.#open.set(to, moved);
    if (from >= FIRST_FREE) this.#lowest = Math.min(this.#lowest, from);
  }

  /** How many are open that were not at the start. */
  get opened(): number {
    return this.#open.size - this.standing;
  }

  /** How many are still open that were at the start. */
  get standing(): number {
    let standing = 0;
    for (let number = 0; number < FIRST_FREE; number++) {
      const kind = this.#open.get(number)?.kind;
      if (kind === (number === 0 ? "input" : number === ROOT ? "directory" : "output")) standing++;
    }
    return standing;
  }
}
