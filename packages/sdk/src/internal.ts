/**
 * `@capsule-run/sdk/internal`: for Capsule's own packages of the same version, such as `@capsule-run/adapter`. Nothing here
 * is promised to anybody else.
 */
export { isObject, type OptionCheck, shown } from "@capsule-run/protocol";
export type { CliRuntime } from "./cli-runtime.ts";
export { findCli, loadCli } from "./find-cli.ts";
export { check, FUNCTION, PATH, SIGNAL, TOOLS } from "./runner-options.ts";
export { sharedRuntimes } from "./shared-runtimes.ts";
export { usageErrorOf } from "./usage-error.ts";
