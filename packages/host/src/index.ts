export {
  type AttemptCapabilities,
  type AttemptParts,
  openAttempt,
  openShared,
  type SharedCapabilities,
  type SharedParts,
} from "./attempt.ts";
export type {
  Capability,
  Mount,
  NetworkCapability,
  OutgoingRequest,
  Scrubber,
  SecretsOnTheWay,
} from "./capability.ts";
export { openToolbox, type Toolbox, type ToolCaller, type ToolEvent } from "./tools.ts";
