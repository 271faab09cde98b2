import type { Scrubber } from "../capability.ts";
import { type Found, replaced, replacementOf, type Search } from "./search.ts";

/** Bytes of tokens, whatever the encoding. */
const TOKEN = /[A-Za-z0-9+/=_.~%\\-]/;

const isPrintable = (byte: number): boolean => byte >= 0x20 && byte < 0x7f;

/**
 * The bytes that a value may go on with. What is kept back must not tell more of a value than this, or a program could
 * have a server send "s", "sk", "sk-" and see each time whether it came through at once. So it is decided by classes of
 * bytes: tokens always, other printable ASCII and what is not ASCII if any value has some of it.
 */
function inner(bytes: Uint8Array): Uint8Array {
  const kindOf = (byte: number): "token" | "printable" | "control" | "other" =>
    TOKEN.test(String.fromCharCode(byte))
      ? "token"
      : isPrintable(byte)
        ? "printable"
        : byte < 0x80
          ? "control"
          : "other";
  const kinds = new Set(["token", ...[...bytes.keys()].filter((byte) => bytes[byte]).map(kindOf)]);
  return Uint8Array.from(bytes, (_, byte) => (kinds.has(kindOf(byte)) ? 1 : 0));
}

/** Where a text can be cut: behind its last byte that is part of no value. At most `longest` - 1 bytes are behind it. */
function cutOf(text: Uint8Array, within: Uint8Array, longest: number): number {
  const least = Math.max(0, text.length - longest + 1);
  for (let at = text.length; at > least; at--) if (!within[text[at - 1] as number]) return at;
  return least;
}

/**
 * Hides values in a stream by their placeholders. Keeps back what a value could go on in: at most one byte less than the
 * longest that is looked for. What it gives may be a view of the piece; it keeps none of the piece.
 */
export function createScrubber<T>(search: Search<T>): Scrubber {
  const within = inner(search.bytes);
  let kept: Uint8Array = new Uint8Array(0);
  const give = (text: Uint8Array, cut: number): Uint8Array => {
    const found = search.find(text, cut);
    const end = Math.max(cut, found.at(-1)?.end ?? 0);
    kept = new Uint8Array(text.subarray(end));
    return replaced(text, found, (each) => replacementOf(text, each), end);
  };
  return {
    push(piece) {
      const text = kept.length === 0 ? piece : Buffer.concat([kept, piece]);
      return give(text, cutOf(text, within, search.longest));
    },
    end: () => give(kept, kept.length),
  };
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();

/**
 * A text in which values are replaced; the text itself if it has none. Header values come as one character for each byte,
 * so text is looked through in that form too.
 */
export function replacedText<T>(
  text: string,
  search: Search<T>,
  by: (bytes: Uint8Array, found: Found<T>) => string,
): string {
  const bytes = encoder.encode(text);
  const found = search.find(bytes);
  const once = found.length === 0 ? text : decoder.decode(replaced(bytes, found, (each) => by(bytes, each)));
  if (bytes.length === text.length || /[^\p{ASCII}\u0080-\u00ff]/u.test(once)) return once;
  const single = Buffer.from(once, "latin1");
  const more = search.find(single);
  return more.length === 0
    ? once
    : Buffer.from(replaced(single, more, (each) => by(single, each))).toString("latin1");
}
