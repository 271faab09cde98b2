/**
 * Stands for `@exodus/bytes/utf8.js` in the encoding part: the same functions out of the engine's native ones, which
 * are ten times as fast as any loop in an interpreter. Binary strings, one character per byte, are the way between.
 */
import { utf8toStringLoose as slowlyToString } from "@exodus/bytes/utf8.js";

/** UTF-8 of a text; lone surrogates become U+FFFD. */
export function utf8fromStringLoose(text: string): Uint8Array {
  if (text === "") return new Uint8Array(0);
  return Uint8Array.fromBase64(btoa(unescape(encodeURIComponent(text.toWellFormed()))));
}

function decode(bytes: Uint8Array): string {
  return decodeURIComponent(escape(atob(bytes.toBase64())));
}

/** @throws TypeError if the bytes are not UTF-8 */
export function utf8toString(bytes: Uint8Array): string {
  try {
    return decode(bytes);
  } catch (error) {
    if (error instanceof URIError) throw new TypeError("The encoded data was not valid for encoding utf-8");
    throw error;
  }
}

/** What is not UTF-8 becomes U+FFFD. */
export function utf8toStringLoose(bytes: Uint8Array): string {
  try {
    return decode(bytes);
  } catch (error) {
    if (error instanceof URIError) return slowlyToString(bytes);
    throw error;
  }
}
