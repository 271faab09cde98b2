import type { RunEvent } from "@capsule-run/runtime";

/** What watches the loops of a run. */
export interface Lateness {
  readonly onEvent: (event: RunEvent) => void;
  /** Milliseconds beyond its timeout after which each loop ended, by the host's clock. */
  readonly late: readonly number[];
}

/** Watches the executions of `spin`, whose attempts have a timeout of so many milliseconds. */
export function watchLateness(timeoutMs: number): Lateness {
  const started = new Map<string, number>();
  const late: number[] = [];
  const onEvent = ({ type, path, task }: RunEvent): void => {
    if (task !== "spin") return;
    if (type === "attempt_started") started.set(path, performance.now());
    if (type === "task_ended") late.push(performance.now() - (started.get(path) ?? Number.NaN) - timeoutMs);
  };
  return { onEvent, late };
}
