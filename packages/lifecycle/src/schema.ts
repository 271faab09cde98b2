import type { DatabaseSync, SQLInputValue, SQLOutputValue } from "node:sqlite";
import type { ErrorType } from "@capsule-run/protocol";
import type { RunRow, RunState, TaskRow, TaskState } from "./records.ts";

/** Marks a database as ours: "Caps". */
export const APPLICATION = 0x43617073;
/** Raised with every change of the tables. */
export const VERSION = 2;

/** What makes the tables of an older version those of this one. Rows that are there keep what they say. */
export const UPGRADES: Readonly<Record<number, string>> = {
  1: "ALTER TABLE tasks ADD COLUMN kind TEXT NOT NULL DEFAULT 'task'; PRAGMA user_version = 2",
};

export const SCHEMA = `
  CREATE TABLE runs(
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
    file TEXT NOT NULL, entry TEXT NOT NULL, language TEXT, artifact TEXT,
    state TEXT NOT NULL, queued_at INTEGER NOT NULL, started_at INTEGER, ended_at INTEGER,
    error TEXT, message TEXT, fuel INTEGER NOT NULL, ram INTEGER NOT NULL,
    tasks INTEGER NOT NULL, failed INTEGER NOT NULL, dropped INTEGER NOT NULL,
    kept INTEGER NOT NULL, forgotten INTEGER NOT NULL,
    writer TEXT NOT NULL, host TEXT NOT NULL, pid INTEGER NOT NULL, born INTEGER, alive_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX runs_ended ON runs(ended_at, kept) WHERE ended_at IS NOT NULL;
  CREATE INDEX runs_open ON runs(writer) WHERE ended_at IS NULL;
  CREATE TABLE tasks(
    run INTEGER NOT NULL, seq INTEGER NOT NULL, parent INTEGER NOT NULL, parent_attempt INTEGER NOT NULL,
    path TEXT NOT NULL, task TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL,
    queued_at INTEGER NOT NULL, started_at INTEGER, ended_at INTEGER,
    ms REAL NOT NULL, fuel INTEGER NOT NULL, ram INTEGER NOT NULL, error TEXT, message TEXT,
    children INTEGER NOT NULL, kind TEXT NOT NULL DEFAULT 'task',
    PRIMARY KEY(run, seq)
  ) STRICT, WITHOUT ROWID;
  PRAGMA application_id = ${APPLICATION};
  PRAGMA user_version = ${VERSION};
`;

/** Columns of `runs` that come from a `RunRow`, in the order of `runValues`. */
export const RUN_COLUMNS = [
  ...["id", "file", "entry", "language", "artifact", "state", "queued_at", "started_at", "ended_at"],
  ...["error", "message", "fuel", "ram", "tasks", "failed", "dropped"],
] as const;

export const runValues = (row: RunRow): SQLInputValue[] => [
  ...[row.id, row.file, row.entry, row.language, row.artifact, row.state],
  ...[row.queuedAt, row.startedAt, row.endedAt, row.error, row.message],
  ...[row.fuel, row.ram, row.tasks, row.failed, row.dropped],
];

export const TASK_COLUMNS = [
  ...["seq", "parent", "parent_attempt", "path", "task", "state", "attempts", "queued_at", "started_at"],
  ...["ended_at", "ms", "fuel", "ram", "error", "message", "children", "kind"],
] as const;

export const taskValues = (row: TaskRow): SQLInputValue[] => [
  ...[row.seq, row.parent, row.parentAttempt, row.path, row.task, row.state, row.attempts],
  ...[row.queuedAt, row.startedAt, row.endedAt, row.ms, row.fuel, row.ram],
  ...[row.error, row.message, row.children, row.kind],
];

type Columns = Readonly<Record<string, SQLOutputValue>>;

const number = (value: SQLOutputValue | undefined): number => Number(value ?? 0);
const numberOrNull = (value: SQLOutputValue | undefined): number | null =>
  value === null || value === undefined ? null : Number(value);
const textOrNull = (value: SQLOutputValue | undefined): string | null =>
  typeof value === "string" ? value : null;
const text = (value: SQLOutputValue | undefined): string => textOrNull(value) ?? "";

/** The database may have been written by anybody: words are shown as they are, and never acted on. */
export const readRun = (columns: Columns): RunRow => ({
  id: text(columns.id),
  file: text(columns.file),
  entry: text(columns.entry),
  language: textOrNull(columns.language),
  artifact: textOrNull(columns.artifact),
  state: text(columns.state) as RunState,
  queuedAt: number(columns.queued_at),
  startedAt: numberOrNull(columns.started_at),
  endedAt: numberOrNull(columns.ended_at),
  error: textOrNull(columns.error) as ErrorType | null,
  message: textOrNull(columns.message),
  fuel: number(columns.fuel),
  ram: number(columns.ram),
  tasks: number(columns.tasks),
  failed: number(columns.failed),
  dropped: number(columns.dropped),
});

export const readTask = (columns: Columns): TaskRow => ({
  seq: number(columns.seq),
  parent: number(columns.parent),
  parentAttempt: number(columns.parent_attempt),
  path: text(columns.path),
  task: text(columns.task),
  state: text(columns.state) as TaskState,
  attempts: number(columns.attempts),
  queuedAt: number(columns.queued_at),
  startedAt: numberOrNull(columns.started_at),
  endedAt: numberOrNull(columns.ended_at),
  ms: number(columns.ms),
  fuel: number(columns.fuel),
  ram: number(columns.ram),
  error: textOrNull(columns.error),
  message: textOrNull(columns.message),
  children: number(columns.children),
  kind: columns.kind === "tool" ? "tool" : "task",
});

/** A number that a pragma gives. */
export const pragma = (database: DatabaseSync, name: string): number =>
  Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? { none: 0 })[0]);
