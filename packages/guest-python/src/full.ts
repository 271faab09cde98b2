/**
 * Modules that only the full variant of the engine has, or that import such a module when they are imported, be it only
 * to see whether it is there. Found by importing every module of the engine with all native code of the scientific
 * packages blocked.
 */
export const FULL_MODULES: ReadonlySet<string> = new Set(
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
