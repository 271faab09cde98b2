/** Conversions of arguments as Web IDL says, with Node's messages: https://webidl.spec.whatwg.org/#es-type-mapping. */

/** @throws TypeError unless at least `least` arguments were given */
export function required(given: readonly unknown[], least: number, where: string): void {
  if (given.length >= least) return;
  const arguments_ = `${least} argument${least === 1 ? "" : "s"}`;
  throw new TypeError(
    `${where}: ${arguments_} required, but${given.length > 0 ? " only" : ""} ${given.length} found.`,
  );
}

const WIDE = /[^\0-\xff]/;

/** A string of bytes. @throws TypeError for characters above 255 */
export function byteString(value: unknown, where: string): string {
  if (typeof value === "symbol")
    throw new TypeError(`${where} is a symbol, which cannot be converted to a ByteString.`);
  const text = String(value);
  const i = text.search(WIDE);
  if (i < 0) return text;
  throw new TypeError(
    `Cannot convert argument to a ByteString because the character at index ${i} has a value of ${text.charCodeAt(i)} which is greater than 255.`,
  );
}

/** A string without lone surrogates. */
export const scalarString = (value: unknown): string => `${value as string}`.toWellFormed();

export const isObject = (value: unknown): value is object =>
  (typeof value === "object" && value !== null) || typeof value === "function";

/** Whether an object says it is of this class: of ours, or of a library's own. */
export const isTagged = (value: unknown, tag: string): boolean =>
  typeof value === "object" &&
  value !== null &&
  (value as Record<symbol, unknown>)[Symbol.toStringTag] === tag;

/** A dictionary argument: undefined and null are empty. @throws TypeError for what is no object */
export function dictionary(value: unknown, where: string): Record<string, unknown> {
  if (value === undefined || value === null) return {};
  if (!isObject(value)) throw new TypeError(`${where}: "${String(value)}" is not an object.`);
  return value as Record<string, unknown>;
}

/** One of a few words. @throws TypeError */
export function oneOf(value: unknown, words: readonly string[], where: string): string {
  const word = String(value);
  if (!words.includes(word))
    throw new TypeError(`${where}: ${word} is not an accepted type. Expected one of ${words.join(", ")}.`);
  return word;
}
