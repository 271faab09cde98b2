import { type ErrorType, grouped, LIMITS, type TaskPolicy } from "@capsule-run/protocol";
import type { BudgetLimits } from "@capsule-run/scheduler";

/** The sentences of envelopes: they name what the user wrote and say what to do. */

/** A duration as people write it. */
export function duration(ms: number): string {
  const units: readonly (readonly [number, string])[] = [
    [3_600_000, "h"],
    [60_000, "m"],
    [1000, "s"],
  ];
  for (const [size, unit] of units) if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  return `${ms}ms`;
}

/** What to do where an amount was too little: `option` is the task's, `key` the operator's, who may have lowered it. */
const raise = (option: string, key: string, isLowered: boolean): string =>
  isLowered
    ? `that is what \`${key}\` of the policy leaves of it; raise that or give it less to do`
    : `raise \`${option}\` or give it less to do`;

export const timeout = (task: string, ms: number, isLowered: boolean): string =>
  `"${task}" ran longer than its timeout of ${duration(ms)}; ${raise("timeout", "max_timeout", isLowered)}`;

const BUDGET_WORDS: Readonly<Record<keyof BudgetLimits, (most: number) => string>> = {
  tasks: (most) => `${grouped(most)} task executions, retries included: \`max_tasks\``,
  runFuel: (most) => `${grouped(most)} units of fuel for all its tasks together: \`max_run_compute\``,
  runTimeoutMs: (most) => `${duration(most)} of time: \`max_run_timeout\``,
};

/** A run has used up a part of its budget. */
export const runBudget = (part: keyof BudgetLimits, limits: BudgetLimits): string =>
  `the run used up its ${BUDGET_WORDS[part](limits[part] ?? 0)} of its policy`;

export const deadlock = (task: string): string =>
  `"${task}" waits for what can never come: no timer is set and no call is pending`;

/** A task got to code that its engine was made without, when it was too late to start it again. */
export const lacks = (task: string, code: string, inSession = false): string =>
  inSession ? lacksInSession(task, code) : lacksAlone(task, code);

const lacksInSession = (task: string, code: string): string =>
  `"${task}" got to ${code}, which the small variant of the engine lacks. The session goes on with the whole engine, which has none of its memory: the next call begins afresh. Import ${code} at the top of the program, so that this is known before it runs`;

/** The cell of a session ended between two calls. */
export const sessionLost = (reason: string): string =>
  `the session's process has ended (${reason}), and its memory with it: this call was not begun, the next one begins afresh`;

const lacksAlone = (task: string, code: string): string =>
  `"${task}" got to ${code}, which the small variant of the engine lacks, after it had printed, called or waited; the next run uses the whole engine. Import ${code} at the top of the program, so that this is known before it runs`;

/** The memory of the whole runtime was full, and the task the youngest of those that waited for it. */
export const budget = (
  task: string,
  ram: number,
  { budget, sandboxes }: { readonly budget: number; readonly sandboxes: number },
): string =>
  ram > sandboxes
    ? `"${task}" grew to ${grouped(ram)} bytes, more than the runtime has for all its sandboxes together: its memory budget is ${grouped(budget)} bytes, ${grouped(sandboxes)} of them for sandboxes that run. That is not the task's \`ram\`. Give it less to hold, or the runtime more memory`
    : `"${task}" grew to ${grouped(ram)} bytes when the runtime's memory budget of ${grouped(budget)} bytes for all sandboxes was full, and nothing else could go on. That is not the task's \`ram\`. Lower \`ram\`, run fewer at once, or give the runtime more memory`;

const LIMIT_WORDS = {
  depth: "tasks may call tasks to a depth of",
  pendingCalls: "one task may wait for this many calls at once:",
  queuedBytes: "the pending calls of a run, with their arguments, may take this many bytes:",
} as const satisfies Partial<Record<keyof typeof LIMITS, string>>;

export const limit = (name: keyof typeof LIMIT_WORDS, value: number): string =>
  `${LIMIT_WORDS[name]} ${grouped(value)}`;

export const argumentsTooLarge = (): string =>
  `the arguments take more than the ${grouped(LIMITS.argumentBytes)} bytes of JSON that are allowed; hand over less, or in several parts`;

export const attemptOutput = (task: string): string =>
  `capsule: "${task}" printed more than ${grouped(LIMITS.attemptOutputBytes)} bytes; the rest is dropped`;

export const runOutput = (task: string): string =>
  `capsule: the run printed more than ${grouped(LIMITS.runOutputBytes)} bytes, most recently in "${task}"; the rest is dropped`;

/** `main` was given too few or too many arguments. */
export function wrongArguments(
  names: readonly string[],
  required: number,
  rest: boolean,
  given: number,
  task = "main",
): string {
  const shown = names.map((name, i) =>
    rest && i === names.length - 1 ? `...${name}` : i < required ? name : `${name}?`,
  );
  const most = rest ? "" : required === names.length ? "" : ` to ${names.length}`;
  const takes =
    names.length === 0 ? "no arguments" : `${required}${rest ? " or more" : most} (${shown.join(", ")})`;
  return `${task} takes ${takes}; it was given ${given}`;
}

/** The message of a failed attempt; `text` is the guest's, or the reason in short. */
export function failure(
  error: ErrorType,
  task: string,
  policy: TaskPolicy,
  lowered: ReadonlySet<keyof TaskPolicy>,
  text: string,
): string {
  switch (error) {
    case "out_of_fuel":
      return `"${task}" used up its ${grouped(policy.fuel)} units of fuel; ${raise("compute", "max_compute", lowered.has("fuel"))}`;
    case "out_of_memory":
      return policy.ram === null
        ? `"${task}" ran out of memory\n${text}`
        : `"${task}" needs more than its \`ram\` of ${grouped(policy.ram)} bytes${lowered.has("ram") ? ", which is what `max_ram` of the policy leaves of it" : ""}\n${text}`;
    default:
      return text;
  }
}
