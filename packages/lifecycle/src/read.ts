import { statSync } from "node:fs";
import type { DatabaseSync, SQLOutputValue, StatementSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { isAlive, thisHost } from "./host.ts";
import { BUSY_MS, KEPT, type RunRow, type TaskRow } from "./records.ts";
import { pragma, readRun, readTask } from "./schema.ts";
import { checkOurs, loadSqlite, problemOf, refuseOddFiles } from "./sqlite.ts";
import { databaseFile } from "./words.ts";

export type { Problem } from "./messages.ts";
export * from "./records.ts";
export { databaseFile } from "./words.ts";

/** A run, and what only its row knows. */
export interface StoredRun extends RunRow {
  readonly pid: number;
  /** The machine's name. */
  readonly host: string;
  /** When its process last said that it is there. */
  readonly aliveAt: number;
  /** Whether the rows of its tasks were deleted to make room. */
  readonly forgotten: boolean;
}

/** The record of a project, open for reading. What SQLite throws of a damaged file comes through: see `readProblem`. */
export interface RunReader {
  /** The newest runs, newest first. */
  runs(limit: number): readonly StoredRun[];
  /** Runs whose id begins so, the newest first, at most eleven. */
  find(prefix: string): readonly StoredRun[];
  run(id: string): StoredRun | null;
  /** All task executions in the order of being queued. */
  tasks(id: string): IterableIterator<TaskRow>;
  /** Those after `seq`, in that order. */
  tasksAfter(id: string, seq: number): IterableIterator<TaskRow>;
  task(id: string, seq: number): TaskRow | null;
  /** At most `limit` executions that failed or are under way, then others, each in the order of being queued. */
  notable(id: string, limit: number): readonly TaskRow[];
  /** A number that differs when another process has written. */
  version(): number;
  close(): void;
}

/** @returns null when nothing was ever recorded there. @throws what `readProblem` explains */
export function openReader(root: string): RunReader | null {
  const file = databaseFile(root);
  refuseOddFiles(file);
  const stat = statSync(file, { throwIfNoEntry: false });
  if (!stat || stat.size === 0) return null;
  const database = open(file);
  try {
    return checkOurs(database) === "empty" ? closed(database) : reader(database);
  } catch (error) {
    database.close();
    throw error;
  }
}

function closed(database: DatabaseSync): null {
  database.close();
  return null;
}

function open(file: string): DatabaseSync {
  const { DatabaseSync } = loadSqlite();
  const options = { readOnly: true, allowExtension: false, timeout: BUSY_MS };
  const database = new DatabaseSync(file, options);
  try {
    pragma(database, "schema_version");
    return database;
  } catch (error) {
    database.close();
    // The index of the log can't be made where nothing can be written. Then nobody writes, either.
    const { kind } = problemOf(error);
    if (kind === "locked" || kind === "corrupt") throw error;
    const url = pathToFileURL(file);
    url.searchParams.set("immutable", "1");
    return new DatabaseSync(url, options);
  }
}

const RUN = "SELECT * FROM runs";
const TASKS = "SELECT tasks.* FROM tasks WHERE run = (SELECT seq FROM runs WHERE id = ?)";
const OPEN = "('running', 'waiting', 'queued')";
const NOTABLE = `(tasks.state = 'failed' OR tasks.state IN ${OPEN})`;

function reader(database: DatabaseSync): RunReader {
  const prepared = new Map<string, StatementSync>();
  const query = (sql: string): StatementSync => {
    const known = prepared.get(sql) ?? database.prepare(sql);
    prepared.set(sql, known);
    return known;
  };
  const here = thisHost();
  const stored = (columns: Columns): StoredRun => storedRun(columns, here);
  const tasks = function* (sql: string, ...values: (string | number)[]): IterableIterator<TaskRow> {
    for (const columns of query(sql).iterate(...values)) yield readTask(columns);
  };
  return {
    runs: (limit) => query(`${RUN} ORDER BY queued_at DESC, seq DESC LIMIT ?`).all(limit).map(stored),
    find: (prefix) =>
      query(`${RUN} WHERE substr(id, 1, ?) = ? ORDER BY queued_at DESC, seq DESC LIMIT 11`)
        .all(prefix.length, prefix)
        .map(stored),
    run: (id) => {
      const columns = query(`${RUN} WHERE id = ?`).get(id);
      return columns ? stored(columns) : null;
    },
    tasks: (id) => tasks(`${TASKS} ORDER BY seq`, id),
    tasksAfter: (id, seq) => tasks(`${TASKS} AND seq > ? ORDER BY seq LIMIT ${KEPT.tasksOfRun}`, id, seq),
    task: (id, seq) => {
      const columns = query(`${TASKS} AND seq = ?`).get(id, seq);
      return columns ? readTask(columns) : null;
    },
    notable: (id, limit) => {
      const first = [...tasks(`${TASKS} AND ${NOTABLE} ORDER BY seq LIMIT ?`, id, limit)];
      const rest = [...tasks(`${TASKS} AND NOT ${NOTABLE} ORDER BY seq LIMIT ?`, id, limit - first.length)];
      return [...first, ...rest];
    },
    version: () => pragma(database, "data_version"),
    close: () => database.close(),
  };
}

type Columns = Readonly<Record<string, SQLOutputValue>>;

function storedRun(columns: Columns, here: string): StoredRun {
  const run = readRun(columns);
  const host = String(columns.host);
  const pid = Number(columns.pid);
  const born = columns.born === null ? null : Number(columns.born);
  const aliveAt = Number(columns.alive_at);
  const lost = run.state === "running" && !isAlive({ host, pid, born }, aliveAt, Date.now(), here);
  return {
    ...run,
    state: lost ? "lost" : run.state,
    endedAt: run.state === "lost" ? null : run.endedAt,
    pid,
    host: host.split(" ", 1)[0] ?? "",
    aliveAt,
    forgotten: Number(columns.forgotten) === 1,
  };
}

/** Why a record, named `file`, can't be read, and what to do; null for an error that is not about the file. */
export function readProblem(file: string, error: unknown): string | null {
  const { errcode } = error as { errcode?: number };
  if (!(error instanceof Error) || (errcode === undefined && error.name !== "Unusable" && !("code" in error)))
    return null;
  const problem = problemOf(error);
  switch (problem.kind) {
    case "locked":
      return `${file} is locked by another process; try again when it has finished`;
    case "corrupt":
      return `${file} is damaged (${problem.reason}); to begin a new record, move it away together with runs.db-wal and runs.db-shm`;
    case "foreign":
      return `${file} ${problem.reason}; to begin a record, move it away`;
    case "unwritable":
      return `${file} can't be read (${problem.code})`;
    case "other":
      return `${file} can't be read (${problem.reason})`;
  }
}
