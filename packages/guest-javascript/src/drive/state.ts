import type { Image, SandboxLimits } from "@capsule-run/protocol";
import { difference, WASM_PAGE } from "@capsule-run/wasm/host";
import type { QuickJs } from "./exports.ts";

const MAX_PAGES = 65_536;
/**
 * What of `ram` the engine's allocator may hand out, beyond what lies below the heap. The rest is for fragmentation and
 * for the exception the guest gets: an allocator that meets the end of memory itself can only throw `null`.
 */
const HEAP_SHARE = 0.94;
const BELOW_HEAP = 1_310_720;

/** What an instance was at the end of a task. */
interface Saved {
  /** At least as long as the memory that was saved. */
  readonly bytes: Uint8Array;
  readonly length: number;
  readonly globals: readonly number[];
  readonly clock: bigint;
}

/** Bytes that are compared at once: with fewer the calls take longer than the comparing, with more too much is copied. */
const PIECE = 32 * 1024;

/**
 * Makes the beginning of an image the same as memory, of which a call changes little: reading both takes a fifth of the
 * time of copying, where they are larger than the processor's caches, and as long where they are not.
 */
function update(image: Uint8Array, memory: Uint8Array): void {
  const there = Buffer.from(image.buffer, image.byteOffset, image.length);
  for (let start = 0; start < memory.length; start += PIECE) {
    const end = Math.min(start + PIECE, memory.length);
    if (there.compare(memory, start, end, start, end) !== 0) image.set(memory.subarray(start, end), start);
  }
}

/** All that an engine's code can change in an instance: its memory and its globals. */
export class EngineState {
  readonly #js: QuickJs;
  readonly #globals: readonly WebAssembly.Global<"i32">[];
  #saved: Saved | null = null;

  constructor(js: QuickJs, globals: readonly WebAssembly.Global<"i32">[]) {
    this.#js = js;
    this.#globals = globals;
  }

  /** Bytes of memory that the guest knows of. */
  get length(): number {
    return this.#js.capsule_pages.value * WASM_PAGE;
  }

  /** Bytes of memory that are really there. */
  get real(): number {
    return this.#js.memory.buffer.byteLength;
  }

  /** Below zero: the engine ran off the C stack where it does not check. */
  get stackPointer(): number {
    return this.#globals[0]?.value ?? 0;
  }

  /** The guest pauses before it uses more than that. */
  grant(bytes: number): void {
    this.#js.capsule_memory_granted.value = Math.min(MAX_PAGES, Math.floor(bytes / WASM_PAGE));
  }

  set(memory: Uint8Array, globals: readonly number[]): void {
    this.#saved = null;
    this.#put(memory, globals);
  }

  #put(memory: Uint8Array, globals: readonly number[]): void {
    if (memory.length > this.real) this.#js.memory.grow((memory.length - this.real) / WASM_PAGE);
    const bytes = new Uint8Array(this.#js.memory.buffer);
    bytes.set(memory);
    // All that is really there, not only what the guest knows of: a guest that broke its engine may have written to it.
    bytes.fill(0, memory.length);
    for (const [i, value] of globals.entries()) (this.#globals[i] as WebAssembly.Global<"i32">).value = value;
    this.#js.capsule_pages.value = memory.length / WASM_PAGE;
  }

  /** Sets the most memory a task may have; gives what of it the engine's allocator may hand out, 0: all. */
  limit({ ram }: SandboxLimits): number {
    this.#js.capsule_memory_limit.value =
      ram === null ? MAX_PAGES : Math.min(MAX_PAGES, Math.floor(ram / WASM_PAGE));
    return ram === null ? 0 : Math.max(1, Math.floor((ram - BELOW_HEAP) * HEAP_SHARE));
  }

  difference(base: Uint8Array): Image {
    return { globals: this.#values(), pages: difference(this.#memory(), base) };
  }

  /** Bytes of the image that `save` would take now. */
  get imageBytes(): number {
    return Math.max(this.#saved?.bytes.length ?? 0, this.length);
  }

  get savedMemory(): number {
    return this.#saved?.length ?? 0;
  }

  save(clock: bigint): void {
    const { length } = this;
    const held = this.#saved?.bytes;
    this.#saved = null;
    // The same bytes again, if they are enough: sessions shall make no garbage.
    const isEnough = held !== undefined && held.length >= length;
    const bytes = isEnough ? held : new Uint8Array(length);
    if (isEnough) update(bytes, this.#memory());
    else bytes.set(this.#memory());
    this.#saved = { bytes, length, globals: this.#values(), clock };
  }

  /** Gives the clock as it was. */
  restore(): bigint {
    if (!this.#saved) throw new RangeError("there is no image to go back to");
    const { bytes, length, globals, clock } = this.#saved;
    this.#put(bytes.subarray(0, length), globals);
    return clock;
  }

  /** What another one saved is this one's from now on. */
  adopt(other: EngineState): void {
    this.#saved = other.#saved;
  }

  #memory(): Uint8Array {
    return new Uint8Array(this.#js.memory.buffer, 0, this.length);
  }

  #values(): number[] {
    return this.#globals.map((global) => global.value);
  }
}
