import { type Form, type Writing, written } from "./writings.ts";

/** What to look for, and whose it is. */
export interface Wanted<T> {
  readonly writing: Writing;
  readonly of: T;
}

/** Where something was found: from `start` to `end`, exclusive. */
export interface Found<T> {
  readonly start: number;
  readonly end: number;
  readonly wanted: Wanted<T>;
}

/** Bytes that are looked at for a jump. More would jump farther, but find more pairs that forbid it. */
const WINDOW = 16;

const shortest = (forms: readonly Form[]): number => Math.min(...forms.map(({ bytes }) => bytes.length));
const longest = (forms: readonly Form[]): number => Math.max(...forms.map(({ bytes }) => bytes.length));
const sum = (writing: Writing, length: (forms: readonly Form[]) => number): number =>
  writing.reduce((total, { forms }) => total + length(forms), 0);

/**
 * Finds many writings in bytes at once: first of all and longest, from left to right, none over another. Where nothing
 * resembles them it jumps (Wu and Manber's way: pairs of bytes tell how far), so that it reads a fraction of the bytes.
 * All writings must have at least two bytes.
 */
export class Search<T> {
  /** Bytes of the longest that can be found. */
  readonly longest: number;
  /** Which bytes occur in what can be found. */
  readonly bytes: Uint8Array;
  readonly #window: number;
  /** For each pair of bytes, how far the window can go on if it ends with them. */
  readonly #jumps: Uint8Array;
  /** For each pair of bytes, what may begin with it. */
  readonly #beginnings: (Wanted<T>[] | undefined)[] = new Array(65_536).fill(undefined);

  constructor(wanted: readonly Wanted<T>[]) {
    this.longest = Math.max(0, ...wanted.map(({ writing }) => sum(writing, longest)));
    this.#window = Math.min(WINDOW, ...wanted.map(({ writing }) => sum(writing, shortest)));
    this.bytes = new Uint8Array(256);
    for (const { writing } of wanted)
      for (const forms of new Set(writing.map((step) => step.forms)))
        for (const { bytes } of forms) for (const byte of bytes) this.bytes[byte] = 1;
    this.#jumps = new Uint8Array(65_536).fill(this.#window - 1);
    for (const each of wanted) this.#forbid(each);
  }

  /** Notes the pairs of bytes that can stand in the first bytes of a writing, and how far from the window's end. */
  #forbid(wanted: Wanted<T>): void {
    const { writing } = wanted;
    // Each a byte of a form of a step, all at the same distance from the beginning.
    type Spot = readonly [step: number, form: number, byte: number];
    const starts = (step: number): readonly Spot[] =>
      (writing[step]?.forms ?? []).map((_, form) => [step, form, 0]);
    const bytesOf = ([step, form]: Spot): Uint8Array =>
      (writing[step] as Writing[number]).forms[form]?.bytes as Uint8Array;
    let spots = starts(0);
    for (let at = 0; at + 2 <= this.#window; at++) {
      const after = new Map<string, Spot>();
      for (const spot of spots) {
        const [step, form, byte] = spot;
        const bytes = bytesOf(spot);
        const next: readonly Spot[] = byte + 1 < bytes.length ? [[step, form, byte + 1]] : starts(step + 1);
        for (const each of next) {
          const pair = ((bytes[byte] as number) << 8) | (bytesOf(each)[each[2]] as number);
          this.#jumps[pair] = Math.min(this.#jumps[pair] as number, this.#window - 2 - at);
          after.set(each.join(), each);
          if (at > 0) continue;
          this.#beginnings[pair] ??= [];
          const beginnings = this.#beginnings[pair];
          if (beginnings?.at(-1) !== wanted) beginnings?.push(wanted);
        }
      }
      spots = [...after.values()];
    }
  }

  /** All that begins before `limit`, and ends before the end of `text`. */
  find(text: Uint8Array, limit = text.length): Found<T>[] {
    const found: Found<T>[] = [];
    const jumps = this.#jumps;
    const last = this.#window - 1;
    const end = Math.min(limit, text.length - last);
    for (let at = 0; at < end; ) {
      const jump = jumps[((text[at + last - 1] as number) << 8) | (text[at + last] as number)] as number;
      if (jump > 0) {
        at += jump;
        continue;
      }
      const here = this.#at(text, at);
      if (here) found.push(here);
      at = here ? here.end : at + 1;
    }
    return found;
  }

  #at(text: Uint8Array, start: number): Found<T> | null {
    let best: Found<T> | null = null;
    const pair = ((text[start] as number) << 8) | (text[start + 1] as number);
    for (const wanted of this.#beginnings[pair] ?? []) {
      const end = endOf(wanted.writing, text, start);
      if (end > (best?.end ?? start)) best = { start, end, wanted };
    }
    return best;
  }
}

function formAt(forms: readonly Form[], text: Uint8Array, at: number): Form | null {
  for (const form of forms) {
    const { bytes } = form;
    let i = 0;
    while (i < bytes.length && bytes[i] === text[at + i]) i++;
    if (i === bytes.length) return form;
  }
  return null;
}

/** Where a writing that stands in a text ends; -1: it does not stand there. */
function endOf(writing: Writing, text: Uint8Array, start: number): number {
  let at = start;
  for (const { forms } of writing) {
    const form = formAt(forms, text, at);
    if (form === null) return -1;
    at += form.bytes.length;
  }
  return at;
}

/** What stands for something that was found, in the same writing. */
export function replacementOf<T>(text: Uint8Array, { start, wanted }: Found<T>): string {
  let at = start;
  let replacement = "";
  for (const step of wanted.writing) {
    const form = formAt(step.forms, text, at);
    if (form === null) break;
    replacement += written(step, form);
    at += form.bytes.length;
  }
  return replacement;
}

const encoder = new TextEncoder();

/** A text in which what was found is replaced; the text itself if nothing was. `end`: where it ends, at the latest in what was found last. */
export function replaced<T>(
  text: Uint8Array,
  found: readonly Found<T>[],
  by: (found: Found<T>) => string,
  end = text.length,
): Uint8Array {
  if (found.length === 0) return text.subarray(0, end);
  const parts: Uint8Array[] = [];
  let from = 0;
  for (const each of found) {
    parts.push(text.subarray(from, each.start), encoder.encode(by(each)));
    from = each.end;
  }
  if (from < end) parts.push(text.subarray(from, end));
  return Buffer.concat(parts);
}
