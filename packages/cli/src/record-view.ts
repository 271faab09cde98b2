import type { RunState, StoredRun, TaskRow, TaskState } from "@capsule-run/runtime/records";
import type { Paint, Style } from "./colour.ts";
import { bytes, duration, oneLine, plural, thousands, toolName } from "./format.ts";

/** How runs and task executions from the record are shown. All words in them may be a guest's. */

const STYLES: Readonly<Record<RunState | TaskState, Style | null>> = {
  queued: "dim",
  running: "bold",
  waiting: "yellow",
  succeeded: "green",
  failed: "red",
  cancelled: "yellow",
  lost: "red",
};

/** A state in its colour. A record that another program wrote may hold anything. */
function stateWord(state: RunState | TaskState, paint: Paint, width = 0): string {
  const word = oneLine(state, 20).padEnd(width);
  const style = Object.hasOwn(STYLES, state) ? STYLES[state] : null;
  return style ? paint(style, word) : word;
}

/** Characters of an id that are shown in the list: enough to tell 10,000 apart. */
const SHORT_ID = 8;

/** `2026-11-25 09:14:27`, in local time. Made by hand: the first use of `Intl` takes longer than the rest. */
function localTime(ms: number): string {
  const at = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join("-");
  return `${day} ${[at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(":")}`;
}

const iso = (ms: number | null): string | null => {
  const at = new Date(ms ?? Number.NaN);
  return Number.isNaN(at.getTime()) ? null : at.toISOString();
};

/** From being asked for to the end, or to the last sign of life. */
function runMs(run: StoredRun, now: number): number {
  const until = run.endedAt ?? (run.state === "lost" ? run.aliveAt : now);
  return Math.max(0, until - run.queuedAt);
}

/** What `--json` says of a run. */
export const runJson = (run: StoredRun): object => ({
  id: run.id,
  state: run.state,
  file: run.file,
  task: run.entry,
  language: run.language,
  artifact: run.artifact,
  queued_at: iso(run.queuedAt),
  started_at: iso(run.startedAt),
  ended_at: iso(run.endedAt),
  duration_ms: run.endedAt === null ? null : runMs(run, 0),
  error_type: run.error,
  message: run.message,
  fuel_consumed: run.fuel,
  ram_used: run.ram,
  tasks: run.tasks,
  tasks_failed: run.failed,
  tasks_not_recorded: run.dropped,
  tasks_deleted: run.forgotten,
  host: run.host,
  pid: run.pid,
});

/** What `--json` says of a task execution, or of a tool's call. */
export const taskJson = (task: TaskRow): object => ({
  path: task.path,
  kind: task.kind,
  task: task.task,
  state: task.state,
  attempts: task.attempts,
  parent_attempt: task.parent === 0 ? null : task.parentAttempt,
  queued_at: iso(task.queuedAt),
  started_at: iso(task.startedAt),
  ended_at: iso(task.endedAt),
  duration_ms: task.endedAt === null ? null : Math.round(task.ms),
  fuel_consumed: task.endedAt === null ? null : task.fuel,
  ram_used: task.endedAt === null ? null : task.ram,
  error_type: task.error,
  message: task.message,
});

const MESSAGE = 200;
const FILE = 60;

/** The head of `capsule inspect`: several lines, without the tree. */
export function runLines(run: StoredRun, now: number, paint: Paint): string[] {
  const tasks = [
    plural(run.tasks, "task"),
    ...(run.failed > 0 ? [`${thousands(run.failed)} failed`] : []),
    `${thousands(run.fuel)} fuel`,
    ...(run.ram > 0 ? [`at most ${bytes(run.ram)}`] : []),
  ];
  const error = run.error === null ? "" : ` (${oneLine(run.error, 40)})`;
  const lines = [
    `${paint("bold", `run ${oneLine(run.id, 64)}`)} ${stateWord(run.state, paint)}${error}`,
    `  ${oneLine(run.file)} · ${localTime(run.queuedAt)} · ${duration(runMs(run, now))}`,
    `  ${tasks.join(" · ")}`,
  ];
  if (run.message !== null && run.error !== "cancelled") lines.push(`  ${oneLine(run.message, MESSAGE)}`);
  if (run.state === "lost")
    lines.push(`  process ${run.pid} on ${oneLine(run.host, 100)} is gone; its tasks are shown as they were`);
  if (run.dropped > 0) lines.push(`  ${plural(run.dropped, "task")} could not be recorded`);
  if (run.forgotten) lines.push("  its tasks were deleted to make room for newer runs");
  return lines;
}

/** `child [0.3] failed (timeout) · 2 attempts · 1.00 s · 45,000 fuel · 1.6 MB: message`. */
export function taskLine(task: TaskRow, now: number, paint: Paint): string {
  const ended = task.endedAt !== null;
  const isTool = task.kind === "tool";
  const wall = task.startedAt === null ? null : now - task.startedAt;
  const facts = [
    ...(task.attempts > 1 ? [plural(task.attempts, "attempt")] : []),
    ...(ended ? [duration(task.ms)] : []),
    ...(ended && !isTool ? [`${thousands(task.fuel)} fuel`, bytes(task.ram)] : []),
    ...(!ended && wall !== null ? [`for ${duration(Math.max(0, wall))}`] : []),
  ];
  const error = task.error === null ? "" : ` (${oneLine(task.error, 40)})`;
  const message =
    task.message === null || task.error === "cancelled" ? "" : `: ${oneLine(task.message, MESSAGE)}`;
  const name = `${isTool ? toolName(task.task) : oneLine(task.task, 200)} ${paint("dim", `[${oneLine(task.path)}]`)}`;
  return `${name} ${stateWord(task.state, paint)}${error}${facts.length > 0 ? ` · ${facts.join(" · ")}` : ""}${message}`;
}

/** A table of runs, ready to print. */
export function runTable(runs: readonly StoredRun[], now: number, paint: Paint): string {
  const rows = runs.map((run) => [
    oneLine(run.id, 64).slice(0, SHORT_ID),
    run.state,
    localTime(run.queuedAt),
    duration(runMs(run, now)),
    thousands(run.tasks),
    oneLine(run.file, FILE),
    run.error === null ? "" : oneLine(run.error, 40),
  ]);
  const head = ["ID", "STATE", "STARTED", "DURATION", "TASKS", "FILE", "ERROR"];
  const widths = head.map((word, i) =>
    Math.max(word.length, ...rows.map((row) => (row[i] as string).length)),
  );
  const line = (row: readonly string[], state: (word: string) => string): string =>
    row
      .map((word, i) => {
        const padded =
          i === 3 || i === 4 ? word.padStart(widths[i] as number) : word.padEnd(widths[i] as number);
        return i === 1 ? state(padded) : padded;
      })
      .join("  ")
      .trimEnd();
  const body = rows.map((row, i) =>
    line(row, (word) => stateWord((runs[i] as StoredRun).state, paint, word.length)),
  );
  return `${[
    paint(
      "dim",
      line(head, (word) => word),
    ),
    ...body,
  ].join("\n")}\n`;
}
