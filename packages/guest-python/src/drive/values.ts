import type { FuelTank } from "@capsule-run/wasm/host";
import type { Python } from "./exports.ts";

/** The guest's memory can't hold what the host hands in. */
export class OutOfGuestMemory extends Error {}

/** Moves bytes across the door, as Python's `bytes`. All of it is plain calls: no guest code runs in them. */
export class Values {
  readonly #python: Python;
  readonly #fuel: FuelTank;
  readonly #wrote: (at: number, length: number) => void;

  /** @param wrote is told what was written to memory from outside */
  constructor(python: Python, fuel: FuelTank, wrote: (at: number, length: number) => void) {
    this.#python = python;
    this.#fuel = fuel;
    this.#wrote = wrote;
  }

  /** A new reference to a `bytes` object. */
  bytes(...parts: readonly Uint8Array[]): number {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    return this.#fuel.plain(() => {
      const object = this.#python.PyBytes_FromStringAndSize(0, length);
      if (object === 0) throw new OutOfGuestMemory();
      this.#write(this.#python.PyBytes_AsString(object), parts, length);
      return object;
    });
  }

  /** Room in memory from the engine's allocator, for the host to write to and the engine to free; 0 if there is none. */
  allocate(length: number): number {
    const at = this.#fuel.plain(() => this.#python.host_alloc(length)) >>> 0;
    if (at !== 0) this.#wrote(at, length);
    return at;
  }

  /** A copy of what a `bytes` object holds; null if it is no such object. Takes the reference. */
  take(object: number): Uint8Array | null {
    return this.#fuel.plain(() => {
      const at = this.#python.PyBytes_AsString(object) >>> 0;
      const length = at === 0 ? -1 : this.#python.PyBytes_Size(object);
      const { buffer } = this.#python.memory;
      const sound = length >= 0 && at + length <= buffer.byteLength;
      const bytes = sound ? new Uint8Array(buffer, at, length).slice() : null;
      if (bytes) this.#fuel.charge(bytes.length >>> 4);
      else this.#python.PyErr_Clear();
      this.#python._Py_DecRef(object);
      return bytes;
    });
  }

  #write(at: number, parts: readonly Uint8Array[], length: number): void {
    const memory = new Uint8Array(this.#python.memory.buffer);
    this.#wrote(at, length);
    let to = at >>> 0;
    for (const part of parts) {
      memory.set(part, to);
      to += part.length;
    }
    // Copying is the host's work, charged as a bulk copy would be.
    this.#fuel.charge(length >>> 4);
  }
}
