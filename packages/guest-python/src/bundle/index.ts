export { type Bundle, type BundleRequest, bundleProgram, EXTENSIONS } from "./bundle.ts";
export { CARRIED, type CarriedPackage, needsFull, PYTHON } from "./carried.ts";
