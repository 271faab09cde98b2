/** Web Crypto's random half; there is no `subtle`. */
import { door } from "./host.ts";
import {
  apply,
  defineHidden,
  defineProperty,
  getOwnPropertyDescriptor,
  getPrototypeOf,
  slice,
} from "./primordials.ts";

/** The most that one call gives, in browsers and Node as here. */
const MOST_BYTES = 65_536;

const SafeDOMException = DOMException;
const Bytes = Uint8Array;
const TypedArrayPrototype = getPrototypeOf(Uint8Array.prototype) as object;
const getter = (of: object, key: PropertyKey): ((self: unknown) => unknown) => {
  const get = getOwnPropertyDescriptor(of, key)?.get as () => unknown;
  return (self) => apply(get, self, []);
};
/** The name of a typed array's kind, undefined for anything else: a program can't disguise it. */
const kindOf = getter(TypedArrayPrototype, Symbol.toStringTag) as (self: unknown) => string | undefined;
const bufferOf = getter(TypedArrayPrototype, "buffer") as (self: unknown) => ArrayBuffer;
const offsetOf = getter(TypedArrayPrototype, "byteOffset") as (self: unknown) => number;
const lengthOf = getter(TypedArrayPrototype, "byteLength") as (self: unknown) => number;

function getRandomValues<T>(array: T): T {
  const kind = kindOf(array);
  if (kind === undefined || slice(kind, 0, 5) === "Float")
    throw new SafeDOMException("The data argument must be an integer-type TypedArray", "TypeMismatchError");
  const length = lengthOf(array);
  if (length > MOST_BYTES)
    throw new SafeDOMException("The requested length exceeds 65,536 bytes", "QuotaExceededError");
  if (length === 0) return array;
  const hex = door.random(length);
  const bytes = new Bytes(bufferOf(array), offsetOf(array), length);
  for (let i = 0; i < length; i++) bytes[i] = +`0x${slice(hex, 2 * i, 2 * i + 2)}`;
  return array;
}

/** A version 4 UUID. */
function randomUUID(): string {
  const hex = door.random(16);
  const variant = "89ab"[+`0x${slice(hex, 16, 17)}` & 3] as string;
  return `${slice(hex, 0, 8)}-${slice(hex, 8, 12)}-4${slice(hex, 13, 16)}-${variant}${slice(hex, 17, 20)}-${slice(hex, 20, 32)}`;
}

export function installCrypto(): void {
  const crypto = { getRandomValues, randomUUID };
  defineProperty(crypto, Symbol.toStringTag, { value: "Crypto", configurable: true });
  defineHidden(globalThis, "crypto", crypto);
}
