/** What tests of the prelude say of how a task ended. */
import assert from "node:assert/strict";
import type { ErrorReport, ErrorType, TurnEnd } from "@capsule-run/protocol";

/** The value of a result. */
export function value(end: TurnEnd): unknown {
  assert.equal(end.state, "result", JSON.stringify(end));
  return JSON.parse(Buffer.from((end as { json: Uint8Array }).json).toString());
}

/** The report of an exception that nothing caught. */
export function raised(end: TurnEnd, type: ErrorType = "task_error"): ErrorReport {
  assert.equal(end.state, "raised", JSON.stringify(end));
  const { error, report } = end as Extract<TurnEnd, { state: "raised" }>;
  assert.equal(error, type);
  return report;
}

/** The message of a failure in our words. */
export function refused(end: TurnEnd, type: ErrorType): string {
  assert.equal(end.state, "failed", JSON.stringify(end));
  const { error, message } = end as Extract<TurnEnd, { state: "failed" }>;
  assert.equal(error, type);
  return message;
}
