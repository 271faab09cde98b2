import {
  type EffectAnswers,
  type EffectName,
  type EffectRequests,
  encodeEffect,
  type FileStat,
} from "@capsule-run/protocol";
import { type Errno, refusal } from "../refusal.ts";
import type { MountedFile } from "./file.ts";

/** How the guest's files reach the host. Nothing here throws. */
export interface FileHost {
  /** Suspends the guest until there is an answer, laid out as by `encodeAnswer`; null: the guest has been ended. */
  ask(name: EffectName, request: Uint8Array): Promise<Uint8Array | null>;
  /** For what nobody waits for. */
  post(name: EffectName, request: Uint8Array): void;
}

/** Bytes of files' contents that one attempt keeps to save round trips. */
const MOST_KEPT = 16 * 1024 * 1024;
/** Bytes of the listings of folders that one attempt may have open at once. */
const MOST_LISTED = 64 * 1024 * 1024;
const HEADER = 4;

/**
 * The mounts of one attempt: asks the host, and knows how old what was heard is.
 *
 * Contents and stats that came with other answers are used again as long as the guest could not tell: until the sandbox
 * waits for something else than a file, when others may have written; until it changes the same file itself; and, for
 * all files, until it does what programs use as a lock (making or removing a name), behind which they look again.
 */
export class Mounts {
  #host: FileHost;
  /** What is kept of contents, the oldest first. */
  readonly #kept = new Map<MountedFile, number>();
  #keptBytes = 0;
  #listedBytes = 0;
  readonly #files = new Set<MountedFile>();
  #over = false;
  /** Grows whenever a stat may be out of date. */
  age = 0;
  /** Grows whenever any content may be out of date. */
  contentAge = 0;

  constructor(host: FileHost) {
    this.#host = host;
  }

  /** They are those of another instance now. */
  moveTo(host: FileHost): void {
    this.#host = host;
  }

  /** The attempt is over: answers that still come are for nobody. */
  end(): void {
    this.#over = true;
  }

  /** The sandbox waited for something else: others may have changed any file meanwhile. */
  waited(): void {
    this.age++;
    this.contentAge++;
  }

  /** A name was made, moved or removed. */
  changedNames(): void {
    this.waited();
  }

  /** A file was written to by this sandbox. */
  changedContent(identity: string): void {
    this.age++;
    for (const file of this.#files) if (file.identity === identity) file.forget();
  }

  /** Only times changed. */
  changedTimes(): void {
    this.age++;
  }

  async ask<Name extends EffectName>(
    name: Name,
    head: EffectRequests[Name],
    payload?: Uint8Array,
  ): Promise<{ readonly head: EffectAnswers[Name]; readonly payload: Uint8Array }> {
    const answer = await this.#host.ask(name, encodeEffect(head, payload));
    if (answer === null || this.#over) throw refusal("CANCELED");
    const length = new DataView(answer.buffer, answer.byteOffset).getUint32(0, true);
    const text = Buffer.from(answer.buffer, answer.byteOffset + HEADER, length).toString();
    const answered = JSON.parse(text) as { readonly ok: boolean; readonly code?: string };
    if (!answered.ok) throw refusal(errnoOf(answered.code ?? ""));
    return {
      head: answered as unknown as EffectAnswers[Name],
      payload: answer.subarray(HEADER + length),
    };
  }

  close(handle: number): void {
    if (!this.#over) this.#host.post("file.close", encodeEffect({ handle }));
  }

  opened(file: MountedFile): void {
    this.#files.add(file);
  }

  closed(file: MountedFile): void {
    file.forget();
    this.#files.delete(file);
    this.close(file.handle);
  }

  /** Makes room for what a file keeps, at the cost of what was kept first. */
  keep(file: MountedFile, bytes: number): void {
    this.drop(file);
    this.#kept.set(file, bytes);
    this.#keptBytes += bytes;
    for (const [oldest] of this.#kept) {
      if (this.#keptBytes <= MOST_KEPT) break;
      oldest.forget();
    }
  }

  /** A file keeps nothing any more. */
  drop(file: MountedFile): void {
    this.#keptBytes -= this.#kept.get(file) ?? 0;
    this.#kept.delete(file);
  }

  /** Room for a listing of a folder. Refuses if there is none left. */
  addListing(bytes: number): void {
    if (this.#listedBytes + bytes > MOST_LISTED) throw refusal("NOMEM");
    this.#listedBytes += bytes;
  }

  removeListing(bytes: number): void {
    this.#listedBytes -= bytes;
  }
}

/** What tells files apart, whatever they are called. */
export const identityOf = ({ device, inode }: FileStat): string => `${device}:${inode}`;

const ERRNOS: Readonly<Record<string, Errno>> = {
  EACCES: "ACCES",
  EAGAIN: "AGAIN",
  EBADF: "BADF",
  EBUSY: "BUSY",
  EDQUOT: "DQUOT",
  EEXIST: "EXIST",
  EFBIG: "FBIG",
  EINVAL: "INVAL",
  EISDIR: "ISDIR",
  // Too much is under way already: it can be asked for again when some of it has ended.
  ELIMIT: "AGAIN",
  ELOOP: "LOOP",
  EMFILE: "MFILE",
  EMLINK: "MLINK",
  ENAMETOOLONG: "NAMETOOLONG",
  ENFILE: "NFILE",
  ENODEV: "NODEV",
  ENOENT: "NOENT",
  ENOMEM: "NOMEM",
  ENOSPC: "NOSPC",
  ENOSYS: "NOSYS",
  ENOTDIR: "NOTDIR",
  ENOTEMPTY: "NOTEMPTY",
  ENOTSUP: "NOTSUP",
  ENXIO: "NXIO",
  EOVERFLOW: "OVERFLOW",
  EPERM: "PERM",
  EROFS: "ROFS",
  ESPIPE: "SPIPE",
  ETXTBSY: "TXTBSY",
  EXDEV: "XDEV",
};

/** The error number for what the host says; EIO for what is none. */
const errnoOf = (code: string): Errno => (Object.hasOwn(ERRNOS, code) ? (ERRNOS[code] as Errno) : "IO");
