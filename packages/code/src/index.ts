export type * from "./api.ts";
export { createCodeRuntime } from "./runtime.ts";
