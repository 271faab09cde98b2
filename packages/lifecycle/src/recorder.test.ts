import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Envelope } from "@capsule-run/protocol";
import {
  databaseFile,
  KEPT,
  type Kept,
  type Problem,
  problemText,
  Recorder,
  type RunRecord,
} from "./index.ts";
import { openReader, type RunReader, readProblem } from "./read.ts";

const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
function project(): string {
  const folder = mkdtempSync(join(tmpdir(), "capsule-record-"));
  folders.push(folder);
  return folder;
}

const script = new URL("writer.ts", import.meta.url);

interface Recording {
  readonly recorder: Recorder;
  readonly problems: { readonly root: string; readonly problem: Problem }[];
}

function record(kept: Partial<Kept> = {}, other = script): Recording {
  const problems: Recording["problems"] = [];
  const onProblem = (root: string, problem: Problem): void => void problems.push({ root, problem });
  return { recorder: new Recorder({ script: other, onProblem, kept }), problems };
}

const execution = (task: string) => ({
  task_name: task,
  duration_ms: 7,
  retries: 0,
  fuel_consumed: 100,
  ram_used: 1000,
  host_requests: [],
});
const succeeded = (task = "main"): Envelope => ({
  success: true,
  resultJson: "1",
  execution: execution(task),
});
const failed = (message = "boom", task = "main"): Envelope => ({
  success: false,
  error: { error_type: "task_error", message },
  execution: execution(task),
});

const begin = (recorder: Recorder, root: string, id: string): RunRecord | null =>
  recorder.begin(root, {
    ...{ id, file: "main.ts", entry: "main", language: "javascript", artifact: "abc" },
    queuedAt: Date.now(),
  });

/** A run of `main` with children, from its beginning to its end. */
function wholeRun(recorder: Recorder, root: string, id: string, children = 0): void {
  const run = begin(recorder, root, id);
  run?.event({ type: "task_queued", path: "0", task: "main" });
  run?.event({ type: "attempt_started", path: "0", task: "main" });
  for (let i = 1; i <= children; i++) {
    run?.event({ type: "task_queued", path: `0.${i}`, task: "child" });
    run?.event({ type: "attempt_started", path: `0.${i}`, task: "child" });
    run?.event({ type: "task_ended", path: `0.${i}`, task: "child", envelope: succeeded("child") });
  }
  run?.event({ type: "task_ended", path: "0", task: "main", envelope: succeeded() });
  run?.end(succeeded());
}

function read<T>(root: string, question: (reader: RunReader) => T): T {
  const reader = openReader(root);
  assert.ok(reader, "nothing was recorded");
  try {
    return question(reader);
  } finally {
    reader.close();
  }
}

async function until(what: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !what(); i++) await sleep(20);
  assert.ok(what());
}

const recorded = (root: string): number => openRuns(root).length;
function openRuns(root: string) {
  const reader = openReader(root);
  const runs = reader?.runs(1e6) ?? [];
  reader?.close();
  return runs;
}

test("a run that is over at once is on disk when the recorder is closed", async () => {
  const root = project();
  const { recorder, problems } = record();
  wholeRun(recorder, root, "a", 3);
  await recorder.close();
  assert.deepEqual(problems, []);
  read(root, (reader) => {
    const [run] = reader.runs(10);
    assert.equal(run?.state, "succeeded");
    assert.deepEqual([run?.tasks, run?.failed, run?.fuel, run?.ram], [4, 0, 400, 1000]);
    const tasks = [...reader.tasks("a")];
    assert.deepEqual(
      tasks.map(({ seq, parent, path, state, attempts }) => [seq, parent, path, state, attempts]),
      [
        [1, 0, "0", "succeeded", 1],
        [2, 1, "0.1", "succeeded", 1],
        [3, 1, "0.2", "succeeded", 1],
        [4, 1, "0.3", "succeeded", 1],
      ],
    );
    assert.equal(tasks[0]?.children, 3);
  });
  assert.equal(statSync(databaseFile(root)).mode & 0o777, 0o600);
  assert.equal(readFileSync(join(root, ".capsule/.gitignore"), "utf8"), "*\n");
});

test("a run that goes on can be read meanwhile, each state of a task in turn", async () => {
  const root = project();
  const { recorder } = record();
  const run = begin(recorder, root, "a") as RunRecord;
  const state = (): string | undefined => {
    const reader = openReader(root);
    const found = reader?.task("a", 1)?.state;
    reader?.close();
    return found;
  };
  run.event({ type: "task_queued", path: "0", task: "main" });
  await until(() => state() === "queued");
  assert.equal(openRuns(root)[0]?.state, "running");
  run.event({ type: "attempt_started", path: "0", task: "main" });
  await until(() => state() === "running");
  run.event({ type: "attempt_failed", path: "0", task: "main", error: "task_error", message: "boom" });
  await until(() => state() === "waiting");
  run.event({ type: "attempt_started", path: "0", task: "main" });
  // The same path again, by another attempt of the caller: an execution of its own.
  for (let i = 0; i < 2; i++) {
    run.event({ type: "task_queued", path: "0.1", task: "child" });
    run.event({ type: "task_ended", path: "0.1", task: "child", envelope: failed("no", "child") });
  }
  run.event({ type: "task_ended", path: "0", task: "main", envelope: failed("x".repeat(10_000)) });
  run.end(failed("x".repeat(10_000)));
  await recorder.close();
  read(root, (reader) => {
    const stored = reader.run("a");
    assert.deepEqual([stored?.state, stored?.error, stored?.failed], ["failed", "task_error", 3]);
    assert.equal(stored?.message?.length, KEPT.runMessage);
    const tasks = [...reader.tasks("a")];
    assert.deepEqual(
      tasks.map(({ path, parentAttempt }) => [path, parentAttempt]),
      [
        ["0", 0],
        ["0.1", 2],
        ["0.1", 2],
      ],
    );
    assert.equal(tasks[0]?.attempts, 2);
    assert.equal(tasks[0]?.message?.length, KEPT.taskMessage);
    assert.deepEqual(reader.notable("a", 1)[0]?.path, "0");
  });
});

test("the newest finished runs are kept, and tasks of the newest", async () => {
  const root = project();
  const { recorder, problems } = record({ runs: 5, tasks: 12 });
  for (let i = 0; i < 9; i++) {
    wholeRun(recorder, root, `run-${i}`, 3);
    await sleep(2);
  }
  const open = begin(recorder, root, "open");
  open?.event({ type: "task_queued", path: "0", task: "main" });
  await recorder.close();
  assert.deepEqual(problems, []);
  read(root, (reader) => {
    const runs = reader.runs(100);
    assert.deepEqual(
      runs.map(({ id }) => id),
      ["open", "run-8", "run-7", "run-6", "run-5", "run-4"],
    );
    // Twelve rows are three runs of four.
    assert.deepEqual(
      runs.map(({ id, forgotten }) => [[...reader.tasks(id)].length, forgotten]),
      [
        [1, false],
        [4, false],
        [4, false],
        [4, false],
        [0, true],
        [0, true],
      ],
    );
  });
});

test("of 10,050 finished runs 10,000 are kept", async () => {
  const root = project();
  const first = record();
  wholeRun(first.recorder, root, "first");
  await first.recorder.close();
  const database = new DatabaseSync(databaseFile(root));
  database.exec(`
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10049)
    INSERT INTO runs SELECT NULL, 'old-' || i, file, entry, language, artifact, state, i, i, i, error, message, fuel,
      ram, tasks, failed, dropped, 0, 0, writer, host, pid, born, alive_at FROM runs, n`);
  database.close();
  assert.equal(recorded(root), 10_050);
  const second = record();
  wholeRun(second.recorder, root, "last");
  await second.recorder.close();
  const ids = openRuns(root).map(({ id }) => id);
  assert.equal(ids.length, 10_000);
  assert.deepEqual([ids[0], ids[1], ids[2], ids.at(-1)], ["last", "first", "old-10049", "old-52"]);
});

test("a run takes the place of an earlier one of the same name, with all it had", async () => {
  const root = project();
  for (const children of [3, 0]) {
    const { recorder, problems } = record();
    wholeRun(recorder, root, "named", children);
    wholeRun(recorder, root, `other-${children}`);
    await recorder.close();
    assert.deepEqual(problems, []);
    await sleep(2);
  }
  assert.deepEqual(
    openRuns(root)
      .map(({ id }) => id)
      .sort(),
    ["named", "other-0", "other-3"],
  );
  const database = new DatabaseSync(databaseFile(root));
  assert.deepEqual({ ...database.prepare("SELECT count(*) AS n FROM tasks").get() }, { n: 3 });
  database.close();
});

test("runs that were lost long ago count as finished", async () => {
  const root = project();
  const first = record();
  begin(first.recorder, root, "lost");
  await first.recorder.close();
  const database = new DatabaseSync(databaseFile(root));
  database.exec("UPDATE runs SET alive_at = 1000, host = 'elsewhere'");
  database.close();
  assert.equal(openRuns(root)[0]?.state, "lost");
  const second = record({ runs: 1 });
  wholeRun(second.recorder, root, "new");
  await second.recorder.close();
  assert.deepEqual(
    openRuns(root).map(({ id }) => id),
    ["new"],
  );
});

test("a backlog is bounded: new tasks are counted, known ones get their end", async () => {
  const root = project();
  const { recorder } = record({ backlog: 10 });
  wholeRun(recorder, root, "a", 100);
  await recorder.close();
  read(root, (reader) => {
    const run = reader.run("a");
    assert.deepEqual([run?.state, run?.tasks, run?.dropped], ["succeeded", 101, 91]);
    const states = [...reader.tasks("a")].map(({ state }) => state);
    assert.deepEqual(states, Array(10).fill("succeeded"));
  });
});

/** What is reported when runs are recorded, at the end and while they go on. */
async function problemsOf(root: string): Promise<Problem[]> {
  const short = record();
  wholeRun(short.recorder, root, "short");
  await short.recorder.close();
  const long = record();
  const run = begin(long.recorder, root, "long");
  await until(() => long.problems.length > 0);
  run?.end(succeeded());
  assert.equal(begin(long.recorder, root, "next"), null);
  await long.recorder.close();
  assert.deepEqual(short.problems, long.problems);
  return short.problems.map(({ problem }) => problem);
}

/** What a reader says of it. */
function readingFails(root: string): string {
  try {
    openReader(root)?.runs(1);
  } catch (error) {
    return readProblem(databaseFile(root), error) ?? String(error);
  }
  return "";
}

const inProject = (make: (file: string) => void): string => {
  const root = project();
  mkdirSync(join(root, ".capsule"));
  make(databaseFile(root));
  return root;
};

test("whatever else is in the place of the record is reported once and left as it is", async () => {
  const cases: readonly (readonly [string, Problem["kind"], RegExp, (file: string) => void])[] = [
    [
      "text",
      "corrupt",
      /is damaged .*move it away/,
      (file) => writeFileSync(file, "no database\n".repeat(100)),
    ],
    ["a folder", "foreign", /is a folder.*move it away/, (file) => mkdirSync(file)],
    ["a link", "foreign", /is a symbolic link/, (file) => symlinkSync("/etc/hostname", file)],
    ["a dangling link", "foreign", /is a symbolic link/, (file) => symlinkSync("/nowhere/x", file)],
    ["a pipe", "foreign", /is no plain file/, (file) => void execFileSync("mkfifo", [file])],
    [
      "another database",
      "foreign",
      /is a database of something else/,
      (file) => {
        const other = new DatabaseSync(file);
        other.exec("CREATE TABLE t(x)");
        other.close();
      },
    ],
    [
      "another version",
      "foreign",
      /is of another version of Capsule/,
      (file) => {
        const other = new DatabaseSync(file);
        other.exec("PRAGMA application_id = 0x43617073; PRAGMA user_version = 99");
        other.close();
      },
    ],
    [
      "other tables",
      "corrupt",
      /is damaged/,
      (file) => {
        const other = new DatabaseSync(file);
        other.exec("PRAGMA application_id = 0x43617073; PRAGMA user_version = 1; CREATE TABLE runs(x)");
        other.close();
      },
    ],
  ];
  for (const [name, kind, text, make] of cases) {
    const root = inProject(make);
    const problems = await problemsOf(root);
    assert.deepEqual(
      problems.map((problem) => problem.kind),
      [kind],
      name,
    );
    assert.match(problemText(root, problems[0] as Problem), text, name);
    assert.match(readingFails(root), text, name);
  }
});

test("a damaged page is reported", async () => {
  const root = project();
  const { recorder } = record();
  wholeRun(recorder, root, "a", 50);
  await recorder.close();
  const file = databaseFile(root);
  const bytes = readFileSync(file);
  bytes.fill(0x55, 4096);
  writeFileSync(file, bytes);
  assert.deepEqual(
    (await problemsOf(root)).map(({ kind }) => kind),
    ["corrupt"],
  );
  assert.match(readingFails(root), /is damaged/);
});

test("a database that another process keeps locked is given up after a while", async () => {
  const root = project();
  const first = record();
  wholeRun(first.recorder, root, "first");
  await first.recorder.close();
  const lock = new DatabaseSync(databaseFile(root));
  lock.exec("BEGIN IMMEDIATE");
  assert.deepEqual(
    (await problemsOf(root)).map(({ kind }) => kind),
    ["locked"],
  );
  lock.exec("ROLLBACK");
  lock.close();
  assert.equal(recorded(root), 1);
});

test("a lock that is gone in time costs nothing but time", async () => {
  const root = project();
  const first = record();
  wholeRun(first.recorder, root, "first");
  await first.recorder.close();
  const lock = new DatabaseSync(databaseFile(root));
  lock.exec("BEGIN IMMEDIATE");
  setTimeout(() => lock.close(), 600);
  const second = record();
  wholeRun(second.recorder, root, "second");
  await second.recorder.close();
  assert.deepEqual(second.problems, []);
  assert.equal(recorded(root), 2);
});

test("a record that is deleted meanwhile is made anew", async () => {
  const root = project();
  const { recorder, problems } = record();
  const run = begin(recorder, root, "a");
  await until(() => recorded(root) === 1);
  rmSync(dirname(databaseFile(root)), { recursive: true });
  run?.event({ type: "task_queued", path: "0", task: "main" });
  run?.end(succeeded());
  await recorder.close();
  assert.deepEqual(problems, []);
  assert.equal(openRuns(root)[0]?.state, "succeeded");
});

test("a thread that can't start or that dies is reported once, and closing goes on", async () => {
  const root = project();
  for (const text of [
    "process.exit(3)",
    "throw new Error('out of order')",
    "setTimeout(() => process.exit(0), 50)",
  ]) {
    const other = join(root, "writer.mjs");
    writeFileSync(other, text);
    const { recorder, problems } = record({}, new URL(`file://${other}`));
    const run = begin(recorder, root, "a");
    await until(() => problems.length > 0);
    run?.end(succeeded());
    await recorder.close();
    assert.equal(problems.length, 1, text);
    assert.equal(problems[0]?.problem.kind, "other");
  }
});

test("nothing was recorded", () => {
  assert.equal(openReader(project()), null);
  assert.equal(openReader(inProject((file) => writeFileSync(file, ""))), null);
});

test("calls of tools are rows below who called them, and no tasks of the run", async () => {
  const root = project();
  const { recorder } = record();
  const run = begin(recorder, root, "a");
  run?.event({ type: "task_queued", path: "0", task: "main" });
  run?.event({ type: "attempt_started", path: "0", task: "main" });
  const errors = [
    null,
    { type: "NotFound", message: "x".repeat(1000) },
    { type: "Cancelled", message: "given up" },
  ];
  for (const [i, error] of errors.entries()) {
    const at = { path: `0.${i + 1}`, task: "main", tool: "search" };
    run?.event({ type: "tool_called", ...at });
    run?.event({ type: "tool_ended", ...at, durationMs: 12, error });
  }
  run?.event({ type: "tool_called", path: "0.4", task: "main", tool: "y".repeat(5000) });
  run?.event({ type: "task_ended", path: "0", task: "main", envelope: succeeded() });
  run?.end(succeeded());
  await recorder.close();
  read(root, (reader) => {
    const [stored] = reader.runs(1);
    assert.deepEqual([stored?.tasks, stored?.failed, stored?.dropped], [1, 0, 0]);
    const [main, ...tools] = [...reader.tasks("a")];
    assert.deepEqual([main?.kind, main?.children], ["task", 4]);
    assert.deepEqual(
      tools.map((row) => [row.kind, row.parent, row.task.length, row.state, row.ms, row.error]),
      [
        ["tool", 1, 6, "succeeded", 12, null],
        ["tool", 1, 6, "failed", 12, "NotFound"],
        ["tool", 1, 6, "cancelled", 12, "Cancelled"],
        ["tool", 1, KEPT.name, "running", 0, null],
      ],
    );
    assert.equal(tools[1]?.message?.length, KEPT.taskMessage);
  });
});

test("a record of the version before is read as it is, and brought up to date when it is written", async () => {
  const root = project();
  const first = record();
  wholeRun(first.recorder, root, "old", 1);
  await first.recorder.close();
  const database = new DatabaseSync(databaseFile(root));
  database.exec("ALTER TABLE tasks DROP COLUMN kind; PRAGMA user_version = 1");
  database.close();
  const kinds = (id: string) => read(root, (reader) => [...reader.tasks(id)].map(({ kind }) => kind));
  assert.deepEqual(kinds("old"), ["task", "task"]);
  const second = record();
  wholeRun(second.recorder, root, "new", 0);
  await second.recorder.close();
  assert.deepEqual([...first.problems, ...second.problems], []);
  assert.deepEqual([kinds("old"), kinds("new")], [["task", "task"], ["task"]]);
});
