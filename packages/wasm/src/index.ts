export { WasmError } from "./errors.ts";
export { GATE } from "./gate.ts";
export { type FunctionFacts, initialMemory, inspectFunctions } from "./inspect.ts";
export type { Padding } from "./pad.ts";
export { type BranchProfile, type BranchRun, type BranchSite, profileFrom } from "./profile.ts";
export { instrument, type RewriteOptions, type RewriteReport, rewrite } from "./rewrite.ts";
