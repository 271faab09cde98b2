export { type Bundle, type BundleRequest, bundleProgram, EXTENSIONS } from "./bundle.ts";
