import { LIMITS } from "./limits.ts";

const ARRAY = 1;
const OBJECT = 2;
/** Arguments are an array around the values, which the guest measures. */
const MOST_DEPTH = LIMITS.valueDepth + 1;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const SPACE = 0x20;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const SMALL_U = 0x75;
/** What may follow a backslash, but `u`. */
const ESCAPES = new Set(Buffer.from('"\\/bfnrt'));
/** Tokens that are no strings and longer than this take Python a time that grows with the square of their length. */
const LONG_TOKEN = 4300;
const WORDS = ["true", "false", "null"].map((word) => Buffer.from(word));
const ZERO = 0x30;
const NINE = 0x39;
const MINUS = 0x2d;
const PLUS = 0x2b;
const POINT = 0x2e;
const SMALL_E = 0x65;

/**
 * Whether bytes are one JSON value on one line, nested no deeper than values may be. Only scans: nothing is built, so
 * a hostile text costs no memory, and numbers keep their digits.
 */
export function isJson(text: Uint8Array): boolean {
  const end = new Scan(text).value();
  return end === text.length;
}

/** Whether it is JSON text of a call's arguments: an array, or an object where some are given by name. */
export const isArguments = (text: Uint8Array): boolean =>
  (text[0] === OPEN_ARRAY || text[0] === OPEN_OBJECT) && isJson(text);

/** How many items a JSON array has; null if it is no array, or none that `isJson` knows. */
export function countItems(text: Uint8Array): number | null {
  if (text[0] !== OPEN_ARRAY || !isJson(text)) return null;
  let items = 0;
  let filled = false;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const byte = text[at] as number;
    if (byte === QUOTE) at = endOfString(text, at);
    if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) depth--;
    else if (depth === 1 && byte === COMMA) items++;
    else if (depth === 1 && byte !== SPACE) filled = true;
    if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) depth++;
  }
  return filled ? items + 1 : 0;
}

/** How many values a JSON text holds at most, lists and objects included. Keys are not counted. */
export function countValues(text: Uint8Array): number {
  let values = 1;
  for (let at = 0; at < text.length; at++) {
    const byte = text[at] as number;
    if (byte === QUOTE) at = endOfString(text, at);
    else if (byte === COMMA || byte === OPEN_ARRAY || byte === OPEN_OBJECT) values++;
  }
  return values;
}

/** The place of the quote that ends the string which begins here; the text's end if none does. */
export function endOfString(text: Uint8Array, from: number): number {
  let at = from + 1;
  while (at < text.length && text[at] !== QUOTE) at += text[at] === BACKSLASH ? 2 : 1;
  return at;
}

class Scan {
  readonly #text: Uint8Array;
  #at = 0;
  readonly #open = new Uint8Array(MOST_DEPTH);
  #depth = 0;
  /** Bytes of long tokens. */
  #long = 0;

  constructor(text: Uint8Array) {
    this.#text = text;
  }

  /** Scans one value with all that is in it. Gives the place behind it; −1: it is not JSON. */
  value(): number {
    for (;;) {
      const began = this.#begin();
      if (began === "wrong") return -1;
      if (began === "opened") continue;
      for (;;) {
        if (this.#depth === 0) {
          this.#skip();
          return this.#at;
        }
        const kind = this.#open[this.#depth - 1];
        const next = this.#take();
        if (next === (kind === ARRAY ? CLOSE_ARRAY : CLOSE_OBJECT)) {
          this.#depth--;
          continue;
        }
        if (next !== COMMA || (kind === OBJECT && !this.#key())) return -1;
        break;
      }
    }
  }

  /** A value that is whole, or the beginning of one that has items. */
  #begin(): "whole" | "opened" | "wrong" {
    this.#skip();
    const first = this.#text[this.#at];
    if (first === QUOTE) return this.#string() ? "whole" : "wrong";
    if (first !== OPEN_ARRAY && first !== OPEN_OBJECT) return this.#token() ? "whole" : "wrong";
    if (this.#depth === MOST_DEPTH) return "wrong";
    this.#at++;
    this.#skip();
    if (this.#text[this.#at] === (first === OPEN_ARRAY ? CLOSE_ARRAY : CLOSE_OBJECT)) {
      this.#at++;
      return "whole";
    }
    this.#open[this.#depth++] = first === OPEN_ARRAY ? ARRAY : OBJECT;
    return first === OPEN_ARRAY || this.#key() ? "opened" : "wrong";
  }

  #key(): boolean {
    this.#skip();
    return this.#string() && this.#take() === COLON;
  }

  #string(): boolean {
    const text = this.#text;
    if (text[this.#at] !== QUOTE) return false;
    for (let at = this.#at + 1; at < text.length; at++) {
      const byte = text[at] as number;
      if (byte === QUOTE) {
        this.#at = at + 1;
        return true;
      }
      if (byte < SPACE) return false;
      if (byte !== BACKSLASH) continue;
      const escaped = text[++at] as number;
      if (escaped === SMALL_U) {
        for (let digit = 1; digit <= 4; digit++) if (!isHex(text[at + digit])) return false;
        at += 4;
      } else if (!ESCAPES.has(escaped)) return false;
    }
    return false;
  }

  #token(): boolean {
    const from = this.#at;
    const first = this.#text[from];
    const word = WORDS.find((each) => each[0] === first);
    const end = word ? this.#word(word) : this.#number();
    this.#at = end;
    const length = end - from;
    if (length > LONG_TOKEN) this.#long += length;
    // A sign is no digit.
    return end > from && length <= LIMITS.integerDigits + 1 && this.#long <= LIMITS.longDigits;
  }

  /** The place behind a word; −1: it is not there. */
  #word(word: Uint8Array): number {
    for (let i = 1; i < word.length; i++) if (this.#text[this.#at + i] !== word[i]) return -1;
    return this.#at + word.length;
  }

  /** The place behind a number; −1: there is none. */
  #number(): number {
    const text = this.#text;
    let at = this.#at;
    if (text[at] === MINUS) at++;
    const whole = this.#digits(at);
    if (whole === at || (text[at] === ZERO && whole > at + 1)) return -1;
    at = whole;
    if (text[at] === POINT) {
      const behind = this.#digits(at + 1);
      if (behind === at + 1) return -1;
      at = behind;
    }
    if (((text[at] ?? 0) | 0x20) === SMALL_E) {
      const sign = text[at + 1];
      const digits = sign === PLUS || sign === MINUS ? at + 2 : at + 1;
      at = this.#digits(digits);
      if (at === digits) return -1;
    }
    return at;
  }

  /** The place behind the digits that begin here. */
  #digits(from: number): number {
    const text = this.#text;
    let at = from;
    for (let byte = text[at]; byte !== undefined && byte >= ZERO && byte <= NINE; byte = text[at]) at++;
    return at;
  }

  #take(): number | undefined {
    this.#skip();
    return this.#text[this.#at++];
  }

  #skip(): void {
    while (this.#text[this.#at] === SPACE) this.#at++;
  }
}

const isHex = (byte = 0): boolean =>
  (byte >= 0x30 && byte <= 0x39) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);
