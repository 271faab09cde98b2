/** Envelopes that are made without a sandbox having run. */
import type { ErrorType, ExecutionInfo, TaskResult } from "@capsule-run/protocol";

/** The cost of an execution that did not happen, or was not metered. */
export function unmetered(name: string, durationMs = 0, retries = 0): ExecutionInfo {
  return {
    task_name: name,
    duration_ms: durationMs,
    retries,
    fuel_consumed: 0,
    ram_used: 0,
    host_requests: [],
  };
}

export function failure(type: ErrorType, message: string, execution: ExecutionInfo): TaskResult<never> {
  return { success: false, result: null, error: { error_type: type, message }, execution };
}

/** The envelope of a call whose arguments could not be sent. */
export function invalidArguments(name: string, message: string): TaskResult<never> {
  return failure("invalid_arguments", message, unmetered(name));
}
