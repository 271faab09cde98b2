import type { Place } from "./errors.ts";

/** Columns of source text that are shown at most; of longer lines the part around the marker is. */
const WIDTH = 120;
const BEFORE = 2;
const AFTER = 1;

/**
 * The lines around a place, ready for a terminal: two before, the line itself with a marker under the column, one
 * after. Control characters are replaced, long lines are cut to the part around the column.
 * Undefined if the text has no such line.
 */
export function excerpt(text: string, place: Pick<Place, "line" | "column">): string | undefined {
  const lines = text.split(/\r\n|[\n\r\u2028\u2029]/, place.line + AFTER);
  const line = lines[place.line - 1];
  if (line === undefined) return undefined;
  const from = Math.max(0, place.column - 1 - WIDTH * 0.75);
  const digits = String(Math.min(lines.length, place.line + AFTER)).length;
  const shown: string[] = [];
  for (let n = Math.max(1, place.line - BEFORE); n <= Math.min(lines.length, place.line + AFTER); n++) {
    const body = printable((lines[n - 1] as string).slice(from, from + WIDTH));
    const mark = n === place.line ? ">" : " ";
    shown.push(`${mark} ${String(n).padStart(digits)} | ${body}`.trimEnd());
    if (n === place.line)
      shown.push(`  ${" ".repeat(digits)} | ${blank(line.slice(from, Math.max(from, place.column - 1)))}^`);
  }
  return shown.join("\n");
}

/** Text without what a terminal would obey: control characters (tabs excepted), overrides of direction. */
export function printable(text: string): string {
  return text.replace(/[^\P{Cc}\t]|\p{Bidi_Control}|\ufeff/gu, "\ufffd");
}

/**
 * Sequences that a terminal obeys: what sets colours and moves the cursor, and what sets titles and links. None is
 * longer than this in earnest, and without an end to each, looking for one takes time by the square of the text.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is meant
const SEQUENCES = /\x1b\[[0-9:;<=>?]{0,64}[ -/]{0,4}[@-~]|\x1b\][^\x07\x1b]{0,256}(?:\x07|\x1b\\)/g;

/** A guest's text for a terminal: newlines and tabs stay, all else that a terminal would obey is taken out. */
export function harmless(text: string): string {
  return text
    .replace(SEQUENCES, "")
    .replace(/\r\n?/g, "\n")
    .replace(/[^\P{Cc}\n\t]|\p{Bidi_Control}/gu, "")
    .toWellFormed();
}

const WIDE =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u;

/** White space as wide as `text` is on a terminal. Tabs stay, so that the marker lines up whatever their width. */
function blank(text: string): string {
  let white = "";
  for (const character of text)
    white += character === "\t" ? "\t" : /\p{Mark}/u.test(character) ? "" : WIDE.test(character) ? "  " : " ";
  return white;
}
