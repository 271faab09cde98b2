import { type Code, i32, i32Add } from "./assemble.ts";
import { u32 } from "./binary.ts";
import { WasmError } from "./errors.ts";
import { sha256 } from "./sha256.ts";

/**
 * Which way the branches of one exact module usually go, as measured with `instrument`.
 *
 * It shifts what is charged where, never what is charged in all, and gives V8 branch hints. As it moves the
 * points where fuel is charged, it is pinned together with the module.
 */
export interface BranchProfile {
  /** SHA-256 of the module, hexadecimal. */
  readonly module: string;
  /**
   * For each function the module defines, by its number among them: its branches, each as
   * `4 * instruction + 2 * strongly + fallsThrough`.
   */
  readonly branches: Readonly<Record<string, readonly number[]>>;
}

/** What a branch (an `if` or `br_if`) usually does. */
export interface BranchHabit {
  /** A `br_if` is not taken, the first arm of an `if` is. */
  readonly fallsThrough: boolean;
  /** Nearly always so. */
  readonly strongly: boolean;
}

/** A branch that an instrumented module counts. */
export interface BranchSite {
  /** The number of the function among those the module defines. */
  readonly function: number;
  /** The number of the instruction in its body. */
  readonly instruction: number;
}

/** The counters of one program run in an instrumented module. */
export interface BranchRun {
  /** The content of the memory `capsule_counters`: for each site how often it was reached and fell through. */
  readonly counters: Uint32Array;
  /** Fuel the program used: programs count alike, whatever their length. */
  readonly fuel: number;
}

/** Reached less often than once in 100,000 units, a branch is not worth a line. */
const WORTH = 1e-5;

/** Going one way this often is a strong habit. */
const STRONG = 0.98;

/**
 * Sums up what a training set did.
 *
 * @param wasm the module that was instrumented.
 * @param worth how often, on a unit of fuel, a branch is reached at least.
 */
export function profileFrom(
  wasm: Uint8Array,
  sites: readonly BranchSite[],
  runs: readonly BranchRun[],
  worth = WORTH,
): BranchProfile {
  const branches: Record<string, number[]> = {};
  sites.forEach((site, s) => {
    let reached = 0;
    let fellThrough = 0;
    for (const { counters, fuel } of runs) {
      reached += (counters[2 * s] ?? 0) / fuel;
      fellThrough += (counters[2 * s + 1] ?? 0) / fuel;
    }
    if (reached < worth) return;
    const share = fellThrough / reached;
    const strongly = share > STRONG || share < 1 - STRONG;
    branches[site.function] ??= [];
    branches[site.function]?.push(4 * site.instruction + (strongly ? 2 : 0) + (share >= 0.5 ? 1 : 0));
  });
  return { module: sha256(wasm), branches };
}

/** Looks up habits; fails with a `WasmError` if the profile was made from another module. */
export function habitsOf(profile: BranchProfile | undefined, wasm: Uint8Array, digest = sha256): Habits {
  if (profile === undefined) return () => NO_HABITS;
  if (profile.module !== digest(wasm)) throw new WasmError("the branch profile belongs to another module", 0);
  return (n) => {
    const habits = new Map<number, BranchHabit>();
    for (const code of profile.branches[n] ?? []) {
      habits.set(Math.floor(code / 4), { fallsThrough: (code & 1) !== 0, strongly: (code & 2) !== 0 });
    }
    return habits;
  };
}

/** The habits of the branches of the `n`th function that a module defines, by instruction. */
export type Habits = (n: number) => ReadonlyMap<number, BranchHabit>;

const NO_HABITS: ReadonlyMap<number, BranchHabit> = new Map();

/** Counts branches in a memory of its own, two 32-bit counters for each. */
export class BranchCounters {
  readonly sites: BranchSite[] = [];
  /** The index of the memory. */
  readonly memory: number;

  constructor(memory: number) {
    this.memory = memory;
  }

  get pages(): number {
    return Math.ceil((this.sites.length * 8) / 65536);
  }

  /** Code that counts an event of a branch; the first one must be that it was reached. */
  count(functionNumber: number, instruction: number, event: "reached" | "fellThrough"): Code {
    if (event === "reached") this.sites.push({ function: functionNumber, instruction });
    const offset = (this.sites.length - 1) * 8 + (event === "reached" ? 0 : 4);
    const place = [0x42, ...u32(this.memory), ...u32(offset)];
    return [...i32(0), ...i32(0), 0x28, ...place, ...i32(1), ...i32Add, 0x36, ...place];
  }
}
