import type { ErrorReport, ErrorType } from "@capsule-run/protocol";

/** What a guest's exception is called in an envelope: the engine's own exceptions have types of their own. */
export function classify({ name, message }: ErrorReport): ErrorType {
  if (name === "RangeError" && message === "Maximum call stack size exceeded") return "stack_overflow";
  const lacksMemory = ["InternalError", "SyntaxError"].includes(name) && message === "out of memory";
  return lacksMemory ? "out_of_memory" : "task_error";
}
