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
 * The arguments of a message that had to be read whole, with their numbers as they are written, so that `JSON.stringify` gives the same digits:
 * large integers stay exact, and `1.0` stays a float between Python programs.
 * @param args as `JSON.parse` read them
 */
export function exactArguments(text: string, args: readonly unknown[]): readonly unknown[] {
  if (!UNUSUAL.test(text)) return args;
  try {
    const message = parse(text, (_, value, { source }) =>
      typeof value === "number" && source !== undefined && source !== String(value) ? rawJSON(source) : value,
    );
    return (message as { readonly args: readonly unknown[] }).args;
  } catch (error) {
    // Nested so deep that the reviver's recursion ends: far deeper than arguments may be.
    if (error instanceof RangeError) return args;
    throw error;
  }
}
