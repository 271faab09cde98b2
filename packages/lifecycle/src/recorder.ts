import type { Worker } from "node:worker_threads";
import type { Batch, FromWriter, Problem, ToWriter } from "./messages.ts";
import { KEPT, type Kept } from "./records.ts";
import { type Backlog, RunRecord, type RunStart } from "./run-record.ts";

export interface RecorderOptions {
  /** The script of the thread that writes: `writer.ts`, or its bundle. */
  readonly script: string | URL;
  /** Called at most once for a project root: why nothing more is recorded there. */
  readonly onProblem: (root: string, problem: Problem) => void;
  /** Other bounds, for tests. */
  readonly kept?: Partial<Kept> | undefined;
}

/**
 * After the first run began, the thread is started: it takes as much as a short run in all, which is better written at
 * the end.
 */
const START_MS = 150;
/** Changes are collected for this long, so that an execution that begins and ends in it is written once. */
const TICK_MS = 20;
/** Rows in one transaction: others may write between two. */
const BATCH = 5000;
/** How long the end of a runtime waits for the disk. */
const CLOSE_MS = 5000;
/** How long it waits by itself for another process that writes, before a thread does that. */
const CLOSE_BUSY_MS = 200;

/**
 * Records runs without ever making one wait: what changes is collected, and one batch at a time goes to a thread that
 * writes it. A runtime that is closed before there was a thread writes what there is itself, when all its runs are over.
 */
export class Recorder {
  readonly #options: RecorderOptions;
  readonly #backlog: Backlog;
  /** Runs with changes, in the order of the first. */
  readonly #changed = new Set<RunRecord>();
  readonly #stopped = new Set<string>();
  #writer: Worker | null = null;
  /** Closed, or its thread is gone. */
  #over = false;
  /** Whether a batch is under way. */
  #busy = false;
  #timer: NodeJS.Timeout | null = null;
  /** Called when there is nothing more to write. */
  #idle: (() => void) | null = null;
  /** The project of the newest run. */
  #root = "";

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#backlog = { size: 0, most: options.kept?.backlog ?? KEPT.backlog };
  }

  /** The record of a run of the project `root`; null when nothing is recorded there. */
  begin(root: string, start: RunStart): RunRecord | null {
    if (this.#over || this.#stopped.has(root)) return null;
    this.#root = root;
    return new RunRecord(root, start, this.#backlog, this.#notify);
  }

  /** Writes what there is; resolves when it is on disk, was given up, or takes longer than five seconds. */
  async close(): Promise<void> {
    if (this.#over) return;
    this.#clearTimer();
    // Attempts that were cancelled at last say so in this turn.
    await new Promise((resolve) => setImmediate(resolve));
    this.#clearTimer();
    const left = this.#writer ? [] : await this.#writeHere();
    if (left.length > 0) this.#start();
    if (this.#writer) await this.#closeWriter(this.#writer, left);
    this.#over = true;
  }

  readonly #notify = (run: RunRecord): void => {
    if (this.#over || this.#stopped.has(run.root)) {
      run.stop();
      return;
    }
    this.#changed.add(run);
    this.#schedule();
  };

  #schedule(): void {
    if (this.#busy || this.#idle) return;
    this.#timer ??= setTimeout(this.#send, this.#writer ? TICK_MS : START_MS).unref();
  }

  #clearTimer(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  readonly #send = (): void => {
    this.#timer = null;
    if (this.#busy || this.#over) return;
    const batch = this.#batch();
    if (!batch) {
      this.#idle?.();
      return;
    }
    this.#start();
    this.#busy = true;
    this.#post(batch);
  };

  /** Changes of one project. */
  #batch(): Batch | null {
    let root: string | null = null;
    let room = BATCH;
    const runs: Batch["runs"][number][] = [];
    const tasks: Batch["tasks"][number][] = [];
    for (const record of this.#changed) {
      root ??= record.root;
      if (record.root !== root) continue;
      const taken = record.take(room);
      if (taken.run) runs.push(taken.run);
      if (taken.tasks.length > 0) tasks.push({ run: record.id, rows: taken.tasks });
      room -= taken.tasks.length + (taken.run ? 1 : 0);
      this.#changed.delete(record);
      // Behind the others: its rest is for a batch of its own.
      if (record.changed) this.#changed.add(record);
      if (room <= 0) break;
    }
    return root === null ? null : { type: "batch", root, runs, tasks };
  }

  #start(): void {
    if (this.#writer || this.#over) return;
    const { Worker } = process.getBuiltinModule("node:worker_threads");
    try {
      const { script, kept } = this.#options;
      this.#writer = new Worker(script, { workerData: kept ?? null, execArgv: [], name: "capsule runs" });
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#writer.on("message", (message: FromWriter) => this.#hear(message));
    this.#writer.on("error", (error) => this.#fail(error));
    this.#writer.on("exit", () => this.#fail(new Error("its thread ended")));
    // Behind the listeners: one for messages makes the thread keep this process up again.
    this.#writer.unref();
  }

  #post(message: ToWriter): void {
    this.#writer?.postMessage(message);
  }

  #hear(message: FromWriter): void {
    if (message.type === "stopped") this.#stop(message.root, message.problem);
    // At once: the end of the thread may be told in the same turn.
    else if (message.type === "closed") this.#over = true;
    else if (message.type === "done") {
      this.#busy = false;
      if (this.#idle) this.#send();
      else if (this.#changed.size > 0) this.#schedule();
    }
  }

  #stop(root: string, problem: Problem): void {
    this.#stopped.add(root);
    for (const record of [...this.#changed]) if (record.root === root) this.#forget(record);
    this.#options.onProblem(root, problem);
  }

  #forget(record: RunRecord): void {
    this.#changed.delete(record);
    record.stop();
  }

  #fail(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    const reason = error instanceof Error ? error.message : String(error);
    for (const record of [...this.#changed]) this.#forget(record);
    this.#options.onProblem(this.#root, { kind: "other", reason });
    this.#idle?.();
  }

  /** Writes without a thread: all runs are over. Gives the batches that another process is in the way of. */
  async #writeHere(): Promise<readonly Batch[]> {
    let batch = this.#batch();
    if (!batch) return [];
    const { Projects } = await import("./projects.ts");
    const left: Batch[] = [];
    const locked = new Set<string>();
    const projects = new Projects({
      kept: { ...KEPT, ...this.#options.kept },
      busyMs: CLOSE_BUSY_MS,
      stopped: (root, problem) => {
        if (problem.kind === "locked") locked.add(root);
        else this.#stop(root, problem);
      },
    });
    for (; batch; batch = this.#batch()) {
      projects.write(batch);
      if (locked.has(batch.root)) left.push(batch);
    }
    projects.close();
    return left;
  }

  /** Waits until the thread has written everything and has closed its databases. */
  async #closeWriter(writer: Worker, first: readonly Batch[]): Promise<void> {
    writer.ref();
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#idle = () => {
        if (this.#over) resolve();
        else this.#post({ type: "close" });
      };
      writer.on("message", (message: FromWriter) => {
        if (message.type === "closed") resolve();
      });
      writer.on("exit", () => resolve());
      timer = setTimeout(resolve, CLOSE_MS);
      for (const batch of first) this.#post(batch);
      this.#send();
    });
    clearTimeout(timer);
    this.#over = true;
    writer.unref();
    void writer.terminate();
  }
}
