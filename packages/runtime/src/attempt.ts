import type { AttemptCapabilities } from "@capsule-run/host";
import {
  type AttemptLog,
  type AttemptSpec,
  type AttemptUsage,
  type Completion,
  type Envelope,
  type ErrorType,
  envelopeJson,
  FrameError,
  type FromCell,
  type Outcome,
} from "@capsule-run/protocol";
import { fuelFor, refused } from "@capsule-run/scheduler";
import type { RunEvent } from "./api.ts";
import { Calls } from "./calls.ts";
import type { SandboxListener } from "./cell.ts";
import type { SandboxHandle } from "./cells.ts";
import { Effects } from "./effects.ts";
import type { MemoryPlan } from "./memory.ts";
import { type Printer, printer } from "./printer.ts";
import { beyond, NO_TASK, refusalOf } from "./refusal.ts";
import type { RunContext } from "./run-context.ts";
import type { SessionSandbox } from "./session-sandbox.ts";
import * as words from "./words.ts";

/** In place of a report that even translating fails for. */
const UNREADABLE = "the task failed, in a way that can't be described";

type Ended = Extract<FromCell, { type: "ended" }>;

/** Executes one attempt in a cell: carries what the guest asks to the log, and completions to the guest. */
export function executeAttempt(
  spec: AttemptSpec,
  log: AttemptLog,
  context: RunContext,
  memory: MemoryPlan,
): Promise<Outcome> {
  return new Promise((resolve) => new Attempt(spec, log, context, memory, resolve).run());
}

class Attempt implements SandboxListener {
  readonly #spec: AttemptSpec;
  readonly #log: AttemptLog;
  readonly #context: RunContext;
  readonly #memory: MemoryPlan;
  readonly #resolve: (outcome: Outcome) => void;
  readonly #calls: Calls;
  readonly #effects: Effects;
  readonly #printer: Printer;
  /** In which it goes on, if it is that of a session's call. */
  readonly #session: SessionSandbox | null;
  /** Calls that were made in its sandbox before. */
  readonly #former: number;
  /** When its cell began with it; until then no time counts. */
  #began: number | null = null;
  #sandbox: SandboxHandle | null = null;
  #seq = 0;
  /** The op that ends this attempt when its time is up, and the one that wakes its guest; 0: none. */
  #timeout = 0;
  #wake = 0;
  #wakeAt = 0;
  /** Why the host ended it, before the sandbox could. */
  #verdict: { readonly error: ErrorType; readonly message: string } | null = null;
  #over = false;
  /** Units of fuel it has, and those of what it has used that are counted in the budget of its run. */
  #fuel = 0;
  #counted = 0;
  /** Bytes of memory it has, and whether it stands still for more. */
  #granted: number;
  #held = false;
  /** Whether anybody may have noticed that it began: it printed, called or waited. */
  #spoke = false;

  constructor(
    spec: AttemptSpec,
    log: AttemptLog,
    context: RunContext,
    memory: MemoryPlan,
    resolve: (outcome: Outcome) => void,
  ) {
    this.#spec = spec;
    this.#log = log;
    this.#context = context;
    this.#memory = memory;
    this.#granted = log.granted;
    this.#resolve = resolve;
    this.#printer = printer(spec, context);
    const { run, artifact } = spec;
    const emit = (event: RunEvent): void => context.emit(event);
    const { queue, budget } = context;
    const nextSeq = (): number => ++this.#seq;
    this.#calls = new Calls({ run, artifact, log, emit, queue, budget, nextSeq });
    const session = spec.path === "0" ? context.session : null;
    const former = session?.seat.calls ?? 0;
    const open = (): AttemptCapabilities => {
      const tools = context.tools.of(spec);
      if (session) return session.open(() => context.world.share(spec.policy), tools);
      return context.world.open(spec.policy, tools);
    };
    this.#session = session;
    this.#former = former;
    const readyForFiles = (): Promise<void> | null => context.readyForFiles();
    const isOpen = session?.isOpen ?? false;
    this.#effects = new Effects({ log, queue, nextSeq, former, isOpen, open, readyForFiles });
  }

  run(): void {
    const { run, path, attempt, task } = this.#spec;
    this.#context.emit({ type: "attempt_started", run, path, task, attempt });
    this.#open();
    if (!this.#over) void this.#listen();
  }

  #open(): void {
    const { path, attempt, task, args, policy } = this.#spec;
    const { cells, artifact } = this.#context.program;
    const loss = this.#session?.takeLoss() ?? null;
    if (loss !== null) {
      this.#finish("internal_error", words.sessionLost(loss));
      return;
    }
    this.#counted = 0;
    this.#fuel = fuelFor(this.#context.budget, policy.fuel);
    try {
      this.#sandbox = cells.open(
        {
          artifact,
          task,
          args,
          limits: { fuel: this.#fuel, ram: policy.ram },
          granted: this.#granted,
          seed: this.#context.seed(path, attempt),
          surroundings: this.#context.world.surroundings(policy),
          seat: this.#session?.seat ?? null,
        },
        this,
      );
    } catch (error) {
      this.#finish("internal_error", error instanceof Error ? error.message : String(error));
    }
  }

  started(): void {
    if (this.#began !== null) return;
    this.#began = performance.now();
    const { timeoutMs } = this.#spec.policy;
    if (timeoutMs !== null) this.#timeout = this.#sleep(timeoutMs);
  }

  call({ call, task, mode, body }: Extract<FromCell, { type: "call" }>): void {
    this.#spoke = true;
    if (this.#verdict) return;
    const path = `${this.#spec.path}.${call - this.#former}`;
    const known = this.#context.program.tasks.get(task);
    const problem = known
      ? refusalOf({ path, args: body, pending: this.#calls.size }, this.#context)
      : NO_TASK;
    if (known && !problem) {
      const { world } = this.#context;
      const about = { policy: world.policyOf(known), cuts: world.newCuts(known) };
      this.#calls.start({ id: call, path, task, args: body, ...about });
    } else if (problem) this.#answer(call, refused(task, problem));
    if (mode === "sync") this.#shareCore();
  }

  effect({ call, mode, name, body }: Extract<FromCell, { type: "effect" }>): void {
    this.#spoke = true;
    if (this.#verdict) return;
    if (mode === "post") this.#effects.post(name, body);
    else {
      const refusal = this.#effects.start(call, mode, name, body);
      if (refusal) this.#tell(call, refusal);
      if (mode === "sync") this.#shareCore();
    }
  }

  revoke({ call }: Extract<FromCell, { type: "revoke" }>): void {
    this.#calls.revoke(call);
    this.#effects.revoke(call);
  }

  output({ stream, body }: Extract<FromCell, { type: "output" }>): void {
    this.#spoke = true;
    if (body.length === 0) this.#printer.full();
    else this.#printer.print(stream === 1 ? "stdout" : "stderr", body);
  }

  idle({ wake }: Extract<FromCell, { type: "idle" }>): void {
    this.#spoke = true;
    if (this.#wake) this.#log.revoke(this.#wake);
    this.#wake = 0;
    if (this.#verdict) return;
    if (wake >= 0) {
      this.#wakeAt = wake;
      this.#wake = this.#sleep(Math.max(0, wake - Date.now()));
    } else if (this.#calls.size + this.#effects.size === 0 && !this.#sandbox?.busy)
      this.#stop("deadlock", words.deadlock(this.#spec.task));
    this.#shareCore();
  }

  grown({ ram }: Extract<FromCell, { type: "grown" }>): void {
    const { ram: limit } = this.#spec.policy;
    if (limit !== null && ram > limit) throw new FrameError("more memory than its task may have");
    if (this.#verdict) return;
    this.#held = true;
    const wanted = this.#memory.growth(ram, limit);
    void this.#log.memory(wanted).then((granted) => {
      if (this.#over || this.#verdict) return;
      if (granted) {
        this.#held = false;
        this.#granted = wanted;
        this.#sandbox?.grant(wanted);
        this.#shareCore();
      } else this.#stop("out_of_memory", words.budget(this.#spec.task, ram, this.#memory));
    });
  }

  took({ bytes }: Extract<FromCell, { type: "took" }>): void {
    this.#effects.taken(bytes);
  }

  used({ fuel }: Extract<FromCell, { type: "used" }>): void {
    this.#count(fuel);
  }

  #count(fuel: number): void {
    const more = fuel - this.#counted;
    if (more <= 0) return;
    this.#counted = fuel;
    this.#context.spend(more);
  }

  ended(message: Ended): void {
    const usage = this.#usage(message.fuel, message.ram);
    this.#session?.ended(message, this.#spec.policy.ram);
    // What it did in a session stays done: then it ended before it could be ended.
    if (this.#verdict && message.memory !== "kept") this.#end({ ok: false, ...this.#verdict, usage });
    else if (message.lacks !== "" && this.#context.program.manifest.variant !== "full")
      void this.#lacks(message.lacks, usage);
    else if (message.error === "out_of_fuel" && this.#fuel < this.#spec.policy.fuel)
      this.#end({ ok: false, ...beyond("runFuel", this.#context.budget), usage });
    else if (message.ok) this.#end({ ok: true, value: message.body, usage });
    else {
      const error = message.error || "internal_error";
      void this.#message(message, error).then((text) =>
        this.#end({ ok: false, error, message: text, usage }),
      );
    }
  }

  /**
   * The engine lacks code that the guest needs. The program is made for the one that has it: for this attempt, if nobody
   * has seen of it yet, and for later runs.
   */
  async #lacks(code: string, usage: AttemptUsage): Promise<void> {
    const isUsed = this.#session?.isUsed ?? false;
    const begun = this.#spoke || isUsed;
    const fail = (message: string): void => this.#end({ ok: false, error: "internal_error", message, usage });
    try {
      await this.#context.complete(code);
    } catch (error) {
      fail(error instanceof Error ? error.message : String(error));
      return;
    }
    this.#session?.move();
    if (this.#verdict) this.#end({ ok: false, ...this.#verdict, usage });
    else if (begun) fail(words.lacks(this.#spec.task, code, isUsed));
    else this.#open();
  }

  loaded(): void {
    this.lost("a cell loaded what it was told to run");
  }

  lost(reason: string): void {
    this.#session?.died();
    if (this.#verdict) this.#finish(this.#verdict.error, this.#verdict.message);
    else this.#finish("internal_error", reason);
  }

  /** Takes completions from the log until the attempt is over. */
  async #listen(): Promise<void> {
    while (!this.#over) {
      const completion = await this.#log.next();
      if (this.#over) return;
      if (!completion) {
        this.#stop("cancelled", "cancelled");
        return;
      }
      this.#take(completion);
    }
  }

  #take(completion: Completion): void {
    if (completion.seq === this.#timeout) {
      this.#timeout = 0;
      const { task, policy } = this.#spec;
      const isLowered = this.#context.world.lowered(policy).has("timeoutMs");
      this.#stop("timeout", words.timeout(task, policy.timeoutMs ?? 0, isLowered));
    } else if (completion.seq === this.#wake) {
      this.#wake = 0;
      this.#sandbox?.wake(this.#wakeAt);
      this.#shareCore();
    } else {
      const answered = this.#effects.completed(completion);
      const done = answered ? null : this.#calls.completed(completion);
      if (answered) this.#tell(answered.call, answered.answer);
      else if (done) this.#answer(done.call.id, done.envelope);
      if (!done) this.#shareCore();
    }
  }

  #answer(call: number, envelope: Envelope): void {
    this.#tell(call, Buffer.from(envelopeJson(envelope)));
    this.#shareCore();
  }

  #tell(call: number, answer: Uint8Array): void {
    this.#effects.sent(answer.length);
    this.#sandbox?.complete(call, answer);
  }

  #sleep(ms: number): number {
    const seq = ++this.#seq;
    this.#log.issue({ seq, kind: "sleep", ms });
    return seq;
  }

  /** Tells whoever admits others what it does now. While it stands still for memory, that is what it does. */
  #shareCore(): void {
    if (this.#over || this.#held) return;
    // What was told to end is about to go on, whatever it waited for.
    if (this.#verdict || this.#sandbox?.busy) this.#log.state("active");
    // Whatever sub-tasks do, an effect ends.
    else if (this.#effects.size > 0) this.#log.state("sleeping");
    else if (this.#calls.running > 0) this.#log.state("waiting");
    else this.#log.state(this.#wake || this.#calls.size > 0 ? "sleeping" : "waiting");
  }

  /** Ends the sandbox from outside; `ended` follows, with our verdict for an outcome. */
  #stop(error: ErrorType, message: string): void {
    this.#verdict ??= { error, message };
    this.#held = false;
    this.#sandbox?.stop();
    this.#calls.revokeAll();
    this.#effects.revokeAll();
    this.#shareCore();
  }

  /** Milliseconds since its cell began with it. */
  #elapsed(): number {
    return this.#began === null ? 0 : performance.now() - this.#began;
  }

  #finish(error: ErrorType, message: string): void {
    this.#end({ ok: false, error, message, usage: this.#usage(0, 0) });
  }

  #usage(fuel: number, ram: number): AttemptUsage {
    return { fuel, ram, ms: this.#elapsed(), requests: [] };
  }

  #end(outcome: Outcome): void {
    if (this.#over) return;
    this.#over = true;
    this.#memory.ended(this.#spec, this.#granted);
    this.#calls.revokeAll();
    this.#count(outcome.usage.fuel);
    for (const seq of [this.#timeout, this.#wake]) if (seq) this.#log.revoke(seq);
    this.#printer.end();
    const closed = this.#effects.close();
    if (!closed) this.#resolve(outcome);
    // Only now are its requests over.
    else
      void closed.then(() => {
        const usage = { ...outcome.usage, requests: this.#effects.requests };
        this.#resolve({ ...outcome, usage });
      });
  }

  async #message(message: Ended, error: ErrorType): Promise<string> {
    const { task, policy } = this.#spec;
    const lowered = this.#context.world.lowered(policy);
    if (message.plain)
      return words.failure(error, task, policy, lowered, Buffer.from(message.body).toString());
    const text = await this.#context.program.describe(message.body).catch(() => UNREADABLE);
    return words.failure(error, task, policy, lowered, this.#context.world.scrub(text));
  }
}
