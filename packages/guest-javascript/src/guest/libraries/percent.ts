/** Stands for `@exodus/bytes/whatwg.js` in the URL part: queries are always UTF-8 here. */
const encoder = new TextEncoder();

/** https://url.spec.whatwg.org/#string-percent-encode-after-encoding, beside the C0 control percent-encode set. */
export function percentEncodeAfterEncoding(_encoding: string, input: string, set: string): string {
  let text = "";
  for (const byte of encoder.encode(input)) {
    const character = String.fromCharCode(byte);
    const keep = byte >= 0x20 && byte < 0x7f && !set.includes(character);
    text += keep ? character : `%${byte < 16 ? "0" : ""}${byte.toString(16).toUpperCase()}`;
  }
  return text;
}
