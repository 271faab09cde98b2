export { type Bundle, type BundleRequest, bundleProgram, EXTENSIONS } from "./bundle.ts";
export type { BundleInput } from "./inputs.ts";
