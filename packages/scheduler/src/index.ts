export * from "./admission.ts";
export * from "./backoff.ts";
export * from "./budget.ts";
export * from "./execution.ts";
