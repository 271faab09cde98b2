import { closeSync, mkdirSync, openSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type HostProcess, thisProcess } from "./host.ts";
import type { Batch } from "./messages.ts";
import type { Kept } from "./records.ts";
import { pragma, RUN_COLUMNS, runValues, SCHEMA, TASK_COLUMNS, taskValues, UPGRADES } from "./schema.ts";
import { checkOurs, loadSqlite, refuseOddFiles } from "./sqlite.ts";
import { databaseFile } from "./words.ts";

/** Rows that are deleted in one transaction, so that nobody waits long for it. */
const CHUNK = 5000;
/** Pages that are given back to the file system in one. */
const PAGES = 2000;

const marks = (columns: readonly string[]): string => columns.map(() => "?").join(", ");

const PUT_RUN = `
  INSERT INTO runs(${RUN_COLUMNS.join(", ")}, kept, forgotten, writer, host, pid, born, alive_at)
  VALUES (${marks(RUN_COLUMNS)}, 0, 0, ?, ?, ?, ?, ?)
  ON CONFLICT(id) DO UPDATE SET alive_at = excluded.alive_at,
    ${RUN_COLUMNS.filter((name) => name !== "id")
      .map((name) => `${name} = excluded.${name}`)
      .join(", ")}`;
/** An earlier run that had the same name, which a caller may give; its rows of `tasks` before it. */
const FORGET_TASKS = "DELETE FROM tasks WHERE run = (SELECT seq FROM runs WHERE id = ? AND queued_at <> ?)";
const FORGET_RUN = "DELETE FROM runs WHERE id = ? AND queued_at <> ?";
const PUT_TASK = `
  INSERT OR REPLACE INTO tasks(run, ${TASK_COLUMNS.join(", ")})
  SELECT seq, ${marks(TASK_COLUMNS)} FROM runs WHERE id = ?`;
const COUNT_ROWS = `
  UPDATE runs SET kept = coalesce((SELECT max(tasks.seq) FROM tasks WHERE tasks.run = runs.seq), 0) WHERE id = ?`;
const COUNTS = "SELECT count(*) AS runs, total(kept) AS tasks FROM runs WHERE ended_at IS NOT NULL";
const LONG_LOST = "ended_at IS NULL AND alive_at < ?";
const OLDEST = `
  SELECT seq, kept FROM runs WHERE ended_at IS NOT NULL ORDER BY ended_at LIMIT 1`;
const OLDEST_WITH_TASKS = `
  SELECT seq, kept FROM runs WHERE ended_at IS NOT NULL AND kept > 0 ORDER BY ended_at LIMIT 1`;

interface Statements {
  readonly forgetTasks: StatementSync;
  readonly forgetRun: StatementSync;
  readonly putRun: StatementSync;
  readonly putTask: StatementSync;
  readonly countRows: StatementSync;
  readonly alive: StatementSync;
}

/** The record of one project, open for writing. Every method throws what SQLite throws. */
export class Database {
  readonly #file: string;
  readonly #kept: Kept;
  readonly #busyMs: number;
  readonly #process: HostProcess = thisProcess();
  /** Marks the runs of this process, and of this opening of the file. */
  readonly #writer = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
  #database: DatabaseSync;
  #statements: Statements;
  /** Which file it is that is open. */
  #inode: string;

  /** @throws also `Unusable`, and errors of the file system */
  constructor(root: string, kept: Kept, busyMs: number) {
    this.#file = databaseFile(root);
    this.#kept = kept;
    this.#busyMs = busyMs;
    this.#database = open(this.#file, busyMs);
    this.#statements = prepare(this.#database);
    this.#inode = inodeOf(this.#file);
  }

  write({ runs, tasks }: Batch): void {
    this.#reopenIfGone();
    const { host, pid, born } = this.#process;
    const { forgetTasks, forgetRun, putRun, putTask, countRows } = this.#statements;
    const now = Date.now();
    transaction(this.#database, () => {
      for (const run of runs) {
        forgetTasks.run(run.id, run.queuedAt);
        forgetRun.run(run.id, run.queuedAt);
        putRun.run(...runValues(run), this.#writer, host, pid, born, now);
      }
      for (const { run, rows } of tasks) for (const row of rows) putTask.run(...taskValues(row), run);
      for (const run of runs) if (run.endedAt !== null) countRows.run(run.id);
    });
  }

  /** Says that this process is there. */
  beat(): void {
    this.#reopenIfGone();
    this.#statements.alive.run(Date.now(), this.#writer);
  }

  /** Deletes what is more than is kept. */
  prune(): void {
    const database = this.#database;
    this.#settleLost();
    const counts = database.prepare(COUNTS);
    const [oldest, oldestWithTasks] = [database.prepare(OLDEST), database.prepare(OLDEST_WITH_TASKS)];
    let deleted = false;
    for (;;) {
      const { runs, tasks } = counts.get() as { runs: number; tasks: number };
      const tooMany = runs > this.#kept.runs;
      const tooLarge = tasks > this.#kept.tasks || this.#bytes() > this.#kept.bytes;
      const victim = tooMany ? oldest.get() : tooLarge ? oldestWithTasks.get() : undefined;
      if (!victim) break;
      this.#delete(Number(victim.seq), tooMany);
      deleted = true;
    }
    if (deleted) database.exec(`PRAGMA incremental_vacuum(${PAGES})`);
  }

  close(): void {
    this.#database.close();
  }

  /** Nobody will end runs whose process has been gone for long. Asked first, because only a change locks. */
  #settleLost(): void {
    const database = this.#database;
    const before = Date.now() - this.#kept.lostMs;
    if (database.prepare(`SELECT 1 FROM runs WHERE ${LONG_LOST} LIMIT 1`).get(before))
      database.prepare(`UPDATE runs SET state = 'lost', ended_at = alive_at WHERE ${LONG_LOST}`).run(before);
  }

  #bytes(): number {
    const database = this.#database;
    return (
      (pragma(database, "page_count") - pragma(database, "freelist_count")) * pragma(database, "page_size")
    );
  }

  #delete(run: number, whole: boolean): void {
    const database = this.#database;
    const some = database.prepare(
      "DELETE FROM tasks WHERE run = ? AND seq IN (SELECT seq FROM tasks WHERE run = ? LIMIT ?)",
    );
    while (Number(some.run(run, run, CHUNK).changes) === CHUNK);
    database
      .prepare(
        whole ? "DELETE FROM runs WHERE seq = ?" : "UPDATE runs SET kept = 0, forgotten = 1 WHERE seq = ?",
      )
      .run(run);
  }

  /** Somebody deleted the file: what is written to the old one is seen by nobody. */
  #reopenIfGone(): void {
    if (inodeOf(this.#file) === this.#inode) return;
    this.#database.close();
    this.#database = open(this.#file, this.#busyMs);
    this.#statements = prepare(this.#database);
    this.#inode = inodeOf(this.#file);
  }
}

function inodeOf(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat ? `${stat.dev} ${stat.ino}` : "";
}

/** A file only for its owner, and nobody's to commit. */
function makeFile(file: string): void {
  const folder = dirname(file);
  mkdirSync(folder, { recursive: true });
  try {
    writeFileSync(join(folder, ".gitignore"), "*\n", { flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  closeSync(openSync(file, "a", 0o600));
}

function open(file: string, busyMs: number): DatabaseSync {
  refuseOddFiles(file);
  makeFile(file);
  const { DatabaseSync } = loadSqlite();
  const database = new DatabaseSync(file, {
    allowExtension: false,
    enableForeignKeyConstraints: false,
    timeout: busyMs,
  });
  try {
    const found = checkOurs(database);
    if (found === "empty") create(database, busyMs);
    else if (found === "old") upgrade(database);
    database.exec("PRAGMA synchronous = NORMAL");
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Several processes may find it empty at once. */
function create(database: DatabaseSync, busyMs: number): void {
  database.exec("PRAGMA auto_vacuum = INCREMENTAL");
  untilFree(busyMs, () => database.exec("PRAGMA journal_mode = WAL"));
  transaction(database, () => {
    if (checkOurs(database) === "empty") database.exec(SCHEMA);
  });
}

function upgrade(database: DatabaseSync): void {
  transaction(database, () => {
    while (checkOurs(database) === "old") database.exec(UPGRADES[pragma(database, "user_version")] as string);
  });
}

/** Changing the journal does not wait for others by itself. */
function untilFree(busyMs: number, work: () => void): void {
  const end = Date.now() + busyMs;
  const sleep = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    try {
      work();
      return;
    } catch (error) {
      if ((((error as { errcode?: number }).errcode ?? 0) & 0xff) !== 5 || Date.now() > end) throw error;
      Atomics.wait(sleep, 0, 0, 5);
    }
  }
}

function transaction(database: DatabaseSync, work: () => void): void {
  database.exec("BEGIN IMMEDIATE");
  try {
    work();
    database.exec("COMMIT");
  } catch (error) {
    // Some errors have rolled it back already.
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

const prepare = (database: DatabaseSync): Statements => ({
  forgetTasks: database.prepare(FORGET_TASKS),
  forgetRun: database.prepare(FORGET_RUN),
  putRun: database.prepare(PUT_RUN),
  putTask: database.prepare(PUT_TASK),
  countRows: database.prepare(COUNT_ROWS),
  alive: database.prepare("UPDATE runs SET alive_at = ? WHERE ended_at IS NULL AND writer = ?"),
});
