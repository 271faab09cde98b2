/**
 * Units per slice: about a millisecond of compiled code. Between two slices the cell serves its other sandboxes and
 * hears the host.
 */
export const SLICE = 20_000_000;

/** Charged for each entry from outside: the crossing itself, which is no instruction that the rewriter could count. */
const ENTRY = 1000;
/** What a plain call may burn without a check. Only our own conversions run in plain calls, never guest code. */
const PLAIN = 0x7fff_ffff;
/** No memory has more. */
const ALL_PAGES = 65_536;
/** As low as the counter is set: far enough from the end of 32 bits for what the guest burns before its next check. */
const LEAST = -0x4000_0000;

/**
 * The fuel of one instance. `capsule_fuel` counts down from what was granted and is checked by the guest; what is used
 * is exact at every host call and the same for every size of slice, because the last grant ends exactly at the limit.
 */
export class FuelTank {
  readonly #slice: number;
  readonly #counter: WebAssembly.Global<"i32">;
  readonly #memory: WebAssembly.Global<"i32"> | null;
  #granted = 0;
  #limit = 0;

  /** @param memory `capsule_memory_granted`: growing beyond it asks the gate too, so plain calls must not */
  constructor(
    counter: WebAssembly.Global<"i32">,
    slice: number,
    memory: WebAssembly.Global<"i32"> | null = null,
  ) {
    this.#memory = memory;
    this.#counter = counter;
    this.#slice = slice;
  }

  /** Units used since `fill`. */
  get used(): number {
    return this.#granted - this.#counter.value;
  }

  get empty(): boolean {
    return this.used > this.#limit;
  }

  fill(limit: number): void {
    this.#limit = limit;
    this.#granted = Math.min(this.#slice, limit);
    this.#counter.value = this.#granted;
  }

  /** Grants the next slice where the last is used up; false if there is none left. */
  grant(): boolean {
    if (this.#counter.value >= 0) return true;
    if (this.empty) return false;
    const amount = Math.min(this.#slice, this.#limit - this.#granted);
    this.#granted += amount;
    this.#counter.value += amount;
    return true;
  }

  /** Leaves nothing: the guest ends at its next check. What was used stays what it was. */
  drain(): void {
    const used = this.used;
    this.#limit = -1;
    this.#counter.value = -1;
    this.#granted = used - 1;
  }

  charge(units: number): void {
    this.#set(this.#counter.value - units);
  }

  chargeEntry(): void {
    this.charge(ENTRY);
  }

  /** Runs a plain (not promising) call of an export, in which the guest can't pause; its fuel counts like any other. */
  plain<T>(call: () => T): T {
    const before = this.#counter.value;
    const granted = this.#memory?.value ?? 0;
    this.#counter.value = PLAIN;
    if (this.#memory) this.#memory.value = ALL_PAGES;
    try {
      return call();
    } finally {
      if (this.#memory) this.#memory.value = granted;
      this.#set(before - (PLAIN - this.#counter.value));
    }
  }

  /** Sets the counter, which holds 32 bits; what it can't hold counts as granted and used. */
  #set(value: number): void {
    const held = Math.max(value, LEAST);
    this.#granted += held - value;
    this.#counter.value = held;
  }
}
