import type { ErrorType } from "@capsule-run/protocol";

/** What is kept of runs and of the task executions in them. All times are milliseconds since 1970. */

const RUN_STATES = ["running", "succeeded", "failed", "cancelled", "lost"] as const;

/** `lost`: it did not end, and the process that ran it is gone. */
export type RunState = (typeof RUN_STATES)[number];

const TASK_STATES = ["queued", "running", "waiting", "succeeded", "failed", "cancelled"] as const;

/** `waiting`: an attempt failed, the pause before the next one is on. */
export type TaskState = (typeof TASK_STATES)[number];

export interface RunRow {
  readonly id: string;
  /** The program's file, relative to the project root if it is in there. */
  readonly file: string;
  /** The task that the run began with. */
  readonly entry: string;
  /** This, and the key of the artifact: null for a run that was cancelled before it was compiled. */
  readonly language: string | null;
  readonly artifact: string | null;
  readonly state: RunState;
  readonly queuedAt: number;
  /** When its first attempt started. */
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly error: ErrorType | null;
  readonly message: string | null;
  /** Units of fuel of all its task executions that have ended. */
  readonly fuel: number;
  /** Peak bytes of the largest of its sandboxes. */
  readonly ram: number;
  /** Task executions, those that have failed, and those of which there is no row. */
  readonly tasks: number;
  readonly failed: number;
  readonly dropped: number;
}

export interface TaskRow {
  /** Its number in the run, from 1 in the order of being queued. */
  readonly seq: number;
  /** The `seq` of the execution that called it; 0 for the first one, or where that has no row. */
  readonly parent: number;
  /** The attempt of its parent that called it, from 1. */
  readonly parentAttempt: number;
  /** `0` for the entry, `0.3` for the third call it made. Attempts of one parent use the same paths again. */
  readonly path: string;
  /** Its name, or that of the tool. */
  readonly task: string;
  readonly state: TaskState;
  /** Attempts that have started. */
  readonly attempts: number;
  readonly queuedAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  /** Milliseconds in sandboxes, all attempts together. */
  readonly ms: number;
  readonly fuel: number;
  readonly ram: number;
  /** Of the last attempt that failed; an `ErrorType`, or the `type` of a tool's failure. */
  readonly error: string | null;
  readonly message: string | null;
  /** Executions and tools it has called and that have rows. */
  readonly children: number;
  /** `tool`: a call of a tool of the host, which has no attempts, fuel or memory of its own. */
  readonly kind: "task" | "tool";
}

/** What bounds the table; each is in `docs/limits.md`. */
export const KEPT = {
  /** Finished runs. */
  runs: 10_000,
  /** Task executions of all finished runs: beyond it those of the oldest run go first. */
  tasks: 1_000_000,
  /** Bytes of the file that are in use: beyond it tasks of the oldest runs go, as above. */
  bytes: 1024 ** 3,
  /** Task executions of one run; more are counted. */
  tasksOfRun: 100_000,
  /** Changes that may wait for the disk; beyond it new task executions are counted only. */
  backlog: 50_000,
  /** Characters of a run's message, and of a task's. */
  runMessage: 4096,
  taskMessage: 300,
  /** Characters of a file's or a task's name. */
  name: 1024,
  /** How old a lost run may get before it counts as finished. */
  lostMs: 24 * 60 * 60 * 1000,
} as const;

/** How long a writer or a reader waits for another process that writes, in milliseconds. */
export const BUSY_MS = 2000;

export type Kept = { readonly [name in keyof typeof KEPT]: number };
