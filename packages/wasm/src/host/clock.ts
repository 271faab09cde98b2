/**
 * Units of fuel that pass for a nanosecond: faster than any machine, so the guest's clock is never ahead of the wall's
 * at the next event. It makes time a function of events and fuel: deterministic, and blind for timing attacks.
 */
const UNITS_PER_NS = 32;

/** The guest's clock: the time of the last delivered event plus the fuel burned since. Monotonic. */
export class FuelClock {
  #ns = 0n;
  #fuel = 0;

  start(ms: number): void {
    this.#ns = toNs(ms);
    this.#fuel = 0;
  }

  /** An event was delivered at `ms`; time never goes back. */
  event(ms: number, fuelUsed: number): void {
    const now = this.read(fuelUsed);
    const at = toNs(ms);
    // biome-ignore lint/complexity/useMathMinMax: Math.max takes no BigInt
    this.#ns = at > now ? at : now;
    this.#fuel = fuelUsed;
  }

  /** The same, where fuel is counted anew from here on. */
  renew(ms: number, fuelUsed: number): void {
    this.event(ms, fuelUsed);
    this.#fuel = 0;
  }

  /** Sets it to what was read before. */
  resume(ns: bigint, fuelUsed: number): void {
    this.#ns = ns;
    this.#fuel = fuelUsed;
  }

  /** Nanoseconds since 1970. */
  read(fuelUsed: number): bigint {
    return this.#ns + BigInt(Math.max(0, Math.floor((fuelUsed - this.#fuel) / UNITS_PER_NS)));
  }
}

const toNs = (ms: number): bigint => BigInt(Math.round(ms * 1000)) * 1000n;
