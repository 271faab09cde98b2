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
