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

/**
 * Modules that only the full variant of the engine has, or that import such a module when they are imported, be it only
 * to see whether it is there. Found by importing every module of the engine with all native code of the scientific
 * packages blocked.
 */
const FULL_MODULES: ReadonlySet<string> = new Set(
  (
    "PIL bs4 contourpy formulaic joblib kiwisolver lxml matplotlib mpl_toolkits numpy openpyxl pandas patsy pylab pypdf " +
    "regex reportlab scipy seaborn sklearn soupsieve statsmodels " +
    "defusedxml.lxml fontTools.designspaceLib fontTools.pens.reportLabPen fontTools.subset " +
    "fontTools.varLib.interpolatable fontTools.varLib.plot html5lib.treebuilders.etree_lxml " +
    "html5lib.treewalkers.etree_lxml sympy.core.trace sympy.physics.continuum_mechanics sympy.physics.control " +
    "sympy.physics.quantum.circuitplot sympy.physics.quantum.identitysearch sympy.stats.sampling.sample_numpy " +
    "sympy.stats.sampling.sample_scipy tqdm.contrib.bells"
  ).split(" "),
);

/** Whether importing a module of the engine takes the full variant. */
export function needsFull(module: string): boolean {
  for (let end = module.length; end > 0; end = module.lastIndexOf(".", end - 1))
    if (FULL_MODULES.has(module.slice(0, end))) return true;
  return false;
}
