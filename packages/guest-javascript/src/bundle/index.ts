export { type Bundle, type BundleRequest, bundleProgram, EXTENSIONS } from "./bundle.ts";
export { excerpt, printable } from "./excerpt.ts";
export type { BundleInput } from "./inputs.ts";
