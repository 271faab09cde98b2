/**
 * `node:buffer`: the npm package of that name, which is a real `Uint8Array` with Node's methods, except that texts are
 * converted by the engine and the host instead of by loops in an interpreter.
 */
import { kit } from "capsule:kit";
import { Buffer, INSPECT_MAX_BYTES, kMaxLength, SlowBuffer } from "buffer/index.js";

type Encoding = "utf8" | "latin1" | "ascii" | "utf16le" | "hex" | "base64" | "base64url";

const NAMES: Readonly<Record<string, Encoding>> = {
  utf8: "utf8",
  "utf-8": "utf8",
  latin1: "latin1",
  binary: "latin1",
  ascii: "ascii",
  ucs2: "utf16le",
  "ucs-2": "utf16le",
  utf16le: "utf16le",
  "utf-16le": "utf16le",
  hex: "hex",
  base64: "base64",
  base64url: "base64url",
};

/** The encoding of a name as Node knows it; undefined for one it does not know. */
const encodingOf = (name: unknown): Encoding | undefined =>
  name === undefined || name === null || name === "" ? "utf8" : NAMES[`${name as string}`.toLowerCase()];

const slow = {
  from: Buffer.from.bind(Buffer) as (...args: unknown[]) => Buffer,
  write: Buffer.prototype.write as (...args: unknown[]) => number,
  toString: Buffer.prototype.toString as (...args: unknown[]) => string,
};

/** The bytes of a text, null where only the slow way is as lenient as Node. */
function bytesOf(text: string, encoding: Encoding): Uint8Array<ArrayBuffer> | null {
  switch (encoding) {
    case "hex":
    case "base64":
    case "base64url":
      return lenient(text, encoding);
    case "utf8":
      return kit.encode(text.toWellFormed(), "utf8");
    default:
      return kit.encode(text, encoding === "ascii" ? "latin1" : encoding);
  }
}

function lenient(text: string, encoding: "hex" | "base64" | "base64url"): Uint8Array<ArrayBuffer> | null {
  try {
    if (encoding === "hex") return Uint8Array.fromHex(text);
    return Uint8Array.fromBase64(text, {
      alphabet: encoding === "base64url" || /[-_]/.test(text) ? "base64url" : "base64",
    });
  } catch {
    return null;
  }
}

const asBuffer = (bytes: Uint8Array): Buffer => Object.setPrototypeOf(bytes, Buffer.prototype) as Buffer;

function from(value: unknown, second?: unknown, third?: unknown): Buffer {
  if (typeof value !== "string") return slow.from(value, second, third);
  const encoding = encodingOf(second);
  const bytes = encoding && bytesOf(value, encoding);
  return bytes ? asBuffer(bytes) : slow.from(value, second);
}

function byteLength(value: unknown, name?: unknown): number {
  if (typeof value !== "string") return (value as ArrayBuffer).byteLength;
  const encoding = encodingOf(name) ?? "utf8";
  if (encoding === "latin1" || encoding === "ascii") return value.length;
  if (encoding === "utf16le") return value.length * 2;
  if (encoding === "hex") return value.length >>> 1;
  if (encoding !== "utf8") return (value.replace(/={1,2}$/, "").length * 3) >>> 2;
  return from(value, encoding).length;
}

function textOf(this: Buffer, name?: unknown, start = 0, end = this.length): string {
  const encoding = encodingOf(name);
  if (encoding === undefined) return slow.toString.call(this, name, start, end);
  const from = Math.max(0, Math.trunc(start) || 0);
  const to = Math.min(this.length, Math.trunc(end) || 0);
  if (to <= from) return "";
  const bytes = new Uint8Array(this.buffer as ArrayBuffer, this.byteOffset + from, to - from);
  switch (encoding) {
    case "hex":
      return bytes.toHex();
    case "base64":
      return bytes.toBase64();
    case "base64url":
      return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
    default:
      return kit.decode(bytes, encoding);
  }
}

/** `write(text)`, `write(text, encoding)`, `write(text, offset[, length][, encoding])`. */
function write(this: Buffer, text: unknown, ...rest: unknown[]): number {
  const named = rest.findIndex((each) => typeof each === "string");
  const [offset = 0, length = Number.POSITIVE_INFINITY] = (named < 0 ? rest : rest.slice(0, named)) as (
    | number
    | undefined
  )[];
  const encoding = encodingOf(named < 0 ? undefined : rest[named]);
  const bytes = typeof text === "string" && encoding ? bytesOf(text, encoding) : null;
  if (bytes === null || !(offset >= 0 && offset <= this.length)) return slow.write.call(this, text, ...rest);
  let count = Math.min(bytes.length, length, this.length - offset);
  // A character is written whole or not at all.
  if (encoding === "utf8") while (count < bytes.length && ((bytes[count] as number) & 0xc0) === 0x80) count--;
  else if (encoding === "utf16le") count &= ~1;
  this.set(bytes.subarray(0, count), offset);
  return count;
}

function equals(this: Uint8Array, other: unknown): boolean {
  if (!(other instanceof Uint8Array))
    throw Object.assign(
      new TypeError('The "otherBuffer" argument must be an instance of Buffer or Uint8Array'),
      {
        code: "ERR_INVALID_ARG_TYPE",
      },
    );
  if (this.length !== other.length) return false;
  for (let i = 0; i < this.length; i++) if (this[i] !== other[i]) return false;
  return true;
}

const hide = (on: object, methods: Readonly<Record<string, unknown>>): void => {
  for (const [name, value] of Object.entries(methods))
    Object.defineProperty(on, name, { value, writable: true, configurable: true });
};
hide(Buffer, { from, byteLength });
hide(Buffer.prototype, { toString: textOf, toLocaleString: textOf, write, equals });

const isUtf8 = (bytes: Uint8Array): boolean => {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
};

export default {
  ...{ Buffer, SlowBuffer, INSPECT_MAX_BYTES, kMaxLength, kStringMaxLength: 2 ** 30 - 1, atob, btoa, isUtf8 },
  constants: { MAX_LENGTH: kMaxLength, MAX_STRING_LENGTH: 2 ** 30 - 1 },
  isAscii: (bytes: Uint8Array): boolean => bytes.every((byte) => byte < 0x80),
  transcode: (bytes: Uint8Array, source: string, target: string): Buffer =>
    from(textOf.call(bytes as Buffer, source), target),
  get Blob(): unknown {
    return (globalThis as { Blob?: unknown }).Blob;
  },
  get File(): unknown {
    return (globalThis as { File?: unknown }).File;
  },
};
