import { type ErrorReport, type ErrorType, failed, type TurnEnd } from "@capsule-run/protocol";
import { OutOfGuestMemory } from "./values.ts";

/** What a guest's exception is called in an envelope: the engine's own exceptions have types of their own. */
export function classify({ name, message }: ErrorReport): ErrorType {
  if (name === "RangeError" && message === "Maximum call stack size exceeded") return "stack_overflow";
  const lacksMemory = ["InternalError", "SyntaxError"].includes(name) && message === "out of memory";
  return lacksMemory ? "out_of_memory" : "task_error";
}

export const OUT_OF_FUEL = failed("out_of_fuel", "");

export const OUT_OF_MEMORY: TurnEnd = {
  state: "raised",
  error: "out_of_memory",
  report: { name: "InternalError", message: "out of memory", stack: "" },
};

/** Whether a task ended by `null`, which is what an engine throws that has no memory for an exception. */
export const isNullThrown = (end: TurnEnd): boolean =>
  end.state === "raised" && end.report.name === "" && end.report.message.startsWith("null was thrown");

/** The end of a guest that trapped, or that something of ours ended. */
export function trapped(cause: unknown, stackPointer: number): TurnEnd {
  if (cause instanceof OutOfGuestMemory) return failed("out_of_memory", "out of memory");
  // Below zero: the engine ran off the C stack where it does not check, as it does in iterator helpers.
  if (cause instanceof RangeError || stackPointer < 0)
    return failed("stack_overflow", "Maximum call stack size exceeded");
  return failed(
    "internal_error",
    `the engine failed: ${cause instanceof Error ? cause.message : String(cause)}`,
  );
}
