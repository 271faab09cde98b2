import { PAGE } from "./pages.ts";

/**
 * The map of pages that a rewritten guest may have written (`capsule_dirty`): a byte for each page of 4 KiB of the
 * address space, 1 if the page is marked.
 *
 * A mark stands for what lies around it, too: the guest writes only to marked pages and to the 512 bytes before and
 * behind each. Page 0 counts as marked always, and so does the last one of a memory of 4 GiB.
 *
 * The guest's own stores and bulk operations are marked by themselves. A host that writes to the guest's memory marks
 * that with `markRange`. Marks may be cleared only when no function of the instance is running or suspended.
 */
export type MarkMap = Uint8Array;

/** Bytes before and behind a marked page that may have been written, too. */
export const SLOP = 512;

/** A run of bytes of memory, `end` excluded. */
export interface Run {
  readonly start: number;
  readonly end: number;
}

/**
 * The parts of a memory of `length` bytes that may have been written since the marks were cleared, in order and apart
 * from each other. `length` is the memory's real one, which is not less than what the guest sees.
 */
export function dirtyRuns(map: MarkMap, length: number): Run[] {
  const pages = Math.ceil(length / PAGE);
  const runs: { start: number; end: number }[] = [];
  const add = (firstPage: number, endPage: number) => {
    const start = Math.max(0, firstPage * PAGE - SLOP);
    const end = Math.min(length, endPage * PAGE + SLOP);
    const previous = runs[runs.length - 1];
    if (previous && start <= previous.end) previous.end = end;
    else runs.push({ start, end });
  };
  if (pages > 0) add(0, 1);
  const marks = marksOf(map, length);
  for (let page = marks.indexOf(1, 1); page > 0; page = marks.indexOf(1, page)) {
    const first = page;
    while (marks[page] === 1) page++;
    add(first, page);
  }
  // The address behind the last one is 0: what lies before it may be marked there.
  if (pages === map.length) add(pages - 1, pages);
  return runs;
}

/** Marks what the host writes. */
export function markRange(map: MarkMap, start: number, length: number): void {
  if (length > 0) map.fill(1, Math.floor(start / PAGE), Math.ceil((start + length) / PAGE));
}

/** Forgets the marks of a memory of `length` bytes. Those behind it mean nothing. */
export function clearMarks(map: MarkMap, length: number): void {
  marksOf(map, length).fill(0);
}

/** The marks that stand for bytes of a memory: a page behind its end stands for those before it. */
function marksOf(map: MarkMap, length: number): MarkMap {
  return map.subarray(0, Math.ceil(length / PAGE) + 1);
}
