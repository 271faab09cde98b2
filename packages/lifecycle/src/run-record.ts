import { cutText, type Envelope, type ErrorType } from "@capsule-run/protocol";
import { KEPT, type RunRow, type TaskRow } from "./records.ts";

/** What happens to a task execution, or a tool that it calls. The runtime's own events have this shape. */
export type TaskEvent = { readonly path: string; readonly task: string } & (
  | { readonly type: "task_queued" }
  | { readonly type: "attempt_started" }
  | { readonly type: "attempt_failed"; readonly error: ErrorType; readonly message: string }
  | { readonly type: "task_ended"; readonly envelope: Envelope }
  | { readonly type: "tool_called"; readonly tool: string }
  | {
      readonly type: "tool_ended";
      readonly durationMs: number;
      readonly error: { readonly type: string; readonly message: string } | null;
    }
);

/** A run as it begins. */
export interface RunStart {
  readonly id: string;
  readonly file: string;
  readonly entry: string;
  readonly language: string | null;
  readonly artifact: string | null;
  /** Milliseconds since 1970. */
  readonly queuedAt: number;
}

type Mutable<T> = { -readonly [key in keyof T]: T[key] };
/** A row, and whether it is among the changes that wait. */
type Kept<T> = Mutable<T> & { changed: boolean };

/** The number of rows that wait, of all runs. */
export interface Backlog {
  size: number;
  readonly most: number;
}

/**
 * One run as it goes on: takes events, keeps the rows that have changed since they were last taken. Rows are small and
 * whole, and one that changes often is written once.
 */
export class RunRecord {
  readonly root: string;
  readonly #row: Kept<RunRow>;
  readonly #open = new Map<string, Kept<TaskRow>>();
  readonly #backlog: Backlog;
  readonly #notify: (run: RunRecord) => void;
  #changed: Kept<TaskRow>[] = [];
  #seq = 0;
  /** Whether the row of the run was taken once. */
  #begun = false;
  #stopped = false;

  constructor(root: string, start: RunStart, backlog: Backlog, notify: (run: RunRecord) => void) {
    this.root = root;
    this.#backlog = backlog;
    this.#notify = notify;
    this.#row = {
      id: start.id,
      file: cutText(start.file, KEPT.name),
      entry: cutText(start.entry, KEPT.name),
      language: start.language,
      artifact: start.artifact,
      state: "running",
      queuedAt: start.queuedAt,
      startedAt: null,
      endedAt: null,
      error: null,
      message: null,
      fuel: 0,
      ram: 0,
      tasks: 0,
      failed: 0,
      dropped: 0,
      changed: false,
    };
    this.#touch();
  }

  get id(): string {
    return this.#row.id;
  }

  event(event: TaskEvent): void {
    if (this.#stopped) return;
    const now = Date.now();
    if (event.type === "task_queued") {
      this.#row.tasks++;
      this.#touch();
      this.#opened(event.path, event.task, "task", now);
      return;
    }
    if (event.type === "tool_called") {
      this.#opened(event.path, event.tool, "tool", now);
      return;
    }
    const row = this.#open.get(event.path);
    if (event.type === "task_ended") this.#count(event.envelope);
    if (event.type === "task_ended" || event.type === "tool_ended") this.#open.delete(event.path);
    else if (event.type === "attempt_started" && this.#row.startedAt === null) {
      this.#row.startedAt = now;
      this.#touch();
    }
    if (!row) return;
    change(row, event, now);
    this.#touchTask(row);
  }

  /** The end of the run, by the envelope that its caller gets. */
  end(envelope: Envelope): void {
    if (this.#stopped) return;
    const row = this.#row;
    row.endedAt = Date.now();
    row.state = stateOf(envelope);
    if (!envelope.success) {
      row.error = envelope.error.error_type;
      row.message = cutText(envelope.error.message, KEPT.runMessage);
    }
    this.#touch();
  }

  /** The end, if there was none yet: nobody gets an envelope. */
  endUnless(envelope: Envelope): void {
    if (this.#row.endedAt === null) this.end(envelope);
  }

  /**
   * Hands over at most `most` rows of tasks that have changed, and the row of the run with the last of them. They are
   * the rows themselves, which go on changing: whoever takes them copies or writes them at once.
   */
  take(most: number): { readonly run: RunRow | null; readonly tasks: readonly TaskRow[] } {
    const tasks = this.#changed.splice(0, most);
    this.#backlog.size -= tasks.length;
    for (const row of tasks) row.changed = false;
    return { run: this.#takeRun(this.#changed.length === 0), tasks };
  }

  get changed(): boolean {
    return this.#row.changed || this.#changed.length > 0;
  }

  /** Forgets what waits, and all that comes. */
  stop(): void {
    this.#stopped = true;
    this.#backlog.size -= this.#changed.length;
    this.#changed = [];
    this.#open.clear();
  }

  /** The row has to be there before those of its tasks, and says that the run has ended when those are all there. */
  #takeRun(last: boolean): RunRow | null {
    const row = this.#row;
    const early = row.endedAt !== null && !last;
    if (!row.changed || (early && this.#begun)) return null;
    this.#begun = true;
    if (early) return { ...row, state: "running", endedAt: null, error: null, message: null };
    row.changed = false;
    return row;
  }

  #opened(path: string, name: string, kind: TaskRow["kind"], now: number): void {
    if (this.#seq >= KEPT.tasksOfRun || this.#backlog.size >= this.#backlog.most) {
      this.#row.dropped++;
      this.#touch();
      return;
    }
    const dot = path.lastIndexOf(".");
    const parent = dot < 0 ? undefined : this.#open.get(path.slice(0, dot));
    if (parent) {
      parent.children++;
      this.#touchTask(parent);
    }
    const row: Kept<TaskRow> = {
      seq: ++this.#seq,
      parent: parent?.seq ?? 0,
      parentAttempt: parent?.attempts ?? 0,
      path,
      task: cutText(name, KEPT.name),
      state: kind === "tool" ? "running" : "queued",
      attempts: 0,
      queuedAt: now,
      startedAt: kind === "tool" ? now : null,
      endedAt: null,
      ms: 0,
      fuel: 0,
      ram: 0,
      error: null,
      message: null,
      children: 0,
      kind,
      changed: false,
    };
    this.#open.set(path, row);
    this.#touchTask(row);
  }

  #count(envelope: Envelope): void {
    const row = this.#row;
    row.fuel += envelope.execution.fuel_consumed;
    row.ram = Math.max(row.ram, envelope.execution.ram_used);
    if (stateOf(envelope) === "failed") row.failed++;
    this.#touch();
  }

  #touch(): void {
    if (this.#row.changed) return;
    this.#row.changed = true;
    this.#notify(this);
  }

  #touchTask(row: Kept<TaskRow>): void {
    if (row.changed) return;
    row.changed = true;
    this.#changed.push(row);
    this.#backlog.size++;
    this.#notify(this);
  }
}

/** The state an execution ends in. */
const stateOf = (envelope: Envelope): "succeeded" | "failed" | "cancelled" =>
  envelope.success ? "succeeded" : envelope.error.error_type === "cancelled" ? "cancelled" : "failed";

function change(
  row: Kept<TaskRow>,
  event: Exclude<TaskEvent, { type: "task_queued" | "tool_called" }>,
  now: number,
): void {
  switch (event.type) {
    case "attempt_started":
      row.state = "running";
      row.attempts++;
      row.startedAt ??= now;
      break;
    case "attempt_failed":
      row.state = "waiting";
      row.error = event.error;
      row.message = cutText(event.message, KEPT.taskMessage);
      break;
    case "task_ended": {
      const { envelope } = event;
      const { duration_ms, fuel_consumed, ram_used } = envelope.execution;
      row.state = stateOf(envelope);
      row.endedAt = now;
      [row.ms, row.fuel, row.ram] = [duration_ms, fuel_consumed, ram_used];
      row.error = envelope.success ? null : envelope.error.error_type;
      row.message = envelope.success ? null : cutText(envelope.error.message, KEPT.taskMessage);
      break;
    }
    case "tool_ended":
      row.state =
        event.error === null ? "succeeded" : event.error.type === "Cancelled" ? "cancelled" : "failed";
      row.endedAt = now;
      row.ms = event.durationMs;
      row.error = event.error && cutText(event.error.type, KEPT.name);
      row.message = event.error && cutText(event.error.message, KEPT.taskMessage);
  }
}
