import { WasmError } from "./errors.ts";

/** Reads a range of a module's bytes. Every read is bounds-checked and fails with a `WasmError`. */
export class Reader {
  readonly bytes: Uint8Array;
  position: number;
  readonly end: number;

  constructor(bytes: Uint8Array, position = 0, end = bytes.length) {
    this.bytes = bytes;
    this.position = position;
    this.end = end;
  }

  get done(): boolean {
    return this.position >= this.end;
  }

  fail(message: string, offset = this.position): never {
    throw new WasmError(message, offset);
  }

  byte(): number {
    if (this.position >= this.end) this.fail("unexpected end");
    return this.bytes[this.position++] as number;
  }

  /** The next byte, without taking it. */
  peek(): number {
    if (this.position >= this.end) this.fail("unexpected end");
    return this.bytes[this.position] as number;
  }

  /** An unsigned 32-bit LEB128, possibly with redundant trailing bytes (at most five in all). */
  u32(): number {
    const start = this.position;
    let result = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.byte();
      result |= (byte & 0x7f) << shift;
      if (byte < 0x80) return result;
    }
    const last = this.byte();
    if (last >= 0x80) return this.fail("integer representation too long", start);
    if (last > 0x0f) this.fail("integer too large", start);
    return result + last * 2 ** 28;
  }

  /** Steps over a signed LEB128 of `bits` bits. */
  skipSigned(bits: 32 | 33 | 64): void {
    const start = this.position;
    const longest = Math.ceil(bits / 7);
    for (let count = 1; count <= longest; count++) {
      const byte = this.byte();
      if (byte >= 0x80) continue;
      if (count === longest) this.checkSignExtension(byte, bits - 7 * (longest - 1), start);
      return;
    }
    this.fail("integer representation too long", start);
  }

  /** A signed 32-bit LEB128. */
  s32(): number {
    const start = this.position;
    this.skipSigned(32);
    let result = 0;
    let shift = 0;
    for (let i = start; i < this.position; i++, shift += 7) {
      result |= ((this.bytes[i] as number) & 0x7f) << shift;
    }
    return shift < 32 && ((this.bytes[this.position - 1] as number) & 0x40) !== 0
      ? result | (-1 << shift)
      : result;
  }

  /** The last byte of a full-length signed LEB128 has `used` bits of value; the others repeat its sign. */
  private checkSignExtension(byte: number, used: number, start: number): void {
    const extension = (byte & 0x7f) >> (used - 1);
    const allOnes = (1 << (8 - used)) - 1;
    if (extension !== 0 && extension !== allOnes) this.fail("integer too large", start);
  }

  /** The length of a vector whose items take at least `itemSize` bytes each: never more than can follow. */
  count(what: string, itemSize = 1): number {
    const start = this.position;
    const count = this.u32();
    if (count * itemSize > this.end - this.position) this.fail(`${what}: count ${count} is too large`, start);
    return count;
  }

  skip(length: number): void {
    if (length > this.end - this.position) this.fail("unexpected end", this.end);
    this.position += length;
  }

  /** A reader for the next `length` bytes, which this one steps over. */
  slice(length: number): Reader {
    const start = this.position;
    this.skip(length);
    return new Reader(this.bytes, start, this.position);
  }

  name(): string {
    const start = this.position;
    const length = this.u32();
    const from = this.position;
    this.skip(length);
    try {
      return utf8.decode(this.bytes.subarray(from, this.position));
    } catch {
      return this.fail("name is not UTF-8", start);
    }
  }

  expectDone(what: string): void {
    if (!this.done) this.fail(`${what}: bytes left over`);
  }
}

/** Up to so many bytes a loop copies faster than the platform does. */
const COPIED_BY_LOOP = 48;

/** A growing run of bytes. */
export class Writer {
  private buffer: Uint8Array;
  length = 0;

  constructor(capacity = 256) {
    this.buffer = new Uint8Array(capacity);
  }

  private reserve(extra: number): void {
    const needed = this.length + extra;
    if (needed <= this.buffer.length) return;
    const larger = new Uint8Array(Math.max(needed, this.buffer.length * 2));
    larger.set(this.buffer);
    this.buffer = larger;
  }

  byte(value: number): void {
    this.reserve(1);
    this.buffer[this.length++] = value;
  }

  bytes(values: ArrayLike<number>): void {
    this.reserve(values.length);
    this.buffer.set(values, this.length);
    this.length += values.length;
  }

  /** The same for few bytes, where a loop is faster. */
  code(values: readonly number[]): void {
    this.reserve(values.length);
    for (let i = 0; i < values.length; i++) this.buffer[this.length++] = values[i] as number;
  }

  /** The bytes of `source` from `start` to `end`. */
  copy(source: Uint8Array, start: number, end: number): void {
    if (end - start > COPIED_BY_LOOP) {
      this.bytes(source.subarray(start, end));
      return;
    }
    this.reserve(end - start);
    for (let i = start; i < end; i++) this.buffer[this.length++] = source[i] as number;
  }

  u32(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.byte((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.byte(rest);
  }

  s32(value: number): void {
    let rest = value;
    while (rest < -0x40 || rest > 0x3f) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>= 7;
    }
    this.byte(rest & 0x7f);
  }

  name(value: string): void {
    const bytes = utf8Encoder.encode(value);
    this.u32(bytes.length);
    this.bytes(bytes);
  }

  /** Forgets what was written. */
  clear(): void {
    this.length = 0;
  }

  /** A copy of everything written. */
  finish(): Uint8Array {
    return this.buffer.slice(0, this.length);
  }

  /** A view of what was written from `start` on; valid until the next write. */
  view(start: number, end = this.length): Uint8Array {
    return this.buffer.subarray(start, end);
  }
}

/** `value` as unsigned LEB128. */
export function u32(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return bytes;
}

/** A 32-bit `value` as signed LEB128. */
export function s32(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    const signBit = low & 0x40;
    if ((rest === 0 && !signBit) || (rest === -1 && signBit)) {
      bytes.push(low);
      return bytes;
    }
    bytes.push(low | 0x80);
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const utf8Encoder = new TextEncoder();
