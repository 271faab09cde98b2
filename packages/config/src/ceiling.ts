import type { FileGrant } from "@capsule-run/protocol";
import { meetFiles } from "./files.ts";
import { meetHosts } from "./hosts.ts";

/** What no task of a run gets more of, and what the run as a whole may use; null: no ceiling. */
export interface Ceiling {
  /** Units of fuel of one attempt. */
  readonly fuel: number | null;
  /** Bytes of memory of one sandbox. */
  readonly ram: number | null;
  /** Milliseconds of one attempt. */
  readonly timeoutMs: number | null;
  readonly files: readonly FileGrant[] | null;
  readonly hosts: readonly string[] | null;
  readonly environment: readonly string[] | null;
  /** Attempts of task executions in one run, `main` included. */
  readonly tasks: number | null;
  /** Units of fuel of all attempts of one run together. */
  readonly runFuel: number | null;
  /** Milliseconds of wall time of one run. */
  readonly runTimeoutMs: number | null;
}

export const NO_CEILING: Ceiling = {
  fuel: null,
  ram: null,
  timeoutMs: null,
  files: null,
  hosts: null,
  environment: null,
  tasks: null,
  runFuel: null,
  runTimeoutMs: null,
};

/** No files, hosts or variables, whatever a program asks for: `--sealed`. */
export const SEALED: Ceiling = { ...NO_CEILING, files: [], hosts: [], environment: [] };

/** The ceiling below both: what either forbids, it forbids. */
export const intersect = (a: Ceiling, b: Ceiling): Ceiling => ({
  fuel: lower(a.fuel, b.fuel),
  ram: lower(a.ram, b.ram),
  timeoutMs: lower(a.timeoutMs, b.timeoutMs),
  files: both(a.files, b.files, meetFiles),
  hosts: both(a.hosts, b.hosts, meetHosts),
  environment: both(a.environment, b.environment, meetNames),
  tasks: lower(a.tasks, b.tasks),
  runFuel: lower(a.runFuel, b.runFuel),
  runTimeoutMs: lower(a.runTimeoutMs, b.runTimeoutMs),
});

/** The lower of two amounts; null is unlimited. */
export const lower = (a: number | null, b: number | null): number | null =>
  a === null ? b : b === null ? a : Math.min(a, b);

/** The names that are in both. */
export const meetNames = (a: readonly string[], b: readonly string[]): readonly string[] => {
  const allowed = new Set(b);
  return [...new Set(a)].filter((name) => allowed.has(name));
};

const both = <T>(
  a: readonly T[] | null,
  b: readonly T[] | null,
  meet: (a: readonly T[], b: readonly T[]) => readonly T[],
): readonly T[] | null => (a === null ? b : b === null ? a : meet(a, b));
