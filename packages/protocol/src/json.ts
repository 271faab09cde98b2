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
const ESCAPES = '"\\/bfnrt';
/** The longest token that is no string: an integer of Python's may have many digits. */
const MOST_TOKEN = 1_000_000;
const TOKEN = /^(?:true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)$/;

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

class Scan {
  readonly #text: Uint8Array;
  #at = 0;
  readonly #open = new Uint8Array(MOST_DEPTH);
  #depth = 0;

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
      } else if (!ESCAPES.includes(String.fromCharCode(escaped))) return false;
    }
    return false;
  }

  #token(): boolean {
    const from = this.#at;
    while (this.#at < this.#text.length && !isDelimiter(this.#text[this.#at] as number)) this.#at++;
    const length = this.#at - from;
    return (
      length <= MOST_TOKEN && TOKEN.test(Buffer.from(this.#text.subarray(from, this.#at)).toString("latin1"))
    );
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

const isDelimiter = (byte: number): boolean =>
  byte === COMMA || byte === CLOSE_ARRAY || byte === CLOSE_OBJECT || byte === COLON || byte === SPACE;
