export { needsFull } from "../full.ts";
export { type Bundle, type BundleRequest, bundleProgram, EXTENSIONS } from "./bundle.ts";
export { CARRIED, type CarriedPackage, PYTHON } from "./carried.ts";
