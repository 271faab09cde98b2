import type { FileStat } from "@capsule-run/protocol";
import { DIRENT } from "../defs.ts";
import { type Access, digits } from "./file.ts";
import type { Mounts } from "./mounts.ts";
import { filetypeOf } from "./stat.ts";

/** The names in a folder, as `fd_readdir` gives them: entries one behind the other, and where each begins. */
interface Listing {
  readonly bytes: Uint8Array;
  readonly starts: Uint32Array;
}

type Entry = readonly [name: string, kind: FileStat["kind"], inode: string];

/** Names that the host can't tell the inode of get one that no file has: a zero would make wasi-libc ask for each. */
const MADE_UP = 1n << 63n;

/** A folder of a mount that the guest has open. */
export class MountedFolder {
  readonly handle: number;
  readonly #mounts: Mounts;
  #stat: FileStat;
  #statAge: number;
  #listing: Listing | null = null;

  constructor(mounts: Mounts, opened: { readonly handle: number; readonly stat: FileStat }) {
    this.#mounts = mounts;
    this.handle = opened.handle;
    this.#stat = opened.stat;
    this.#statAge = mounts.age;
  }

  stat(): FileStat | Promise<FileStat> {
    return this.#statAge === this.#mounts.age ? this.#stat : this.#askStat();
  }

  async #askStat(): Promise<FileStat> {
    const { head } = await this.#mounts.ask("file.stat", { handle: this.handle });
    this.#stat = head;
    this.#statAge = this.#mounts.age;
    return head;
  }

  /**
   * Up to `room` bytes of entries from the one with the number `cookie` on; the last may be cut off. The folder is listed
   * when it is read from its beginning: a program that changes it meanwhile still gets each name once.
   */
  entries(access: Access, cookie: bigint, room: number): Uint8Array | Promise<Uint8Array> {
    const listing = this.#listing;
    return listing && cookie > 0n ? from(listing, cookie, room) : this.#list(access, cookie, room);
  }

  async #list(access: Access, cookie: bigint, room: number): Promise<Uint8Array> {
    this.#forget();
    const { payload } = await this.#mounts.ask("file.list", { handle: this.handle });
    const names = JSON.parse(Buffer.from(payload).toString()) as readonly Entry[];
    const listing = encode([[".", "directory", this.#stat.inode], ["..", "directory", "0"], ...names]);
    this.#mounts.addListing(listing.bytes.length);
    access.charge(listing.bytes.length);
    this.#listing = listing;
    return from(listing, cookie, room);
  }

  async setTimes(accessed: bigint | null, modified: bigint | null): Promise<void> {
    const times = { accessed: digits(accessed), modified: digits(modified) };
    await this.#mounts.ask("file.times", { handle: this.handle, ...times });
    this.#mounts.changedTimes();
  }

  async sync(): Promise<void> {
    await this.#mounts.ask("file.sync", { handle: this.handle });
  }

  close(): void {
    this.#forget();
    this.#mounts.close(this.handle);
  }

  #forget(): void {
    if (this.#listing) this.#mounts.removeListing(this.#listing.bytes.length);
    this.#listing = null;
  }
}

function from({ bytes, starts }: Listing, cookie: bigint, room: number): Uint8Array {
  const start = cookie < BigInt(starts.length) ? (starts[Number(cookie)] as number) : bytes.length;
  return bytes.subarray(start, start + room);
}

function encode(entries: readonly Entry[]): Listing {
  const starts = new Uint32Array(entries.length);
  let size = 0;
  for (const [i, [name]] of entries.entries()) {
    starts[i] = size;
    size += DIRENT.size + Buffer.byteLength(name);
  }
  const bytes = Buffer.alloc(size);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (const [i, [name, kind, inode]] of entries.entries()) {
    const at = starts[i] as number;
    const known = BigInt.asUintN(64, BigInt(inode));
    const length = bytes.write(name, at + DIRENT.size);
    view.setBigUint64(at + DIRENT.next, BigInt(i) + 1n, true);
    view.setBigUint64(at + DIRENT.inode, known === 0n ? MADE_UP + BigInt(i) : known, true);
    view.setUint32(at + DIRENT.nameLength, length, true);
    view.setUint32(at + DIRENT.filetype, filetypeOf(kind), true);
  }
  return { bytes, starts };
}
