import type { FuelTank } from "@capsule-run/wasm/host";
import type { QuickJs } from "./exports.ts";

/** Moves strings across the door. All of it is plain calls: no guest code runs in them. */
export class Values {
  readonly #js: QuickJs;
  readonly #fuel: FuelTank;

  constructor(js: QuickJs, fuel: FuelTank) {
    this.#js = js;
    this.#fuel = fuel;
    this.string = this.string.bind(this);
    this.array = this.array.bind(this);
  }

  get #memory(): Uint8Array {
    return new Uint8Array(this.#js.memory.buffer);
  }

  /** A copy in guest memory, NUL at its end. Throws when the guest has no memory left, which ends it. */
  bytes(text: Uint8Array): number {
    return this.#fuel.plain(() => {
      const at = this.#js.wasm_malloc(text.length + 1);
      if (at === 0) throw new OutOfGuestMemory();
      this.#memory.set(text, at);
      this.#memory[at + text.length] = 0;
      // Copying is the host's work, charged as a bulk copy would be.
      this.#fuel.charge(text.length >>> 4);
      return at;
    });
  }

  freeBytes(...pointers: readonly number[]): void {
    this.#fuel.plain(() => {
      for (const at of pointers) this.#js.wasm_free(at);
    });
  }

  /** A boxed string from UTF-8. */
  string(text: Uint8Array): number {
    const at = this.bytes(text);
    return this.#fuel.plain(() => {
      const value = this.#js.qjs_new_string(at, text.length);
      this.#js.wasm_free(at);
      if (value === 0 || this.#js.qjs_is_exception(value)) throw new OutOfGuestMemory();
      return value;
    });
  }

  /** The UTF-8 of a boxed string; empty if it is no string, because converting an object would run guest code. */
  read(value: number): Uint8Array {
    return this.#fuel.plain(() => {
      if (!this.#js.qjs_is_string(value)) return new Uint8Array(0);
      const length = this.#js.wasm_malloc(4);
      if (length === 0) throw new OutOfGuestMemory();
      const at = this.#js.qjs_get_string_len(value, length);
      if (at === 0) throw new OutOfGuestMemory();
      const size = new DataView(this.#js.memory.buffer).getUint32(length, true);
      const text = this.#memory.slice(at, at + size);
      this.#js.qjs_free_cstring(at);
      this.#js.wasm_free(length);
      this.#fuel.charge(size >>> 4);
      return text;
    });
  }

  /** A boxed `Uint8Array` with a copy of the bytes. */
  array(bytes: Uint8Array): number {
    const at = this.bytes(bytes);
    return this.#fuel.plain(() => {
      const value = this.#js.qjs_new_uint8_array(at, bytes.length);
      this.#js.wasm_free(at);
      if (value === 0 || this.#js.qjs_is_exception(value)) throw new OutOfGuestMemory();
      return value;
    });
  }

  /**
   * A copy of the bytes of a boxed typed array, null if there are more than `most`. No guest code runs: sizes are the
   * engine's own.
   * @throws RangeError if it is no typed array, or one without its bytes: the prelude makes sure that it is
   */
  readArray(value: number, most: number): Uint8Array | null {
    return this.#fuel.plain(() => {
      const sizes = this.#js.wasm_malloc(16);
      if (sizes === 0) throw new OutOfGuestMemory();
      const buffer = this.#js.qjs_get_typed_array_buffer(value, sizes, sizes + 4, sizes + 8);
      if (buffer === 0 || this.#js.qjs_is_exception(buffer)) throw new RangeError("no typed array");
      const data = this.#js.qjs_get_array_buffer(buffer, sizes + 12);
      const view = new DataView(this.#js.memory.buffer, sizes, 16);
      const [offset, length, whole] = [0, 4, 12].map((at) => view.getUint32(at, true)) as [
        number,
        number,
        number,
      ];
      this.#js.qjs_free_value(buffer);
      this.#js.wasm_free(sizes);
      if (offset + length > whole) throw new RangeError("a typed array beyond its buffer");
      if (length > most) return null;
      this.#fuel.charge(length >>> 4);
      const start = (data >>> 0) + offset;
      return this.#memory.slice(start, start + length);
    });
  }

  /** A boxed number. */
  number(value: number): number {
    return this.#fuel.plain(() => this.#js.qjs_new_number(value));
  }

  /** The number in a box, 0 if it is no number. */
  readNumber(value: number): number {
    return this.#fuel.plain(() => (this.#js.qjs_is_number(value) ? this.#js.qjs_get_float64(value) : 0));
  }

  /** An array of pointers in guest memory. */
  pointers(values: readonly number[]): number {
    return this.#fuel.plain(() => {
      const at = this.#js.wasm_malloc(values.length * 4);
      if (at === 0) throw new OutOfGuestMemory();
      const view = new DataView(this.#js.memory.buffer);
      for (const [i, value] of values.entries()) view.setUint32(at + i * 4, value, true);
      return at;
    });
  }
}

/** The guest has no memory left for what the host must tell it. */
export class OutOfGuestMemory extends Error {
  override readonly name = "OutOfGuestMemory";
}
