import { type ErrorReport, type ErrorType, isErrorType, type TurnEnd } from "@capsule-run/protocol";
import { STATUS } from "../door.ts";

/** An end in our words. */
export const failed = (error: ErrorType, message: string): TurnEnd => ({ state: "failed", error, message });

/** What the answer of the prelude's last `poll` says: see `STATUS`. */
export function turnEnd(status: Uint8Array): TurnEnd {
  const rest = status.subarray(1);
  switch (String.fromCharCode(status[0] as number)) {
    case STATUS.result:
      return { state: "result", json: rest };
    case STATUS.error:
      return raised(Buffer.from(rest).toString());
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

/** What a guest's exception is called in an envelope: the engine's own exceptions have types of their own. */
export function raised(json: string): TurnEnd {
  const report = JSON.parse(json) as ErrorReport;
  const error: ErrorType =
    report.name === "RangeError" && report.message === "Maximum call stack size exceeded"
      ? "stack_overflow"
      : ["InternalError", "SyntaxError"].includes(report.name) && report.message === "out of memory"
        ? "out_of_memory"
        : "task_error";
  return { state: "raised", error, report };
}
