import data from "./carried.json" with { type: "json" };

/** What the Python engine carries: written down by `scripts/carried.ts`. */

/** Its version of Python. */
export const PYTHON = data.python;

export interface CarriedPackage {
  /** As PyPI normalises it. */
  readonly name: string;
  readonly version: string;
  readonly extras: readonly string[];
  /** What it requires itself: `Requires-Dist` of its metadata. */
  readonly requires: readonly string[];
}

/** Packages that are part of the engine, by name. */
export const CARRIED: ReadonlyMap<string, CarriedPackage> = new Map(
  data.packages.map((each) => [each.name, each]),
);

/** Top-level names of the standard library. */
export const STANDARD_MODULES: ReadonlySet<string> = new Set(data.standard);

/** Top-level names of the engine's modules, those of the standard library included. */
export const ENGINE_MODULES: ReadonlySet<string> = new Set([...data.standard, ...data.modules]);

/** Modules that are compiled into the engine: Python finds them before any file. */
export const BUILTIN_MODULES: ReadonlySet<string> = new Set([...data.builtin, "capsule"]);
