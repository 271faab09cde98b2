/**
 * `@capsule-run/sdk/internal`: for Capsule's own packages of the same version, such as `@capsule-run/adapter`. Nothing here
 * is promised to anybody else.
 */
export type { CliRuntime } from "./cli-runtime.ts";
export { findCli, loadCli } from "./find-cli.ts";
export { type Check, check, FUNCTION, isObject, PATH, SIGNAL, shown, TOOLS } from "./runner-options.ts";
export { usageErrorOf } from "./usage-error.ts";
