/** What one run may use, all its tasks together; null: unlimited. */
export interface BudgetLimits {
  /** Attempts of task executions, `main` and retries included. */
  readonly tasks: number | null;
  /** Units of fuel. */
  readonly runFuel: number | null;
  /** Milliseconds of wall time. */
  readonly runTimeoutMs: number | null;
}

export const UNLIMITED: BudgetLimits = { tasks: null, runFuel: null, runTimeoutMs: null };

/**
 * What a run has used of what it may. Without attempts left, no more start and the run goes on; without fuel or time left
 * it ends. Fuel is counted as the host hears of it, a little late, and no attempt gets more than was left when it began.
 */
export interface Budget {
  readonly limits: BudgetLimits;
  attempts: number;
  fuel: number;
  /** Why the run has to end. */
  over: "runFuel" | "runTimeoutMs" | null;
}

export const createBudget = (limits: BudgetLimits): Budget => ({ limits, attempts: 0, fuel: 0, over: null });

/** What keeps another attempt from starting, if anything does. */
export function usedUp({ limits, attempts, over }: Budget): keyof BudgetLimits | null {
  if (over !== null) return over;
  return limits.tasks !== null && attempts >= limits.tasks ? "tasks" : null;
}

/** Counts an attempt that starts. */
export function takeAttempt(budget: Budget): void {
  budget.attempts++;
}

/** Units of fuel for an attempt that may have `wanted`. */
export const fuelFor = ({ limits, fuel }: Budget, wanted: number): number =>
  limits.runFuel === null ? wanted : Math.max(1, Math.min(wanted, limits.runFuel - fuel));

/** Counts what an attempt has used. */
export function spend(budget: Budget, fuel: number): void {
  budget.fuel += fuel;
  const { runFuel } = budget.limits;
  if (runFuel !== null && budget.fuel >= runFuel) budget.over ??= "runFuel";
}

/** The time of the run is up. */
export function timeUp(budget: Budget): void {
  budget.over ??= "runTimeoutMs";
}
