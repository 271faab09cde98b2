import type { ErrorType } from "./errors.ts";

/** One HTTP request that the host made for a sandbox. */
export interface HostRequest {
  readonly method: string;
  readonly url: string;
  readonly status: number | null;
  readonly duration_ms: number;
  readonly request_bytes: number;
  readonly response_bytes: number;
  readonly error: string | null;
}

/** What a task execution cost, all attempts together. */
export interface ExecutionInfo {
  readonly task_name: string;
  /** Milliseconds of wall time in sandboxes, summed over attempts. */
  readonly duration_ms: number;
  /** Retries that happened. */
  readonly retries: number;
  /** Units of fuel, summed over attempts. */
  readonly fuel_consumed: number;
  /** Peak bytes of sandbox memory over all attempts. */
  readonly ram_used: number;
  readonly host_requests: readonly HostRequest[];
}

export interface ErrorInfo {
  readonly error_type: ErrorType;
  /** For `task_error` the language's own message and stack, in the user's files and lines. */
  readonly message: string;
}

/** How every task execution ends: `error` is null on success, `result` is null on failure. */
export type TaskResult<T> =
  | { readonly success: true; readonly result: T; readonly error: null; readonly execution: ExecutionInfo }
  | {
      readonly success: false;
      readonly result: null;
      readonly error: ErrorInfo;
      readonly execution: ExecutionInfo;
    };

/** An envelope whose result is still JSON text: the form in which the host moves results. */
export type Envelope =
  | { readonly success: true; readonly resultJson: string; readonly execution: ExecutionInfo }
  | { readonly success: false; readonly error: ErrorInfo; readonly execution: ExecutionInfo };

/** The envelope as one line of JSON. The result's text goes in as it is, so big integers stay exact. */
export function envelopeJson(envelope: Envelope): string {
  const execution = JSON.stringify(envelope.execution);
  return envelope.success
    ? `{"success":true,"result":${envelope.resultJson},"error":null,"execution":${execution}}`
    : `{"success":false,"result":null,"error":${JSON.stringify(envelope.error)},"execution":${execution}}`;
}
