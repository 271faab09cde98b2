import { breath, isLong } from "@capsule-run/protocol";

/** Where a segment of a line comes from: the number of a source, line and column there, all from 0. */
export interface Origin {
  readonly source: number;
  readonly line: number;
  readonly column: number;
}

export interface Mappings {
  /** What the last segment that begins at or before a column of a line says; null if that is of no source. */
  find(line: number, column: number): Origin | null;
}

/** Numbers of a segment: its column, and its origin, which is -1 for none. */
const FIELDS = 4;

/**
 * The field `mappings` of a source map (ECMA-426), read whole into one array of numbers: a bundle has hundreds of
 * thousands of segments, and as objects they take a hundred milliseconds.
 * @throws RangeError for what is no such text
 */
export function mappingsOf(text: string): Mappings {
  const reading = read(text);
  for (;;) {
    const { done, value } = reading.next();
    if (done) return value;
  }
}

/** The same, leaving the event loop to others now and then. */
export async function mappingsInParts(text: string): Promise<Mappings> {
  const reading = read(text);
  for (;;) {
    const { done, value } = reading.next();
    if (done) return value;
    if (isLong()) await breath();
  }
}

/** Segments that are read at a time. */
const PART = 4096 * FIELDS;

function* read(text: string): Generator<void, Mappings> {
  let numbers = new Int32Array(Math.max(64, text.length));
  /** Where the segments of each line begin. */
  const starts = [0];
  let [size, column, source, line, sourceColumn] = [0, 0, 0, 0, 0];
  const cursor = { at: 0 };
  while (cursor.at < text.length) {
    const code = text.charCodeAt(cursor.at);
    if (code === SEMICOLON || code === COMMA) {
      cursor.at++;
      if (code === COMMA) continue;
      starts.push(size);
      column = 0;
      continue;
    }
    column += numberAt(text, cursor);
    const sourced = !endsAt(text, cursor.at);
    if (sourced) {
      source += numberAt(text, cursor);
      line += numberAt(text, cursor);
      sourceColumn += numberAt(text, cursor);
      if (!endsAt(text, cursor.at)) numberAt(text, cursor);
    }
    if (size + FIELDS > numbers.length) {
      const larger = new Int32Array(numbers.length * 2);
      larger.set(numbers);
      numbers = larger;
    }
    numbers[size] = column;
    numbers[size + 1] = sourced ? source : -1;
    numbers[size + 2] = line;
    numbers[size + 3] = sourceColumn;
    size += FIELDS;
    if (size % PART === 0) yield;
  }
  starts.push(size);
  const field = (segment: number, n: number): number => numbers[segment * FIELDS + n] as number;
  return {
    find(at, wanted) {
      const first = (starts[at] ?? size) / FIELDS;
      let [low, high] = [first, (starts[at + 1] ?? size) / FIELDS];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (field(middle, 0) <= wanted) low = middle + 1;
        else high = middle;
      }
      const found = low - 1;
      if (found < first || field(found, 1) < 0) return null;
      return { source: field(found, 1), line: field(found, 2), column: field(found, 3) };
    },
  };
}

const SEMICOLON = 59;
const COMMA = 44;

const endsAt = (text: string, at: number): boolean => {
  const code = text.charCodeAt(at);
  return code === SEMICOLON || code === COMMA || at >= text.length;
};

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const VALUES = new Int8Array(128).fill(-1);
for (let i = 0; i < DIGITS.length; i++) VALUES[DIGITS.charCodeAt(i)] = i;

/** The number at a cursor, in base 64 of variable length; moves the cursor behind it. */
function numberAt(text: string, cursor: { at: number }): number {
  let [value, shift, digit] = [0, 0, 0];
  do {
    digit = VALUES[text.charCodeAt(cursor.at++)] ?? -1;
    if (digit < 0 || shift > 30) throw new RangeError("no mappings of a source map");
    value |= (digit & 31) << shift;
    shift += 5;
  } while (digit & 32);
  return value & 1 ? -(value >>> 1) : value >>> 1;
}
