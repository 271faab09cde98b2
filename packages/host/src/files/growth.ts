/** Files that are open, whoever has opened them, and what changes their size: one thing after the other. */
import type { BigIntStats } from "node:fs";
import { ftruncate } from "node:fs";
import { promisify } from "node:util";
import { closeLater } from "./calls.ts";
import type { DiskBudget } from "./disk.ts";
import type { OpenMount } from "./world.ts";

const resizeLater = promisify(ftruncate);

/** A file that attempts of this process have open. */
export interface OpenFile {
  /** See `identity`. */
  readonly id: string;
  handles: number;
  /** It has no name any more. */
  gone: boolean;
  /** Who gets something back when it is gone and closed. */
  readonly payers: Set<DiskBudget>;
  last: Promise<unknown>;
}

const open = new Map<string, OpenFile>();

/** One more has it open. */
export function hold(id: string): OpenFile {
  const file = open.get(id) ?? { id, handles: 0, gone: false, payers: new Set(), last: Promise.resolve() };
  open.set(id, file);
  file.handles++;
  return file;
}

/** One less, which is closed already. */
export function letGo(file: OpenFile): void {
  if (--file.handles > 0) return;
  open.delete(file.id);
  if (file.gone) for (const disk of file.payers) disk.refund(file.id, disk.paidFor(file.id));
}

/** Closes a handle of it. */
export function closeHeld(file: OpenFile, fd: number, disk: DiskBudget): Promise<void> {
  const closed = closeLater(fd).then(() => {
    disk.closing.delete(closed);
    letGo(file);
  });
  disk.closing.add(closed);
  return closed;
}

/** The file has lost its last name. */
export function removed(id: string, disk: DiskBudget): void {
  const file = open.get(id);
  if (file) {
    file.gone = true;
    file.payers.add(disk);
  } else disk.refund(id, disk.paidFor(id));
}

function inTurn<T>(file: OpenFile, job: () => Promise<T>): Promise<T> {
  const done = file.last.then(job);
  file.last = done.catch(() => {});
  return done;
}

/** Something open for writing. */
export interface Growing {
  readonly file: OpenFile;
  readonly fd: number;
  readonly mount: OpenMount;
}

const BLOCK = 512n;

/** Bytes of its size for which nothing is on the disk. */
const holesOf = ({ size, blocks }: BigIntStats): number => Math.max(0, Number(size - blocks * BLOCK));

/**
 * Writes up to `length` bytes at `at`, null: at the end; fewer where the run's disk has no room for them all.
 *
 * @param write is told the size before, and how many bytes may be written; gives how many were
 * @throws Refused ENOSPC if there is no room for a single byte
 */
export function extend(
  { file, fd, mount: { disk, ground } }: Growing,
  at: number | null,
  length: number,
  write: (size: number, length: number) => Promise<number>,
): Promise<number> {
  return inTurn(file, async () => {
    const before = await ground.calls.fstat(fd);
    const size = Number(before.size);
    settle(file, disk, size);
    const start = at ?? size;
    // What was there before lies below what was added.
    const own = size - disk.paidFor(file.id);
    const filling = Math.max(0, Math.min(start + length, own, start + holesOf(before)) - start);
    const growth = length > 0 ? Math.max(0, start + length - size) : 0;
    // One byte at least, and all that comes to lie before it.
    const least = filling + (start >= size ? Math.min(growth, start - size + 1) : 0);
    const taken = await disk.take(filling + growth, least);
    const fitting = Math.min(length, size + taken - filling - start);
    file.payers.add(disk);
    let written = false;
    try {
      const count = await write(size, fitting);
      written = true;
      return count;
    } finally {
      // What can't be looked at stays taken.
      const after = await Promise.resolve(ground.calls.fstat(fd)).catch(() => null);
      if (after !== null) {
        const grown = clamp(Number(after.size) - size, taken - filling);
        const filled = clamp(Number((after.blocks - before.blocks) * BLOCK) - grown, filling);
        disk.give(taken - grown - filled);
        disk.pay(file.id, grown);
      } else if (written) disk.pay(file.id, taken - filling);
    }
  });
}

/** @throws Refused ENOSPC */
export function resize({ file, fd, mount: { disk, ground } }: Growing, size: number): Promise<void> {
  return inTurn(file, async () => {
    const before = Number((await ground.calls.fstat(fd)).size);
    settle(file, disk, before);
    const growth = Math.max(0, size - before);
    await disk.take(growth);
    try {
      await resizeLater(fd, size);
    } catch (error) {
      disk.give(growth);
      throw error;
    }
    file.payers.add(disk);
    disk.pay(file.id, growth);
    disk.refund(file.id, before - size);
  });
}

/** Somebody else has made it shorter than what was paid for. */
const settle = ({ id }: OpenFile, disk: DiskBudget, size: number): void =>
  disk.refund(id, disk.paidFor(id) - size);

const clamp = (value: number, most: number): number => Math.max(0, Math.min(value, most));
