import { type ErrorType, isErrorType } from "./errors.ts";
import type { TurnEnd } from "./guest.ts";
import type { ErrorReport } from "./report.ts";

/**
 * What a prelude answers to whoever entered the guest, by its first character:
 *
 * | | rest | meaning |
 * |---|---|---|
 * | `R` | JSON text | the task's result |
 * | `E` | `ErrorReport` as JSON | the task threw; `name` is empty where what was thrown is not an error |
 * | `X` | `error_type`, a space, a message | the task failed in a way that has a type of its own, such as `invalid_result` |
 * | `T` | | a timer fired: run the jobs and poll again (JavaScript only) |
 * | `I` | wake (ms since 1970) or nothing, a comma, number of pending calls | idle |
 */
export const STATUS = { result: "R", error: "E", typed: "X", timer: "T", idle: "I" } as const;

/** An end in our words. */
export const failed = (error: ErrorType, message: string): TurnEnd => ({ state: "failed", error, message });

/**
 * How a turn ended, by a prelude's answer.
 * @param classify which of the error types an exception of the guest's is
 */
export function turnEnd(status: Uint8Array, classify: (report: ErrorReport) => ErrorType): TurnEnd {
  const rest = status.subarray(1);
  switch (String.fromCharCode(status[0] ?? 0)) {
    case STATUS.result:
      return { state: "result", json: rest };
    case STATUS.error:
      return raised(Buffer.from(rest).toString(), classify);
    case STATUS.typed: {
      const text = Buffer.from(rest).toString();
      const space = text.indexOf(" ");
      const error = text.slice(0, space);
      return isErrorType(error) ? failed(error, text.slice(space + 1)) : UNKNOWN_ANSWER;
    }
    case STATUS.idle: {
      const [wake = "", pending] = Buffer.from(rest).toString().split(",");
      const [at, calls] = [Number(wake), Number(pending)];
      if (!(at >= 0 && at <= MOST_DATE && Number.isSafeInteger(calls) && calls >= 0)) return UNKNOWN_ANSWER;
      return { state: "idle", wake: wake === "" ? null : at, pending: calls };
    }
    default:
      return UNKNOWN_ANSWER;
  }
}

/** The last millisecond that a `Date` can hold. */
const MOST_DATE = 8.64e15;
const UNKNOWN_ANSWER = failed("internal_error", "the prelude answered what the host does not know");

/** An exception of the guest's, by the JSON of its report. */
export function raised(json: string, classify: (report: ErrorReport) => ErrorType): TurnEnd {
  let report: ErrorReport;
  try {
    report = JSON.parse(json) as ErrorReport;
  } catch {
    return UNKNOWN_ANSWER;
  }
  if (typeof report !== "object" || report === null) return UNKNOWN_ANSWER;
  return { state: "raised", error: classify(report), report };
}
