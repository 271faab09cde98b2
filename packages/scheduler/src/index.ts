export * from "./admission.ts";
export * from "./backoff.ts";
export * from "./execution.ts";
