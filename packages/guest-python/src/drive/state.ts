import type { Image, SandboxLimits } from "@capsule-run/protocol";
import { clearMarks, difference, markRange, WASM_PAGE } from "@capsule-run/wasm/host";
import type { BaseImage } from "./base.ts";
import type { Python } from "./exports.ts";
import { type PageSource, restore, type Slate } from "./restore.ts";
import { dirtyBytes, SavedPages } from "./saved.ts";

const MAX_PAGES = 65_536;
/** `capsule_cut` until a function that was cut out is called. */
const NOT_CUT = -1;

/** What an instance was at the end of a task, but for its files. */
interface Saved {
  readonly pages: SavedPages;
  readonly globals: readonly number[];
  readonly clock: bigint;
}

/** All that an engine's code can change in an instance: its memory and its globals. */
export class EngineState {
  readonly #python: Python;
  readonly #globals: readonly WebAssembly.Global<"i32">[];
  readonly #base: BaseImage;
  readonly #slate: Slate;
  /** What it was set to last, and the pages that were saved on top of it. */
  #under: PageSource | null = null;
  #pages: SavedPages | null = null;
  #saved: Saved | null = null;

  constructor(python: Python, globals: readonly WebAssembly.Global<"i32">[], base: BaseImage) {
    this.#python = python;
    this.#globals = globals;
    this.#base = base;
    const marks = new Uint8Array(python.capsule_dirty.buffer);
    this.#slate = { memory: python.memory, marks, held: undefined };
  }

  /** Bytes of memory that the guest knows of. */
  get length(): number {
    return this.#python.capsule_pages.value * WASM_PAGE;
  }

  /** Bytes of memory that are really there. */
  get real(): number {
    return this.#python.memory.buffer.byteLength;
  }

  /** Whether the guest has had nearly all the memory it may have. */
  get starved(): boolean {
    return this.#python.capsule_pages.value >= 0.95 * this.#python.capsule_memory_limit.value;
  }

  /** Below zero: the engine ran off the C stack where it does not check. */
  get stackPointer(): number {
    return this.#globals[0]?.value ?? 0;
  }

  /** The index of the function that was cut out and called all the same; null: none was. */
  get cut(): number | null {
    const cut = this.#python.capsule_cut.value;
    return cut === NOT_CUT ? null : cut;
  }

  /** The host has written to memory. */
  wrote(at: number, length: number): void {
    markRange(this.#slate.marks, at, length);
  }

  /** The guest pauses before it uses more than that. */
  grant(bytes: number): void {
    this.#python.capsule_memory_granted.value = Math.min(MAX_PAGES, Math.floor(bytes / WASM_PAGE));
  }

  limit({ ram }: SandboxLimits): void {
    this.#python.capsule_memory_limit.value =
      ram === null ? MAX_PAGES : Math.min(MAX_PAGES, Math.floor(ram / WASM_PAGE));
  }

  /** @param source null: the bare engine's image */
  set(source: PageSource | null, globals: readonly number[]): void {
    this.#under = source;
    this.#pages = this.#saved = null;
    this.#put(source, globals);
  }

  difference(): Image {
    const memory = new Uint8Array(this.#python.memory.buffer, 0, this.length);
    return { globals: this.#values(), pages: difference(memory, this.#base.memory) };
  }

  /** Bytes of the image that `save` would take now, or a few more. */
  get imageBytes(): number {
    return (this.#pages?.bytes ?? 0) + dirtyBytes(this.#slate, this.length);
  }

  get savedMemory(): number {
    return this.#saved?.pages.length ?? 0;
  }

  save(clock: bigint): void {
    this.#pages ??= new SavedPages(this.#under);
    this.#saved = null;
    this.#pages.take(this.#slate, this.length);
    this.#slate.held = this.#pages;
    // Not those of memory that the guest does not know of: what a broken one left there is no part of the image.
    clearMarks(this.#slate.marks, this.length);
    this.#saved = { pages: this.#pages, globals: this.#values(), clock };
  }

  /** Gives the clock as it was. */
  restore(): bigint {
    if (!this.#saved) throw new RangeError("there is no image to go back to");
    const { pages, globals, clock } = this.#saved;
    this.#put(pages, globals);
    return clock;
  }

  /** What another one saved is this one's from now on. */
  adopt(other: EngineState): void {
    this.#under = other.#under;
    this.#pages = other.#pages;
    this.#saved = other.#saved;
  }

  #put(source: PageSource | null, globals: readonly number[]): void {
    restore(this.#slate, source, this.#base);
    for (const [i, value] of globals.entries()) (this.#globals[i] as WebAssembly.Global<"i32">).value = value;
    this.#python.capsule_pages.value = (source?.length ?? this.#base.layout.length) / WASM_PAGE;
    this.#python.capsule_cut.value = NOT_CUT;
    this.#python.capsule_deadlock.value = 0;
  }

  #values(): number[] {
    return this.#globals.map((global) => global.value);
  }
}
