/**
 * Text for our own lines. Numbers are formatted by hand: the first use of `Intl` costs more than a whole run.
 */

/** `1234567` → `1,234,567`. */
export const thousands = (value: number): string =>
  String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",");

/** `850 ms`, `1.25 s`, `2 min 5 s`. */
export function duration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_995) return `${(ms / 1000).toFixed(2)} s`;
  const seconds = Math.round(ms / 1000);
  return `${thousands(Math.floor(seconds / 60))} min ${seconds % 60} s`;
}

/** `512 B`, `1.2 MB`: powers of 1024, as in task options. */
export function bytes(value: number): string {
  if (value < 1024) return `${value} B`;
  const units = ["kB", "MB", "GB"];
  let amount = value / 1024;
  let unit = 0;
  while (amount >= 1023.95 && unit < units.length - 1) {
    amount /= 1024;
    unit++;
  }
  return `${amount.toFixed(1)} ${units[unit]}`;
}

export const plural = (count: number, noun: string, many = `${noun}s`): string =>
  `${thousands(count)} ${count === 1 ? noun : many}`;

// What a terminal may act on, or what reorders the text around it: C0, DEL, C1, line and paragraph separators,
// bidirectional controls, zero-width marks.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not reach a terminal
const UNSAFE = /[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** What a character that may not be printed is written as. */
export const escaped = (character: string): string => {
  if (character === "\n") return "\\n";
  if (character === "\t") return "\\t";
  if (character === "\r") return "\\r";
  const code = character.charCodeAt(0);
  return code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
};

/** Text that came from a guest or a file, safe inside one of our lines; at most `limit` characters. */
export function oneLine(text: string, limit = 1000): string {
  const safe = text.slice(0, limit + 1).replace(UNSAFE, escaped);
  return safe.length > limit ? `${safe.slice(0, limit - 1)}…` : safe;
}

/** A value as JSON on one line, which may be shown by a terminal: what that may act on is escaped, as JSON can. */
export const jsonLine = (value: object): string =>
  JSON.stringify(value).replace(UNSAFE, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** Text as in `oneLine`, over several lines: line breaks and tabs stay. */
export const manyLines = (text: string): string =>
  text.replace(/\r\n/g, "\n").replace(UNSAFE, (c) => (c === "\n" || c === "\t" ? c : escaped(c)));

/** What a tool is called where tasks are, too: as a program calls it. */
export const toolName = (name: string): string => oneLine(`tools.${name}`, 200);
