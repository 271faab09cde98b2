import { endOfString } from "@capsule-run/protocol";

const [QUOTE, COMMA, COLON, SPACE] = [0x22, 0x2c, 0x3a, 0x20];
const OPEN = new Set([0x5b, 0x7b]);
const CLOSE = new Set([0x5d, 0x7d]);

/** Where a field's value stands in a line: from its first byte to the one behind its last. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Whether a string of the line is a name that is written plainly. */
const isName = (name: Uint8Array, line: Uint8Array, from: number, to: number): boolean =>
  to - from - 1 === name.length && name.every((byte, i) => line[from + 1 + i] === byte);

/**
 * Where the value of a field of an object stands, found without reading what is in it. Whether the line is JSON is not
 * looked at; null where the field is not there once, or is written with escapes.
 */
export function findField(line: Uint8Array, field: string): Span | null {
  const wanted = Buffer.from(field);
  let found: Span | null = null;
  let from = -1;
  let depth = 0;
  /** The string that was last, in the object itself: a name if a colon follows. */
  let name = false;
  for (let at = 0; at < line.length; at++) {
    const byte = line[at] as number;
    if (depth === 1 && from >= 0 && (byte === COMMA || CLOSE.has(byte))) {
      if (found) return null;
      found = { from, to: at };
      from = -1;
    }
    if (byte === QUOTE) {
      const end = endOfString(line, at);
      name = depth === 1 && isName(wanted, line, at, end);
      at = end;
    } else if (byte === COLON && depth === 1 && name) from = at + 1;
    else if (byte === SPACE && from === at) from++;
    else if (OPEN.has(byte)) depth++;
    else if (CLOSE.has(byte)) depth--;
  }
  return found;
}
