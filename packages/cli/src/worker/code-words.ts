import type { CodeOutput, Execution, WorkspaceFile } from "@capsule-run/code";

/** Lines about code. A value is in them as the text its language made, so that big integers stay exact. */

export const codeOutputLine = (id: string, { stream, text }: CodeOutput): string =>
  JSON.stringify({ type: "output", id, stream, text });

/** An execution in the names of the protocol. `is_json`: whether `value` is the value. */
export function executedLine(id: string, execution: Execution): string {
  // Field by field: the value itself is parsed only for who takes it.
  const { valueJson, metrics } = execution;
  const { durationMs, fuelConsumed, ramUsed, hostRequests } = metrics;
  const fields = JSON.stringify({
    ok: execution.ok,
    value_text: execution.valueText,
    has_value: execution.hasValue,
    is_json: valueJson !== null,
    stdout: execution.stdout,
    stderr: execution.stderr,
    truncated: execution.truncated,
    outputs: execution.outputs,
    files: execution.files,
    error: execution.error,
    memory: execution.memory,
    notice: execution.notice,
    metrics: {
      duration_ms: durationMs,
      fuel_consumed: fuelConsumed,
      ram_used: ramUsed,
      host_requests: hostRequests,
    },
  });
  return `{"type":"executed","id":${JSON.stringify(id)},"execution":{"value":${valueJson ?? "null"},${fields.slice(1)}}`;
}

export const sessionLine = (id: string, session: string, workspace: string): string =>
  JSON.stringify({ type: "session", id, session, workspace });

export const doneLine = (
  id: string,
  what: { files?: readonly WorkspaceFile[]; base64?: string } = {},
): string => JSON.stringify({ type: "done", id, ...what });
