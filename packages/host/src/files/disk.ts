/** What a run, or a session, adds to the host's disk. */
import { grouped, LIMITS } from "@capsule-run/protocol";
import { refuse } from "./failure.ts";

/** Files of which a budget knows what was added to them; of more, what is removed is not given back. */
const KNOWN_FILES = 262_144;

/**
 * A budget in bytes that all attempts of a run share: what files grow by, and `LIMITS.entryBytes` for each file and folder
 * that is made. Size counts, and not what the disk needs for it: a hole is paid for when it is made, or where it was there
 * before, when it is filled.
 *
 * What was added and is gone is given back, and nothing else is: a file that was there before gives nothing. So what a run
 * has added is never more than what it has paid for. Bytes of a file that is removed while it is open come back with its
 * last handle.
 */
export class DiskBudget {
  /** In bytes. */
  readonly most: number;
  /** Files that are being closed: what they give back must not depend on how fast that is. */
  readonly closing = new Set<Promise<void>>();
  #used = 0;
  #entries = 0;
  /** Bytes, by the identity of the file. */
  readonly #paid = new Map<string, number>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(most: number = LIMITS.diskBytes) {
    this.most = most;
  }

  get used(): number {
    return this.#used;
  }

  /**
   * Takes bytes before they are used: as many as there are.
   * @param least with fewer it can't be done
   * @throws Refused ENOSPC
   */
  async take(bytes: number, least = bytes): Promise<number> {
    while (this.#used + bytes > this.most && this.closing.size > 0) await Promise.all(this.closing);
    const taken = Math.min(bytes, this.most - this.#used);
    if (taken < least) refuse("ENOSPC", `the ${grouped(this.most)} bytes that may be added are used up`);
    this.#used += taken;
    return taken;
  }

  /** Gives back what was taken and not used. */
  give(bytes: number): void {
    this.#used -= bytes;
  }

  /** Before a file or a folder is made. @throws Refused ENOSPC */
  async addEntry(): Promise<void> {
    await this.take(LIMITS.entryBytes);
    this.#entries++;
  }

  /** After one is gone, whoever made it. */
  removeEntry(): void {
    if (this.#entries === 0) return;
    this.#entries--;
    this.give(LIMITS.entryBytes);
  }

  /** What of a file's size was paid for. */
  paidFor(file: string): number {
    return this.#paid.get(file) ?? 0;
  }

  /** What was taken has become a part of this file. */
  pay(file: string, bytes: number): void {
    if (bytes > 0 && (this.#paid.size < KNOWN_FILES || this.#paid.has(file)))
      this.#paid.set(file, this.paidFor(file) + bytes);
  }

  /** A file has lost bytes. */
  refund(file: string, bytes: number): void {
    const paid = this.paidFor(file);
    const back = Math.min(paid, Math.max(0, bytes));
    if (back === paid) this.#paid.delete(file);
    else this.#paid.set(file, paid - back);
    this.give(back);
  }

  /** Removes names one after the other, so that none is taken for removed twice. */
  inTurn<T>(job: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(job);
    this.#turn = done.catch(() => {});
    return done;
  }
}
