import pinned from "../cut.json" with { type: "json" };

/** What is pinned with the engine of its scientific packages' functions; `scripts/cut.ts` makes it. */
interface CutTable {
  /** SHA-256 of the engine. */
  readonly engine: string;
  /** The ends of the run of functions that are cut: index and name. */
  readonly first: readonly [number, string];
  readonly last: readonly [number, string];
  /** Functions between them that stay. */
  readonly kept: readonly (readonly [number, string])[];
  /** Modules of the standard library that are built in. */
  readonly standard: readonly string[];
  /** Python modules and libraries, each with the index of its first function (nearly: its initialiser). */
  readonly modules: readonly (readonly [number, string])[];
}

const table = pinned as unknown as CutTable;

/**
 * Chooses the functions that *core* is without, for `rewrite`. Fails if a name that the table knows is not where it
 * should be: then this is another engine.
 */
export function coreCut(): (index: number, name: string | undefined) => boolean {
  const { first, last, kept } = table;
  const names = new Map([first, last, ...kept]);
  const keep = new Set(kept.map(([index]) => index));
  return (index, name) => {
    if (names.has(index) && names.get(index) !== name) {
      throw new Error(`function ${index} of the engine is ${name}, not ${names.get(index)}`);
    }
    return index >= first[0] && index <= last[0] && !keep.has(index);
  };
}

/** The modules of the standard library that both variants have built in. */
export const standardModules = (): readonly string[] => table.standard;

/**
 * The Python module or the package that a cut function belongs to, by its index as in `capsule_cut`: usually
 * exact, as the first function of a module that is called is its initialiser.
 */
export function moduleOfCut(index: number): string | undefined {
  const { first, last, modules } = table;
  if (index < first[0] || index > last[0]) return undefined;
  const found = modules.findLast(([start]) => start <= index);
  return (found ?? modules[0])?.[1];
}

/** The packages with modules that only *full* has: `numpy`, `pandas`, … */
export function cutPackages(): readonly string[] {
  return [...new Set(table.modules.map(([, name]) => name.split(".")[0] as string))].sort();
}

/**
 * The same as a table: for each run of cut functions the index of its first, and the module; `null` from where on
 * there are no more.
 */
export function cutRanges(): (readonly [first: number, module: string | null])[] {
  const { first, last, modules } = table;
  const [, ...others] = modules;
  return [[first[0], modules[0]?.[1] ?? null], ...others, [last[0] + 1, null]];
}
