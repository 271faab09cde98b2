/**
 * How a value can be written in what comes back, and what stands for it there, so that whoever decodes it finds the
 * placeholder: as it is, URL-encoded, in JSON, in HTML, in hexadecimal, in base64 wherever it begins among the bytes
 * around it.
 */

/** One way to write one part of a value. */
export interface Form {
  readonly bytes: Uint8Array;
  /** Of base64: the digit, 0 to 63. */
  readonly digit: number;
}

/** A part of a value: a byte, a character, a digit. */
export interface Step {
  /** The longest first, so that an escape is not taken for its first character. */
  readonly forms: readonly Form[];
  /** What stands for it: characters of the placeholder or digits of it; or, of base64, bits. */
  readonly put: string | { readonly known: number; readonly bits: number };
}

/** A value written in one way, from its first byte to its last. */
export type Writing = readonly Step[];

const encoder = new TextEncoder();

const form = (bytes: string | Uint8Array, digit = 0): Form => ({
  bytes: typeof bytes === "string" ? encoder.encode(bytes) : bytes,
  digit,
});

const longestFirst = (forms: readonly Form[]): readonly Form[] =>
  forms.toSorted((a, b) => b.bytes.length - a.bytes.length);

const hex = (number: number, digits: number): string => number.toString(16).padStart(digits, "0");
const bothCases = (text: string): string[] => [...new Set([text, text.toUpperCase()])];

/** Forms are made once for each part of a value, however often it occurs. */
function once<K>(make: (key: K) => readonly Form[]): (key: K) => readonly Form[] {
  const made = new Map<K, readonly Form[]>();
  return (key) => {
    const known = made.get(key);
    if (known) return known;
    const forms = longestFirst(make(key));
    made.set(key, forms);
    return forms;
  };
}

const literalForms = once((byte: number) => [form(Uint8Array.of(byte))]);

const percentForms = once((byte: number) => [
  form(Uint8Array.of(byte)),
  ...bothCases(hex(byte, 2)).map((digits) => form(`%${digits}`)),
  ...(byte === 0x20 ? [form("+")] : []),
]);

const SHORT: Readonly<Record<string, string>> = { '"': '\\"', "\\": "\\\\", "/": "\\/" };

const jsonForms = once((character: string) => [
  form(character),
  ...(SHORT[character] === undefined ? [] : [form(SHORT[character])]),
  ...(["toLowerCase", "toUpperCase"] as const).map((change) =>
    form(
      character
        .split("")
        .map((unit) => `\\u${hex(unit.charCodeAt(0), 4)[change]()}`)
        .join(""),
    ),
  ),
]);

const ENTITIES: Readonly<Record<string, readonly string[]>> = {
  "&": ["amp"],
  "<": ["lt"],
  ">": ["gt"],
  '"': ["quot"],
  "'": ["apos", "#039"],
  "/": [],
  "`": [],
  "=": [],
};
const isEscapedInHtml = (character: string): boolean => /[&<>"'/`=]|\P{ASCII}/u.test(character);

const htmlForms = once((character: string) => {
  if (!isEscapedInHtml(character)) return [form(character)];
  const code = character.codePointAt(0) as number;
  const numbers = [`#${code}`, ...bothCases(code.toString(16)).map((digits) => `#x${digits}`)];
  return [
    form(character),
    ...[...(ENTITIES[character] ?? []), ...numbers].map((entity) => form(`&${entity};`)),
  ];
});

const latin1Forms = once((character: string) => [form(Uint8Array.of(character.charCodeAt(0)))]);

const STANDARD = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** `key`: which bits of a digit are known, and their value, as `known << 6 | bits`. */
const base64Forms = once((key: number) => {
  const forms: Form[] = [];
  for (let digit = 0; digit < 64; digit++) {
    if ((digit & (key >> 6)) !== (key & 63)) continue;
    forms.push(form(STANDARD[digit] as string, digit));
    if (digit < 62) continue;
    // As such in the other alphabet; and in URLs and JSON.
    const escaped =
      digit === 62
        ? ["-", "%2B", "%2b", "\\u002b", "\\u002B"]
        : ["_", "%2F", "%2f", "\\/", "\\u002f", "\\u002F"];
    forms.push(...escaped.map((text) => form(text, digit)));
  }
  return forms;
});

/** Base64 of a value that begins `before` bytes behind the beginning of a group of three, 0 to 2. */
function base64(value: Uint8Array, placeholder: Uint8Array, before: number): Writing {
  const from = before * 8;
  const to = from + value.length * 8;
  const steps: Step[] = [];
  for (let digit = Math.floor(from / 6); digit * 6 < to; digit++) {
    const [known, bits] = bitsOf(value, digit * 6 - from);
    const [, put] = bitsOf(placeholder, digit * 6 - from);
    steps.push({ forms: base64Forms((known << 6) | bits), put: { known, bits: put } });
  }
  return steps;
}

/** Six bits of some bytes from a bit on: which of them there are, and their values. */
function bitsOf(bytes: Uint8Array, at: number): [known: number, bits: number] {
  let known = 0;
  let bits = 0;
  for (let i = 0; i < 6; i++) {
    const byte = bytes[Math.floor((at + i) / 8)];
    if (byte === undefined) continue;
    known |= 32 >> i;
    if (byte & (128 >> ((at + i) & 7))) bits |= 32 >> i;
  }
  return [known, bits];
}

/** Hexadecimal, in small letters or in capitals. */
function hexadecimal(value: Uint8Array, placeholder: string, capitals: boolean): Writing {
  const digits = (bytes: Uint8Array): string => {
    const text = Buffer.from(bytes).toString("hex");
    return capitals ? text.toUpperCase() : text;
  };
  const puts = digits(encoder.encode(placeholder));
  return [...digits(value)].map((digit, i) => ({
    forms: literalForms(digit.charCodeAt(0)),
    put: puts[i] as string,
  }));
}

const byBytes = (value: Uint8Array, placeholder: string, forms: (byte: number) => readonly Form[]): Writing =>
  [...value].map((byte, i) => ({ forms: forms(byte), put: placeholder[i] as string }));

function byCharacters(
  value: string,
  placeholder: string,
  forms: (character: string) => readonly Form[],
): Writing {
  let at = 0;
  return Array.from(value, (character) => {
    const from = at;
    at += encoder.encode(character).length;
    return { forms: forms(character), put: placeholder.slice(from, at) };
  });
}

/** As it is, each byte possibly URL-encoded. */
export const urlWriting = (value: string, placeholder: string): Writing =>
  byBytes(encoder.encode(value), placeholder, percentForms);

/** As it is. */
export const plainWriting = (value: string, placeholder: string): Writing =>
  byBytes(encoder.encode(value), placeholder, literalForms);

const isLatin1 = (text: string): boolean => !/[^\p{ASCII}\u0080-\u00ff]/u.test(text);

/** All ways to write a value. The placeholder has as many characters as the value has bytes. */
export function writingsOf(value: string, placeholder: string): readonly Writing[] {
  const bytes = encoder.encode(value);
  const placeholderBytes = encoder.encode(placeholder);
  return [
    // Those that follow take an escape for what it means, even where it means itself.
    ...(/[%\\&]/.test(value) ? [plainWriting(value, placeholder)] : []),
    urlWriting(value, placeholder),
    byCharacters(value, placeholder, jsonForms),
    ...(isEscapedInHtml(value) ? [byCharacters(value, placeholder, htmlForms)] : []),
    ...(isLatin1(value) && bytes.length > value.length
      ? [byCharacters(value, placeholder, latin1Forms)]
      : []),
    ...[0, 1, 2].map((before) => base64(bytes, placeholderBytes, before)),
    hexadecimal(bytes, placeholder, false),
    hexadecimal(bytes, placeholder, true),
  ];
}

/** What stands for a part that was written in this form. Letters and digits need no escapes, so there are none. */
export const written = ({ put }: Step, { digit }: Form): string =>
  typeof put === "string" ? put : (STANDARD[(digit & ~put.known) | put.bits] as string);
