/** What `JSON.parse` gives to a reviver of the text that a value was read from. */
interface Source {
  readonly source?: string;
}

/** Node 24 has both; TypeScript's library does not know them yet. */
const { parse, rawJSON } = JSON as unknown as {
  parse(text: string, reviver: (key: string, value: unknown, context: Source) => unknown): unknown;
  rawJSON(text: string): unknown;
};

/** Numbers that may be written otherwise than JavaScript would: many digits, `1.0`, `-0`, exponents. */
const UNUSUAL = /\d{16}|\d\.\d*0(?!\d)|-0|\d[eE][-+\d]/;

/**
 * A field of a message that had to be read whole, with its numbers as they are written, so that `JSON.stringify` gives
 * the same digits: large integers stay exact, and `1.0` stays a float between Python programs.
 * @param value as `JSON.parse` read it
 */
export function exactField<T>(text: string, field: string, value: T): T {
  if (!UNUSUAL.test(text)) return value;
  try {
    const message = parse(text, (_, value, { source }) =>
      typeof value === "number" && source !== undefined && source !== String(value) ? rawJSON(source) : value,
    );
    return (message as Readonly<Record<string, T>>)[field] as T;
  } catch (error) {
    // Nested so deep that the reviver's recursion ends: far deeper than arguments may be.
    if (error instanceof RangeError) return value;
    throw error;
  }
}
