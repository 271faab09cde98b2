export { type AttemptCapabilities, type AttemptParts, openAttempt } from "./attempt.ts";
export type {
  Capability,
  Mount,
  NetworkCapability,
  OutgoingRequest,
  Scrubber,
  SecretsOnTheWay,
} from "./capability.ts";
