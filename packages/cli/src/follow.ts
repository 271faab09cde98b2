import type { ProjectRecord, RunReader, StoredRun, TaskRow } from "@capsule-run/runtime/records";
import type { Paint } from "./colour.ts";
import type { Context } from "./context.ts";
import { duration, jsonLine } from "./format.ts";
import { runJson, runLines, taskJson, taskLine } from "./record-view.ts";
import { treeLines } from "./run-tree.ts";

export interface FollowOptions {
  /** Executions that are shown on a terminal. */
  readonly limit: number;
  readonly paint: Paint;
  readonly json: boolean;
  readonly context: Context;
  readonly sleep: (ms: number, value: undefined, options: { signal: AbortSignal }) => Promise<unknown>;
}

/** How often the record is looked at. */
const LOOK_MS = 200;
/** A look that takes long is followed by a pause of so many times as long. */
const PAUSES = 4;

/** A way to show a run that goes on; called when something has changed, and in between. */
interface View {
  show(reader: RunReader, run: StoredRun): string;
}

/** Shows a run until it has ended: 0 then, whatever its state. */
export async function follow(record: ProjectRecord, id: string, options: FollowOptions): Promise<number> {
  const { context, json, sleep } = options;
  const { stdout } = context.output;
  const { signal } = context.interruption;
  const view = json ? new JsonView() : stdout.terminal ? new ScreenView(options) : new LineView(options);
  for (;;) {
    const began = performance.now();
    const shown = record.read((reader) => {
      const run = reader.run(id);
      return run && { text: view.show(reader, run), over: run.state !== "running" };
    });
    stdout.write(shown?.text ?? "");
    await stdout.drained();
    // Deleted while it was looked at, or over.
    if (!shown || shown.over) return 0;
    const pause = Math.max(LOOK_MS, PAUSES * (performance.now() - began));
    await sleep(pause, undefined, { signal }).catch(() => {});
    if (signal.aborted) return context.interruption.exitCode ?? 0;
  }
}

/** Executions that are new or have changed since the last look. */
class Changes {
  #version = -1;
  #seq = 0;
  readonly #open = new Map<number, string>();

  of(reader: RunReader, run: string): TaskRow[] {
    const version = reader.version();
    if (version === this.#version) return [];
    this.#version = version;
    const changed: TaskRow[] = [];
    for (const seq of [...this.#open.keys()]) {
      const task = reader.task(run, seq);
      if (!task) this.#open.delete(seq);
      else if (this.#note(task)) changed.push(task);
    }
    for (const task of reader.tasksAfter(run, this.#seq)) {
      this.#seq = task.seq;
      this.#note(task);
      changed.push(task);
    }
    return changed;
  }

  /** Whether it differs from what was seen of it. */
  #note(task: TaskRow): boolean {
    const seen = `${task.state} ${task.attempts}`;
    if (this.#open.get(task.seq) === seen) return false;
    if (task.endedAt === null) this.#open.set(task.seq, seen);
    else this.#open.delete(task.seq);
    return true;
  }
}

/** A line of JSON for each change: `{"task":…}`, and `{"run":…}` at the beginning and when its state has changed. */
class JsonView implements View {
  readonly #changes = new Changes();
  #state = "";

  show(reader: RunReader, run: StoredRun): string {
    const lines = this.#changes.of(reader, run.id).map((task) => jsonLine({ task: taskJson(task) }));
    const line = jsonLine({ run: runJson(run) });
    if (this.#state === "" && run.state === "running") lines.unshift(line);
    else if (run.state !== this.#state) lines.push(line);
    this.#state = run.state;
    return lines.map((text) => `${text}\n`).join("");
  }
}

/** The same for people: a line for each change, with the time since the run began. */
class LineView implements View {
  readonly #changes = new Changes();
  readonly #options: FollowOptions;
  #begun = false;

  constructor(options: FollowOptions) {
    this.#options = options;
  }

  show(reader: RunReader, run: StoredRun): string {
    const { paint } = this.#options;
    const now = Date.now();
    const lines = this.#changes.of(reader, run.id).map((task) => {
      const at = task.endedAt ?? (task.attempts > 1 ? now : (task.startedAt ?? task.queuedAt));
      const indent = "  ".repeat(task.path.split(".").length - 1);
      return `${duration(Math.max(0, at - run.queuedAt)).padStart(10)}  ${indent}${taskLine(task, now, paint)}`;
    });
    if (!this.#begun && run.state === "running") lines.unshift(...runLines(run, now, paint));
    else if (run.state !== "running") lines.push(...runLines(run, now, paint));
    this.#begun = true;
    return lines.map((line) => `${line}\n`).join("");
  }
}

const CURSOR_UP = (lines: number): string => (lines > 0 ? `\x1b[${lines}A\r` : "\r");
const ERASE_BELOW = "\x1b[0J";

/** The tree drawn over itself, as much of it as there is room for; in the end the whole. */
class ScreenView implements View {
  readonly #options: FollowOptions;
  #drawn = 0;

  constructor(options: FollowOptions) {
    this.#options = options;
  }

  show(reader: RunReader, run: StoredRun): string {
    const { paint, limit } = this.#options;
    const now = Date.now();
    const over = run.state !== "running";
    const { rows = 24, columns = 80 } = process.stdout;
    const room = Math.max(8, rows - 1);
    const head = runLines(run, now, paint);
    const fits = over ? limit : Math.max(1, Math.min(limit, room - head.length - 2));
    const tree = treeLines(reader, run, { limit: fits, now, paint });
    const all = [...head, ...tree];
    const cut = over ? all : all.slice(0, room);
    if (cut.length < all.length) cut.splice(room - 1, 1, paint("dim", "  …"));
    const lines = over ? cut : cut.map((line) => fit(line, columns));
    const text = `${CURSOR_UP(this.#drawn)}${ERASE_BELOW}${lines.join("\n")}\n`;
    this.#drawn = lines.length;
    return text;
  }
}

/** A line that takes one row of a terminal: cut, colours apart. Wide characters count as two. */
export function fit(line: string, columns: number): string {
  let [width, at] = [0, 0];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: our own colours
  for (const [piece] of line.matchAll(/\x1b\[\d+m|[\s\S]/gu)) {
    if (!piece.startsWith("\x1b")) width += (piece.codePointAt(0) as number) >= 0x1100 ? 2 : 1;
    if (width >= columns) return `${line.slice(0, at)}\x1b[0m…`;
    at += piece.length;
  }
  return line;
}
