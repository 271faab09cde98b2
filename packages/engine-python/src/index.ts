export { type Prepared, prepareVariant, servePreparation, type Workshop } from "./prepare.ts";
export { API_EXPORTS, ENGINE_EXPORTS, rewritePython, type Variant } from "./rewrite.ts";
export { cutPackages, cutRanges, moduleOfCut } from "./rewrite-cut.ts";
