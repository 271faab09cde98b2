/** What of the guest needs no sandbox: `@capsule-run/sdk` runs tasks in plain Node by the same rules. */
export { toolsObject } from "./calling-tools.ts";
export { type Definition, defineTask } from "./definition.ts";
export { failure, invalidArguments, unmetered } from "./envelopes.ts";
export { reportJson } from "./errors.ts";
export { argumentsJson, resultJson, toJson } from "./values.ts";
