import { PATH_BYTES } from "../../files.ts";
import { IOVEC } from "./defs.ts";
import { refusal } from "./refusal.ts";

/** Buffers that one call may name, as elsewhere (`IOV_MAX`). */
const MOST_BUFFERS = 1024;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A piece of the guest's memory that is known to lie inside. */
export interface Span {
  readonly at: number;
  readonly length: number;
}

/**
 * The guest's memory, by pointers nobody has checked: unsigned 32-bit numbers, as `imports.ts` makes them. Everything
 * outside is refused with `FAULT`. Views are good until the guest runs again.
 */
export class GuestMemory {
  readonly #memory: () => WebAssembly.Memory;
  readonly #wrote: (at: number, length: number) => void;
  #bytes = new Uint8Array(0);
  #view = new DataView(this.#bytes.buffer);

  /** @param wrote is told what is written */
  constructor(memory: () => WebAssembly.Memory, wrote: (at: number, length: number) => void) {
    this.#memory = memory;
    this.#wrote = wrote;
  }

  /** Bytes to be read. */
  bytes(at: number, length: number): Uint8Array {
    this.check(at, length);
    return this.#bytes.subarray(at, at + length);
  }

  /** Bytes to be written. */
  room(at: number, length: number): Uint8Array {
    const room = this.bytes(at, length);
    this.#wrote(at, length);
    return room;
  }

  /** A view of all memory, to read `length` bytes at `at`. */
  view(at: number, length: number): DataView {
    this.check(at, length);
    return this.#view;
  }

  /** A view of all memory, to write `length` bytes at `at`. */
  roomView(at: number, length: number): DataView {
    this.check(at, length);
    this.#wrote(at, length);
    return this.#view;
  }

  setU32(at: number, value: number): void {
    this.roomView(at, 4).setUint32(at, value, true);
  }

  setU64(at: number, value: bigint): void {
    this.roomView(at, 8).setBigUint64(at, value, true);
  }

  /** A path: UTF-8 without NUL, no longer than a path may be. */
  path(at: number, length: number): string {
    if (length > PATH_BYTES) throw refusal("NAMETOOLONG");
    const bytes = this.bytes(at, length);
    if (bytes.includes(0)) throw refusal("INVAL");
    try {
      // A copy: decoders do not take shared memory.
      return decoder.decode(bytes.slice());
    } catch {
      throw refusal("ILSEQ");
    }
  }

  /** The buffers of a scattered read or write, all inside memory. */
  buffers(at: number, count: number): readonly Span[] {
    if (count > MOST_BUFFERS) throw refusal("INVAL");
    const view = this.view(at, count * IOVEC.size);
    const spans: Span[] = [];
    for (let i = 0; i < count; i++) {
      const entry = at + i * IOVEC.size;
      const span = {
        at: view.getUint32(entry + IOVEC.pointer, true),
        length: view.getUint32(entry + IOVEC.length, true),
      };
      this.check(span.at, span.length);
      spans.push(span);
    }
    return spans;
  }

  /** Refuses what is not inside. */
  check(at: number, length: number): void {
    const { buffer } = this.#memory();
    if (buffer !== this.#bytes.buffer) {
      this.#bytes = new Uint8Array(buffer);
      this.#view = new DataView(buffer);
    }
    if (at + length > this.#bytes.length) throw refusal("FAULT");
  }
}
