import { thousands } from "../format.ts";

/** A text, perhaps with its middle left out. */
export interface Cut {
  readonly text: string;
  readonly cut: boolean;
}

const isLow = (code: number): boolean => code >= 0xdc00 && code <= 0xdfff;

/**
 * A text of at most about `most` characters: of a longer one two thirds of them from its head, a third from its tail, and
 * between them a line that says how many were left out.
 */
export function cutMiddle(text: string, most: number): Cut {
  if (text.length <= most) return { text, cut: false };
  let head = Math.ceil((most * 2) / 3);
  let tail = text.length - (most - head);
  // A character of two units is kept or left out whole.
  if (isLow(text.charCodeAt(head))) head--;
  if (isLow(text.charCodeAt(tail))) tail++;
  const notice = `[… ${thousands(tail - head)} of ${thousands(text.length)} characters left out …]`;
  return { text: `${text.slice(0, head)}\n${notice}\n${text.slice(tail)}`, cut: true };
}

/** The last characters of a text. */
export function tailOf(text: string, most: number): string {
  if (text.length <= most) return text;
  const from = text.length - most + 1;
  return `…${text.slice(isLow(text.charCodeAt(from)) ? from + 1 : from)}`;
}
