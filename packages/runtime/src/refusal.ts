import { type ErrorType, LIMITS, type Value } from "@capsule-run/protocol";
import { type Budget, type BudgetLimits, usedUp } from "@capsule-run/scheduler";
import { callBytes } from "./calls.ts";
import * as words from "./words.ts";

/** Why a call of a task ends before it begins. */
export interface Refusal {
  readonly error: ErrorType;
  readonly message: string;
}

export const NO_TASK: Refusal = { error: "internal_error", message: "the program has no such task" };

/** What keeps a call of an attempt from being queued, if anything does. */
export function refusalOf(
  call: { readonly path: string; readonly args: Value; readonly pending: number },
  { queue, budget }: { readonly queue: { readonly bytes: number }; readonly budget: Budget },
): Refusal | null {
  if (call.args.length === 0) return { error: "invalid_arguments", message: words.argumentsTooLarge() };
  const exceeds = (name: Parameters<typeof words.limit>[0]): Refusal => ({
    error: "limit_exceeded",
    message: words.limit(name, LIMITS[name]),
  });
  if (call.path.split(".").length - 1 > LIMITS.depth) return exceeds("depth");
  if (call.pending >= LIMITS.pendingCalls) return exceeds("pendingCalls");
  if (queue.bytes + callBytes(call.args) > LIMITS.queuedBytes) return exceeds("queuedBytes");
  const missing = usedUp(budget);
  return missing && beyond(missing, budget);
}

/** More than the whole run may use. */
export const beyond = (part: keyof BudgetLimits, { limits }: Budget): Refusal => ({
  error: "limit_exceeded",
  message: words.runBudget(part, limits),
});
