import { LIMITS } from "./limits.ts";
import type { FromCell, ToCell } from "./messages.ts";

/**
 * The one codec between host and cell. A frame is
 * `u32 length of the rest · u32 length of head · head (UTF-8 JSON) · body (bytes)`, little endian.
 */
export type Message = { readonly type: string; readonly body?: Uint8Array };

const HEADER = 8;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });
const EMPTY = new Uint8Array(0);

/** What came is not a frame: its sender is broken or hostile. */
export class FrameError extends Error {
  override readonly name = "FrameError";
}

/** One frame. The body is copied. */
export function encode(message: ToCell | FromCell): Uint8Array {
  const { body = EMPTY, ...head } = message as Message;
  const headBytes = encoder.encode(JSON.stringify(head));
  const frame = new Uint8Array(HEADER + headBytes.length + body.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, 4 + headBytes.length + body.length, true);
  view.setUint32(4, headBytes.length, true);
  frame.set(headBytes, HEADER);
  frame.set(body, HEADER + headBytes.length);
  return frame;
}

/**
 * Cuts a byte stream into messages. Heads are parsed but not checked: see `checkFromCell`.
 * Bodies are copies, so that a small one does not keep a chunk alive. What waits for the rest of its frame takes at
 * most twice its bytes, in however small pieces they come.
 * @throws FrameError for a frame that is too large or has no JSON object for a head
 */
export class FrameReader {
  /** The beginning of a frame, `#size` bytes of it. */
  #begun: Uint8Array = EMPTY;
  #size = 0;

  /** Bytes that wait for the rest of their frame. */
  get buffered(): number {
    return this.#size;
  }

  *push(chunk: Uint8Array): Generator<Record<string, unknown> & { body: Uint8Array }> {
    let rest = chunk;
    while (rest.length > 0) {
      const begun = this.#size > 0;
      const [bytes, size] = begun ? [this.#begun, this.#size] : [rest, rest.length];
      const need = size < 4 ? 4 : frameBytes(bytes);
      if (!begun && size >= need && need > 4) {
        rest = rest.subarray(need);
        yield decodeFrame(bytes.subarray(4, need));
        continue;
      }
      const more = rest.subarray(0, need - this.#size);
      rest = rest.subarray(more.length);
      this.#keep(more, need);
      if (need === 4 || this.#size < need) continue;
      const whole = this.#begun.subarray(4, need);
      this.#begun = EMPTY;
      this.#size = 0;
      yield decodeFrame(whole);
    }
  }

  #keep(more: Uint8Array, need: number): void {
    const size = this.#size + more.length;
    if (size > this.#begun.length) {
      const most = Math.max(need, FIRST_BYTES);
      const grown = new Uint8Array(Math.min(most, Math.max(size, this.#begun.length * 2, FIRST_BYTES)));
      grown.set(this.#begun.subarray(0, this.#size));
      this.#begun = grown;
    }
    this.#begun.set(more, this.#size);
    this.#size = size;
  }
}

/** Room for the beginning of a frame: most are shorter. */
const FIRST_BYTES = 256;

/** Bytes of the frame that begins here, with its length. */
function frameBytes(bytes: Uint8Array): number {
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(0, true);
  if (length < 4 || length > LIMITS.frameBytes) throw new FrameError(`a frame of ${length} bytes`);
  return 4 + length;
}

function decodeFrame(frame: Uint8Array): Record<string, unknown> & { body: Uint8Array } {
  const headLength = new DataView(frame.buffer, frame.byteOffset).getUint32(0, true);
  if (4 + headLength > frame.length) throw new FrameError("a head longer than its frame");
  if (headLength > LIMITS.headBytes) throw new FrameError(`a head of ${headLength} bytes`);
  const bytes = frame.subarray(4, 4 + headLength);
  if (headLength > LONG_HEAD && !isFlat(bytes)) throw new FrameError("a head of too many values");
  let head: unknown;
  try {
    head = JSON.parse(decoder.decode(bytes));
  } catch {
    throw new FrameError("a head that is not JSON");
  }
  if (typeof head !== "object" || head === null || Array.isArray(head))
    throw new FrameError("a head that is no object");
  return { ...(head as Record<string, unknown>), body: new Uint8Array(frame.subarray(4 + headLength)) };
}

/** Heads that are longer are looked at before they are parsed. */
const LONG_HEAD = 16_384;
/** A head is an object of plain values and a list of numbers, 1,000 at most; with room to spare. */
const MOST_VALUES = 4096;
const MOST_NESTED = 16;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const OPEN_OBJECT = 0x7b;

/**
 * Whether JSON text is long for the length of its strings only. Parsing makes thirty times as many bytes of a list of
 * empty lists, and takes seconds for a long one.
 */
function isFlat(json: Uint8Array): boolean {
  let values = 0;
  let nested = 0;
  let inString = false;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at];
    if (byte === QUOTE) inString = !inString;
    else if (inString) at += Number(byte === BACKSLASH);
    else if (byte === COMMA) {
      if (++values > MOST_VALUES) return false;
    } else if ((byte === OPEN_ARRAY || byte === OPEN_OBJECT) && ++nested > MOST_NESTED) return false;
  }
  return true;
}
