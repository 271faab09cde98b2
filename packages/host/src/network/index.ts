export { NETWORK_LIMITS, type NetworkLimits } from "./limits.ts";
export { type NetworkOptions, openNetwork } from "./network.ts";
export { type Resolver, systemResolver } from "./resolve.ts";
export { createTransport, type Transport, type TransportOptions } from "./transport.ts";
