import type { EffectAnswers, FileStat } from "@capsule-run/protocol";
import type { GuestMemory, Span } from "../guest-memory.ts";
import { identityOf, type Mounts } from "./mounts.ts";

/** Bytes that are read at once where a file is read from one end to the other. */
const AHEAD = 256 * 1024;
/** Bytes that cross at once. */
const MOST_AT_ONCE = 4 * 1024 * 1024;
/** Bytes of one call of the guest's, whose buffers may all be the same: what is more has to come again. */
const MOST_PER_CALL = 64 * 1024 * 1024;
/** How often the end of what is kept is taken for the file's: reading to the end takes two or three reads there. */
const ENDS = 3;

/** A piece of a file, as it was. */
interface Piece {
  readonly at: number;
  readonly bytes: Uint8Array;
  /** Whether the file ended behind it. */
  readonly end: boolean;
  /** See `Mounts.contentAge`. */
  readonly age: number;
}

/** What a read or a write of the guest's needs, beside the file. */
export interface Access {
  readonly memory: GuestMemory;
  /** Pays for bytes that crossed. */
  charge(bytes: number): void;
}

/** A file of a mount that the guest has open. */
export class MountedFile {
  readonly handle: number;
  /** What tells it from others. */
  readonly identity: string;
  readonly #mounts: Mounts;
  /** Whether it was opened for writing: then nothing of its contents is kept, so that others' locks hold. */
  readonly #writes: boolean;
  #stat: FileStat;
  #statAge: number;
  #size: number;
  #sizeAge: number;
  #piece: Piece | null = null;
  /** Where the last read ended. */
  #next = 0;
  #ends = 0;

  constructor(
    mounts: Mounts,
    opened: { readonly handle: number; readonly stat: FileStat; readonly writes: boolean },
    whole: Uint8Array | null,
  ) {
    this.#mounts = mounts;
    this.handle = opened.handle;
    this.identity = identityOf(opened.stat);
    this.#writes = opened.writes;
    this.#stat = opened.stat;
    this.#size = opened.stat.size;
    this.#statAge = this.#sizeAge = mounts.age;
    mounts.opened(this);
    if (whole) this.#keep(0, whole, true);
  }

  /** What it is: at once if that is known. */
  stat(): FileStat | Promise<FileStat> {
    return this.#statAge === this.#mounts.age ? this.#stat : this.#askStat();
  }

  async #askStat(): Promise<FileStat> {
    const { head } = await this.#mounts.ask("file.stat", { handle: this.handle });
    this.#stat = head;
    this.#size = head.size;
    this.#statAge = this.#sizeAge = this.#mounts.age;
    return head;
  }

  /** Its size: at once if that is known. */
  size(): number | Promise<number> {
    return this.#sizeAge === this.#mounts.age ? this.#size : this.#askStat().then(({ size }) => size);
  }

  /** Reads from `from` on into memory: at once if all of it is known. Gives less than there is room for only at the end, and of more than `MOST_PER_CALL`. */
  read(access: Access, from: number, spans: readonly Span[]): number | Promise<number> {
    const wanted = wantedOf(spans);
    const piece = this.#known();
    const known = piece && from >= piece.at ? piece.at + piece.bytes.length - from : -1;
    if (wanted === 0) return 0;
    if (piece && (known >= wanted || (piece.end && known >= 0))) {
      if (known === 0 && ++this.#ends >= ENDS) this.forget();
      const given = scatter(
        access,
        spans,
        0,
        piece.bytes.subarray(from - piece.at, from - piece.at + wanted),
      );
      this.#next = from + given;
      return given;
    }
    return this.#fetch(access, from, spans, wanted);
  }

  async #fetch(access: Access, from: number, spans: readonly Span[], wanted: number): Promise<number> {
    const ahead = !this.#writes && from === this.#next ? AHEAD : 0;
    let total = 0;
    while (total < wanted) {
      const at = from + total;
      const length = Math.min(MOST_AT_ONCE, Math.max(wanted - total, ahead));
      const { payload } = await this.#mounts.ask("file.read", { handle: this.handle, at, length });
      const end = payload.length < length;
      if (ahead > 0 && payload.length <= AHEAD) this.#keep(at, payload, end);
      const given = scatter(access, spans, total, payload.subarray(0, wanted - total));
      access.charge(payload.length - given);
      total += given;
      if (end) break;
    }
    this.#next = from + total;
    return total;
  }

  /**
   * Writes what is in memory at `at`; null: at the end. Gives where it was written and how much: less than all of it only
   * where there is no room, and of more than `MOST_PER_CALL`.
   */
  async write(
    access: Access,
    at: number | null,
    spans: readonly Span[],
  ): Promise<{ readonly at: number; readonly written: number }> {
    const wanted = wantedOf(spans);
    let first = at ?? 0;
    let total = 0;
    while (total < wanted) {
      const payload = gather(access.memory, spans, total, Math.min(MOST_AT_ONCE, wanted - total));
      const head = await this.#writeOnce(at === null ? null : at + total, payload).catch((cause: unknown) => {
        // What was written stays written; the next call says why it went no further.
        if (total === 0) throw cause;
        return null;
      });
      if (head === null) break;
      if (total === 0) first = head.at;
      total += head.written;
      access.charge(head.written);
      if (head.written < payload.length) break;
    }
    return { at: first, written: total };
  }

  async #writeOnce(at: number | null, payload: Uint8Array): Promise<EffectAnswers["file.write"]> {
    const { head } = await this.#mounts.ask("file.write", { handle: this.handle, at }, payload);
    this.#mounts.changedContent(this.identity);
    this.#size = head.size;
    this.#sizeAge = this.#mounts.age;
    return head;
  }

  async resize(size: number): Promise<void> {
    await this.#mounts.ask("file.truncate", { handle: this.handle, size });
    this.#mounts.changedContent(this.identity);
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
    this.#mounts.closed(this);
  }

  /** Keeps nothing of its contents. */
  forget(): void {
    this.#piece = null;
    this.#ends = 0;
    this.#mounts.drop(this);
  }

  #known(): Piece | null {
    if (this.#piece && this.#piece.age !== this.#mounts.contentAge) this.forget();
    return this.#piece;
  }

  #keep(at: number, bytes: Uint8Array, end: boolean): void {
    this.#piece = { at, bytes, end, age: this.#mounts.contentAge };
    this.#ends = 0;
    this.#mounts.keep(this, bytes.length);
  }
}

export const digits = (time: bigint | null): string | null =>
  time === null ? null : BigInt.asIntN(64, time).toString();

const wantedOf = (spans: readonly Span[]): number =>
  Math.min(
    MOST_PER_CALL,
    spans.reduce((sum, { length }) => sum + length, 0),
  );

/** Puts bytes into spans, behind the first `skip` bytes of them. Gives how many there was room for. */
function scatter(access: Access, spans: readonly Span[], skip: number, bytes: Uint8Array): number {
  let before = 0;
  let done = 0;
  for (const { at, length } of spans) {
    const offset = Math.max(0, skip + done - before);
    before += length;
    if (offset >= length) continue;
    const piece = bytes.subarray(done, done + length - offset);
    if (piece.length === 0) break;
    access.memory.room(at + offset, piece.length).set(piece);
    done += piece.length;
  }
  access.charge(done);
  return done;
}

/** A copy of up to `most` bytes of spans, behind the first `skip` of them. */
function gather(memory: GuestMemory, spans: readonly Span[], skip: number, most: number): Uint8Array {
  const pieces: Uint8Array[] = [];
  let before = 0;
  let size = 0;
  for (const { at, length } of spans) {
    const offset = Math.max(0, skip - before);
    before += length;
    if (offset >= length) continue;
    const taken = Math.min(length - offset, most - size);
    if (taken === 0) break;
    pieces.push(memory.bytes(at + offset, taken));
    size += taken;
  }
  return Buffer.concat(pieces, size);
}
