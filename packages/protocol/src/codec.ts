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
 * A chunk belongs to the reader; bodies are copies, so that a small one does not keep a chunk alive.
 * @throws FrameError for a frame that is too large or has no JSON object for a head
 */
export class FrameReader {
  #chunks: Uint8Array[] = [];
  #size = 0;
  #need = 4;

  /** Bytes that wait for the rest of their frame. */
  get buffered(): number {
    return this.#size;
  }

  *push(chunk: Uint8Array): Generator<Record<string, unknown> & { body: Uint8Array }> {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    while (this.#size >= this.#need) {
      const whole = this.#chunks.length === 1 ? (this.#chunks[0] as Uint8Array) : this.#join();
      const view = new DataView(whole.buffer, whole.byteOffset, whole.length);
      const length = view.getUint32(0, true);
      if (length < 4 || length > LIMITS.frameBytes) throw new FrameError(`a frame of ${length} bytes`);
      this.#need = 4 + length;
      if (whole.length < this.#need) break;
      yield decodeFrame(whole.subarray(4, this.#need));
      const rest = whole.subarray(this.#need);
      this.#chunks = rest.length > 0 ? [rest] : [];
      this.#size = rest.length;
      this.#need = 4;
    }
  }

  #join(): Uint8Array {
    const whole = new Uint8Array(this.#size);
    let at = 0;
    for (const chunk of this.#chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    this.#chunks = [whole];
    return whole;
  }
}

function decodeFrame(frame: Uint8Array): Record<string, unknown> & { body: Uint8Array } {
  const headLength = new DataView(frame.buffer, frame.byteOffset).getUint32(0, true);
  if (4 + headLength > frame.length) throw new FrameError("a head longer than its frame");
  if (headLength > LIMITS.headBytes) throw new FrameError(`a head of ${headLength} bytes`);
  let head: unknown;
  try {
    head = JSON.parse(decoder.decode(frame.subarray(4, 4 + headLength)));
  } catch {
    throw new FrameError("a head that is not JSON");
  }
  if (typeof head !== "object" || head === null || Array.isArray(head))
    throw new FrameError("a head that is no object");
  return { ...(head as Record<string, unknown>), body: new Uint8Array(frame.subarray(4 + headLength)) };
}
