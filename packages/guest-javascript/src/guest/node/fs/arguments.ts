/** The many ways in which `read` and `write` are called. */
import { Buffer } from "node:buffer";
import { outOfRange, wrongType } from "./errors.ts";
import { bytesToWrite } from "./whole.ts";

interface Options {
  readonly buffer?: unknown;
  readonly offset?: number | null;
  readonly length?: number | null;
  readonly position?: number | bigint | null;
}

const DEFAULT_LENGTH = 16_384;

/** Null for what means "where the last one ended". */
function positionOf(given: unknown): number | null {
  if (given === null || given === undefined) return null;
  if (typeof given !== "number" && typeof given !== "bigint")
    throw wrongType("position", "one of type number or bigint or null", given);
  const position = Number(given);
  if (position === -1) return null;
  if (!Number.isSafeInteger(position) || position < 0)
    throw outOfRange("position", ">= -1 && <= 2 ** 53 - 1", given);
  return position;
}

/** The part of `view` that an offset and a length say. */
function partOf(view: Uint8Array, offset = 0, length = view.byteLength - offset): Uint8Array {
  if (!Number.isInteger(offset)) throw outOfRange("offset", "an integer", offset);
  if (offset < 0 || offset > view.byteLength)
    throw outOfRange("offset", `>= 0 && <= ${view.byteLength}`, offset);
  if (!(length >= 0 && offset + length <= view.byteLength))
    throw outOfRange("length", `>= 0 && <= ${view.byteLength - offset}`, length);
  return view.subarray(offset, offset + length);
}

function bytesOf(buffer: unknown): Uint8Array {
  if (buffer instanceof Uint8Array) return buffer;
  if (ArrayBuffer.isView(buffer)) return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  throw wrongType("buffer", "an instance of Buffer, TypedArray, or DataView", buffer);
}

/** `(buffer, offset, length, position)`, `(buffer, options)`, `(options)`, or nothing. */
export function readArguments(args: readonly unknown[]): {
  readonly bytes: Uint8Array;
  readonly buffer: unknown;
  readonly position: number | null;
} {
  const [first, second] = args;
  let options: Options;
  if (ArrayBuffer.isView(first))
    options =
      typeof second === "object" && second !== null
        ? { ...(second as Options), buffer: first }
        : ({ buffer: first, offset: second, length: args[2], position: args[3] } as Options);
  else options = (first ?? {}) as Options;
  const { buffer = Buffer.alloc(DEFAULT_LENGTH), offset, length, position } = options;
  return {
    bytes: partOf(bytesOf(buffer), offset ?? undefined, length ?? undefined),
    buffer,
    position: positionOf(position),
  };
}

/** `(buffer, offset, length, position)`, `(buffer, options)` or `(text, position, encoding)`. */
export function writeArguments(
  data: unknown,
  args: readonly unknown[],
): { readonly bytes: Uint8Array; readonly position: number | null } {
  if (typeof data === "string")
    return { bytes: bytesToWrite(data, args[1] as string), position: positionOf(args[0]) };
  const [first] = args;
  const { offset, length, position } = (
    typeof first === "object" && first !== null
      ? first
      : { offset: first, length: args[1], position: args[2] }
  ) as Options;
  return {
    bytes: partOf(bytesOf(data), offset ?? undefined, length ?? undefined),
    position: positionOf(position),
  };
}
