import { openToolbox, type Toolbox } from "@capsule-run/host";
import type { RunRecord } from "@capsule-run/lifecycle";
import { LIMITS, wholeCharacters } from "@capsule-run/protocol";
import {
  type Budget,
  type BudgetLimits,
  createBudget,
  spend,
  timeUp,
  UNLIMITED,
} from "@capsule-run/scheduler";
import type { Output, RunEvent, RunRequest } from "./api.ts";
import { attemptSeed } from "./chance.ts";
import type { Program } from "./program.ts";
import type { RunContext } from "./run-context.ts";
import type { SessionSandbox } from "./session-sandbox.ts";
import * as words from "./words.ts";
import type { RunWorld } from "./world.ts";

type Callbacks = Pick<RunRequest, "onOutput" | "onEvent" | "tools" | "beforeFiles">;

/** What a run is made of. */
export interface ContextParts {
  readonly program: Program;
  /** Absolute, of its project. */
  readonly root: string;
  readonly world: RunWorld;
  /** Random bytes that only the host knows. */
  readonly secret: Uint8Array;
  readonly record?: RunRecord | null;
  /** Default: none. */
  readonly session?: SessionSandbox | null;
  /** What the whole run may use; default: whatever it likes. */
  readonly limits?: BudgetLimits;
}

/**
 * What the attempts of one run share. Passes output and events to the caller's callbacks until the run is over; what a
 * callback throws goes to `failed`, never to whoever happened to call it.
 */
export class Context implements RunContext {
  program: Program;
  readonly world: RunWorld;
  readonly tools: Toolbox;
  readonly session: SessionSandbox | null;
  readonly queue = { bytes: 0 };
  readonly budget: Budget;
  /** Aborted when the run has to end, because its budget is used up. */
  readonly exhausted = new AbortController();
  readonly #root: string;
  readonly #secret: Uint8Array;
  readonly #callbacks: Callbacks;
  readonly #record: RunRecord | null;
  readonly #failed: (cause: unknown) => void;
  #printed = 0;
  /** Output that waits for a translation, and all behind it. */
  #held: Promise<void> | null = null;
  #waiting = 0;
  #full = false;
  #over = false;
  #filesReady: Promise<void> | null = null;

  constructor(
    { program, root, world, secret, record = null, session = null, limits = UNLIMITED }: ContextParts,
    callbacks: Callbacks,
    failed: (cause: unknown) => void,
  ) {
    this.program = program;
    this.#root = root;
    this.world = world;
    this.session = session;
    this.#secret = secret;
    this.#callbacks = callbacks;
    const { tools = null } = callbacks;
    this.tools = openToolbox(
      tools,
      (event) => this.emit(event),
      (text) => world.scrub(text),
    );
    this.#failed = failed;
    this.#record = record;
    this.budget = createBudget(limits);
  }

  spend(fuel: number): void {
    spend(this.budget, fuel);
    this.#endIfOver();
  }

  timeUp(): void {
    timeUp(this.budget);
    this.#endIfOver();
  }

  #endIfOver(): void {
    if (this.budget.over !== null) this.exhausted.abort();
  }

  async complete(code: string): Promise<void> {
    this.program = await this.program.complete(code, this.#root);
  }

  seed(path: string, attempt: number): string {
    return attemptSeed(this.#secret, path, attempt);
  }

  emit(event: RunEvent): void {
    if (event.type !== "task_limited") this.#record?.event(event);
    this.#call(() => this.#callbacks.onEvent?.(event));
  }

  output(output: Output): void {
    if (this.#full) return;
    const { bytes, task, path } = output;
    const kept = wholeCharacters(bytes, LIMITS.runOutputBytes - this.#printed);
    this.#printed += kept.length;
    if (kept.length > 0) this.#pass({ ...output, bytes: kept });
    if (kept.length === bytes.length) return;
    this.#full = true;
    this.#notice(words.runOutput(task), task, path);
  }

  outputFull(task: string, path: string): void {
    if (!this.#full) this.#notice(words.attemptOutput(task), task, path);
  }

  readyForFiles(): Promise<void> | null {
    const { beforeFiles } = this.#callbacks;
    if (!beforeFiles) return null;
    this.#filesReady ??= beforeFiles().catch(this.#failed);
    return this.#filesReady;
  }

  /** What the program printed when it was loaded, as if it had been loaded for this run. */
  printLoadOutput(): void {
    for (const { stream, text } of this.program.manifest.output)
      this.output({
        stream: stream === 1 ? "stdout" : "stderr",
        bytes: Buffer.from(text),
        task: this.program.manifest.entry,
        path: "0",
      });
  }

  /** Resolves when all output so far has reached the callback. */
  async flushed(): Promise<void> {
    await this.#held;
  }

  /** Nothing reaches the callbacks any more. */
  close(): void {
    this.#over = true;
  }

  /** On a line of its own: what it follows was cut. */
  #notice(text: string, task: string, path: string): void {
    this.#pass({ stream: "stderr", bytes: Buffer.from(`\n${text}\n`), task, path });
  }

  /** Hands output on, in order. What names places of the bundle, such as a printed stack, is translated first. */
  #pass(output: Output): void {
    const { bytes } = output;
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const named = this.program.placeMarks.some((mark) => text.includes(mark));
    if (!named && !this.#held) {
      this.#call(() => this.#callbacks.onOutput?.(output));
      return;
    }
    this.#waiting++;
    this.#held = this.#handOn(output, named, this.#held);
  }

  async #handOn(output: Output, named: boolean, before: Promise<void> | null): Promise<void> {
    await before;
    const text = named
      ? await this.program.translate(Buffer.from(output.bytes).toString()).catch(() => null)
      : null;
    this.#call(() =>
      this.#callbacks.onOutput?.(text === null ? output : { ...output, bytes: Buffer.from(text) }),
    );
    if (--this.#waiting === 0) this.#held = null;
  }

  #call(callback: () => void): void {
    if (this.#over) return;
    try {
      callback();
    } catch (error) {
      this.close();
      this.#failed(error);
    }
  }
}
