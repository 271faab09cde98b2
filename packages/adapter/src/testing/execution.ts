import type { Execution } from "../types.ts";

/** An execution that printed nothing and gave nothing, but for what is said. */
export const executionWith = (fields: Partial<Execution>): Execution => ({
  ok: true,
  value: null,
  valueJson: null,
  valueText: null,
  hasValue: false,
  stdout: "",
  stderr: "",
  truncated: false,
  outputs: [],
  files: [],
  error: null,
  memory: "kept",
  notice: null,
  metrics: { durationMs: 0, fuelConsumed: 0, ramUsed: 0, hostRequests: [] },
  ...fields,
});
