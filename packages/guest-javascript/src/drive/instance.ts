import type {
  GuestHost,
  GuestInstance,
  Loaded,
  SandboxLimits,
  Surroundings,
  TurnEnd,
} from "@capsule-run/protocol";
import { failed, LIMITS, LoadRecord, NO_SURROUNDINGS, raised, turnEnd } from "@capsule-run/protocol";
import { FuelClock, FuelTank, GATE, mutableGlobals, SLICE, WASM_PAGE } from "@capsule-run/wasm/host";
import { type EntryOp, PROGRAM_FILE, STATUS } from "../door.ts";
import { classify, isNullThrown, OUT_OF_FUEL, OUT_OF_MEMORY, trapped } from "./answers.ts";
import { answerParts, Effects } from "./effects.ts";
import { EVAL_MODULE, type QuickJs } from "./exports.ts";
import type { Handles } from "./handles.ts";
import { doorImports } from "./imports.ts";
import { partsMentioned } from "./preload.ts";
import { Rejections } from "./rejections.ts";
import { EngineState } from "./state.ts";
import { OutOfGuestMemory, Values } from "./values.ts";

/** Memory as it is copied into an instance, the module's mutable globals, and what each attempt loads first. */
export interface PreparedProgram {
  readonly memory: Uint8Array;
  readonly globals: readonly number[];
  /** The program, where the image was taken before it. */
  readonly source: Uint8Array | null;
}

/** What all instances of an opened engine share. */
export interface EngineParts {
  readonly module: WebAssembly.Module;
  readonly base: PreparedProgram;
  readonly handles: Handles;
  library(name: string): Uint8Array | null;
  /** Fuel per slice; tests use others to show that it makes no difference. */
  readonly slice?: number;
}

/** An instance that grew beyond this is cheaper to throw away than to keep. */
const REUSE_PAGES = 128;
/** What declared variables of the environment have while a program is loaded. */
const STAND_IN = "capsule-loading";
/** Arguments of entries that belong to the image. */
const KEPT_WORDS = ["", "manifest", "loading"];
/** For a program of which a task is to start again. */
const NOT_LOADED = failed("internal_error", "the program was not loaded");
/** The cause of an end that the cell asked for. */
const STOPPED = Symbol("stopped");

const gate = new WebAssembly.Module(GATE as BufferSource);
type Entry = (...args: number[]) => Promise<number>;

/** One QuickJS instance, driven by turns. See `GuestInstance`. */
export class QuickJsInstance implements GuestInstance<PreparedProgram> {
  readonly #parts: EngineParts;
  readonly #host: GuestHost;
  readonly #js: QuickJs;
  readonly #state: EngineState;
  readonly #fuel: FuelTank;
  readonly #clock = new FuelClock();
  readonly #values: Values;
  readonly #call: Entry;
  readonly #eval: Entry;
  readonly #job: Entry;
  readonly #rejections: Rejections;
  readonly #effects: Effects;
  /** While a program is loaded for its snapshot: what it asked for, and what it printed. */
  #loading: LoadRecord | null = null;
  /** The parts of the library that loading the program took. */
  #used: string[] = [];
  /** What it was reset to, and given, last. */
  #program: PreparedProgram | null = null;
  #environment: Surroundings["environment"] = {};
  /** Why the guest was ended from outside, if it was. */
  #doom: { readonly cause: unknown } | null = null;

  constructor(parts: EngineParts, host: GuestHost) {
    this.#parts = parts;
    this.#host = host;
    const effects = new Effects(host, (id) => this.#wait(id));
    this.#effects = effects;
    const instance = new WebAssembly.Instance(
      parts.module,
      doorImports({
        js: () => this.#js,
        values: () => this.#values,
        clock: () => this.#readClock(),
        asked: (what) => this.#loading?.reasons.add(what),
        output: (stream, text) => this.#output(stream, text),
        random: (length) => this.#host.random(length),
        library: (name) => {
          if (this.#loading) this.#used.push(name);
          return parts.library(name);
        },
        call: (mode, task, args) => effects.call(mode, task, args),
        wait: (id) => this.#wait(id),
        effect: (mode, name, request) => effects.ask(mode, name, request, this.#loading),
        effectSync: (name, request) => effects.askSync(name, request, this.#loading),
        payload: () => effects.takePayload(),
        revoke: (id) => effects.revoke(id),
        rejection: (promise, reason, handled) => this.#rejection(promise, reason, handled),
        doom: (cause) => this.#end(cause),
      }),
    );
    this.#js = instance.exports as unknown as QuickJs;
    this.#fuel = new FuelTank(this.#js.capsule_fuel, parts.slice ?? SLICE, this.#js.capsule_memory_granted);
    this.#values = new Values(this.#js, this.#fuel);
    this.#rejections = new Rejections(this.#js);
    this.#state = new EngineState(this.#js, mutableGlobals(instance.exports));
    const pause = new WebAssembly.Suspending(() => this.#pause());
    const { exports } = new WebAssembly.Instance(gate, { capsule: { yield: pause } });
    this.#js.capsule_gate.set(0, exports.gate);
    this.#call = WebAssembly.promising(this.#js.qjs_call) as unknown as Entry;
    this.#eval = WebAssembly.promising(this.#js.qjs_eval) as unknown as Entry;
    this.#job = WebAssembly.promising(this.#js.qjs_execute_pending_job) as unknown as Entry;
  }

  get fuelUsed(): number {
    return this.#fuel.used;
  }

  get ramUsed(): number {
    return this.#state.length;
  }

  get memory(): number {
    return this.#state.real;
  }

  grant(bytes: number): void {
    this.#state.grant(bytes);
  }

  get reusable(): boolean {
    return this.memory <= REUSE_PAGES * WASM_PAGE;
  }

  reset(program: PreparedProgram | null, limits: SandboxLimits, now: number): void {
    const { memory, globals } = program ?? this.#parts.base;
    this.#program = program;
    this.#state.set(memory, globals);
    this.#forget();
    this.#loading = null;
    this.#fuel.fill(limits.fuel);
    this.#clock.start(now);
    this.#limit(limits);
  }

  /** What belonged to another memory is over. */
  #forget(): void {
    this.#rejections.reset();
    this.#effects.reset();
    this.#doom = null;
  }

  #limit(limits: SandboxLimits): void {
    const heap = this.#state.limit(limits);
    this.#fuel.plain(() => this.#js.qjs_set_memory_limit(heap));
  }

  get imageBytes(): number {
    return this.#state.imageBytes;
  }

  get savedMemory(): number {
    return this.#state.savedMemory;
  }

  keep(): void {
    // What nobody handled failed the task that is over, or was behind what did.
    this.#fuel.plain(() => this.#rejections.forgive());
  }

  save(): void {
    this.#state.save(this.#clock.read(this.#fuel.used));
  }

  restore(): void {
    this.#clock.resume(this.#state.restore(), this.#fuel.used);
    this.#forget();
  }

  adopt(other: this): void {
    this.#program = other.#program;
    this.#environment = other.#environment;
    this.#state.adopt(other.#state);
    this.restore();
  }

  async again(task: string, args: Uint8Array, limits: SandboxLimits, now: number): Promise<TurnEnd> {
    this.#clock.renew(now, this.#fuel.used);
    this.#fuel.fill(limits.fuel);
    this.#effects.reset();
    const end = await this.#turn(async () => {
      this.#limit(limits);
      const answer = await this.#enter("again");
      if (String.fromCharCode(answer[0] ?? 0) === STATUS.typed) return NOT_LOADED;
      // What is given up may fail what nobody waits for any more: that is no failure of this task.
      while (await this.#runJobs());
      this.#fuel.plain(() => this.#rejections.forgive());
      return this.#begin(task, args);
    });
    if (end !== NOT_LOADED) return end;
    this.reset(this.#program, limits, now);
    return this.start(task, args, { environment: this.#environment, mounts: [] });
  }

  async load(source: Uint8Array, variables: readonly string[] = []): Promise<Loaded | TurnEnd> {
    const parts = partsMentioned(Buffer.from(source).toString());
    const unready = await this.#preload(parts);
    if (unready) return unready;
    const loading = new LoadRecord();
    this.#loading = loading;
    this.#used = [];
    const environment = Object.fromEntries(variables.map((name) => [name, STAND_IN]));
    let end = await this.#turn(async () => {
      await this.#surround(environment, "loading");
      return this.#evaluate(source, "manifest");
    });
    while (end.state === "idle" && end.wake !== null) end = await this.wake(end.wake);
    if (end.state === "idle")
      return failed("deadlock", "the program's top-level await waits for something that can never come");
    if (end.state !== "result") return end;
    const tasks = Buffer.from(end.json).toString();
    const reasons = [...loading.reasons];
    if (reasons.length > 0) {
      this.reset(null, LIMITS.load, 0);
      await this.#preload([...parts, ...this.#used]);
    }
    this.#fuel.plain(() => this.#js.qjs_run_gc());
    return {
      tasks,
      entry: "main",
      notice: "",
      snapshot: reasons.length > 0 ? "before" : "after",
      reasons,
      output: reasons.length > 0 ? [] : loading.output,
      image: this.#state.difference(this.#parts.base.memory),
    };
  }

  /** Loads parts of the library; gives what went wrong, if anything did. */
  async #preload(parts: readonly string[]): Promise<TurnEnd | null> {
    if (parts.length === 0) return null;
    const end = await this.#turn(async () => {
      await this.#enter("preload", this.#values.string(Buffer.from(parts.join(","))));
      return null;
    });
    return end.state === "idle" ? null : end;
  }

  start(task: string, args: Uint8Array, { environment } = NO_SURROUNDINGS): Promise<TurnEnd> {
    this.#environment = environment;
    const source = this.#program?.source;
    return this.#turn(async () => {
      if (Object.keys(environment).length > 0) await this.#surround(environment, "");
      const end = source ? await this.#evaluate(source, "") : null;
      return end ?? this.#begin(task, args);
    });
  }

  async #begin(task: string, args: Uint8Array): Promise<null> {
    await this.#enter("start", this.#values.string(Buffer.from(task)), this.#values.string(args));
    return null;
  }

  complete(call: number, envelope: Uint8Array, now: number): Promise<TurnEnd> {
    this.#clock.event(now, this.#fuel.used);
    return this.#turn(async () => {
      const { string, array } = this.#values;
      const id = string(Buffer.from(String(call)));
      if (this.#effects.endCall(call)) await this.#enter("complete", id, string(envelope));
      else {
        const { head, payload } = answerParts(envelope);
        await this.#enter("answer", id, string(head), array(payload));
      }
      return null;
    });
  }

  wake(now: number): Promise<TurnEnd> {
    this.#clock.event(now, this.#fuel.used);
    return this.#turn(async () => null);
  }

  /** Gives the guest its environment. */
  async #surround(environment: Readonly<Record<string, string>>, when: "loading" | ""): Promise<void> {
    const { words } = this.#parts.handles;
    const json = this.#values.string(Buffer.from(JSON.stringify(environment)));
    await this.#enter("environment", json, words[when] as number);
  }

  /** Evaluates the program as a module and hands the promise of its evaluation to the prelude. */
  async #evaluate(source: Uint8Array, then: "manifest" | ""): Promise<TurnEnd | null> {
    const text = this.#values.bytes(source);
    const name = this.#values.bytes(Buffer.from(PROGRAM_FILE));
    this.#fuel.chargeEntry();
    const promise = await this.#eval(text, source.length, name, EVAL_MODULE);
    this.#values.freeBytes(text, name);
    if (this.#fuel.plain(() => this.#js.qjs_is_exception(promise))) return this.#exception();
    await this.#enter("loading", promise, this.#parts.handles.words[then] as number);
    return null;
  }

  /**
   * One turn: `first`, then jobs, rejections and due timers until nothing is left to do.
   * Traps end here, whatever their cause.
   */
  async #turn(first: () => Promise<TurnEnd | null>): Promise<TurnEnd> {
    try {
      const early = await first();
      if (early) return early;
      for (;;) {
        const thrown = await this.#runJobs();
        if (thrown) return thrown;
        const status = await this.#next();
        if (status[0] !== STATUS.timer.charCodeAt(0))
          return this.#fuel.empty ? OUT_OF_FUEL : this.#unmasked(turnEnd(status, classify));
      }
    } catch (trap) {
      const cause = this.#doom ? this.#doom.cause : trap;
      if (cause === STOPPED) return { state: "stopped" };
      if (!this.#doom && this.#fuel.empty && !(cause instanceof OutOfGuestMemory)) return OUT_OF_FUEL;
      return trapped(cause, this.#state.stackPointer);
    }
  }

  async #runJobs(): Promise<TurnEnd | null> {
    while (this.#fuel.plain(() => this.#js.qjs_is_job_pending())) {
      this.#fuel.chargeEntry();
      if ((await this.#job()) < 0) return this.#exception();
    }
    return null;
  }

  /** Reports the first unhandled rejection, else polls. */
  async #next(): Promise<Uint8Array> {
    const reason = this.#fuel.plain(() => this.#rejections.takeFirst());
    return reason === undefined ? await this.#enter("poll") : await this.#enter("reject", reason);
  }

  /** Calls the prelude's entry function and reads its answer. Frees its arguments unless they belong to the image. */
  async #enter(op: EntryOp, a?: number, b?: number, c?: number): Promise<Uint8Array> {
    const { handles } = this.#parts;
    const argv = this.#values.pointers([
      handles.words[op] as number,
      a ?? handles.undefined,
      b ?? handles.undefined,
      c ?? handles.undefined,
    ]);
    this.#fuel.chargeEntry();
    const answer = await this.#call(handles.entry, handles.undefined, 4, argv);
    return this.#fuel.plain(() => {
      this.#js.wasm_free(argv);
      for (const value of [a, b, c])
        if (value !== undefined && !KEPT_WORDS.some((word) => value === handles.words[word]))
          this.#js.qjs_free_value(value);
      // The prelude catches whatever a program throws; it throws itself only when it has no memory left.
      if (answer === 0 || this.#js.qjs_is_exception(answer)) throw new OutOfGuestMemory();
      const text = this.#values.read(answer);
      this.#js.qjs_free_value(answer);
      return text;
    });
  }

  /** The engine's pending exception, described by the prelude. */
  async #exception(): Promise<TurnEnd> {
    const value = this.#fuel.plain(() => this.#js.qjs_get_exception());
    const status = await this.#enter("report", value);
    return raised(Buffer.from(status).toString(), classify);
  }

  async #pause(): Promise<number> {
    if (!this.#fuel.grant()) return 1;
    if (await this.#host.pause()) return 0;
    this.#doom ??= { cause: STOPPED };
    return 1;
  }

  async #wait(id: number): Promise<Uint8Array | null> {
    const completion = await this.#host.wait(id);
    if (completion === null) {
      this.#end(STOPPED);
      return null;
    }
    this.#clock.event(completion.now, this.#fuel.used);
    return completion.envelope;
  }

  /** The guest gets no answer any more and traps at its next check. */
  #end(cause: unknown): void {
    this.#doom ??= { cause };
    this.#fuel.drain();
  }

  /** An end as it is meant: an engine whose memory is full can only throw null. */
  #unmasked(end: TurnEnd): TurnEnd {
    const isFull = this.#js.capsule_pages.value >= 0.9 * this.#js.capsule_memory_limit.value;
    return isFull && isNullThrown(end) ? OUT_OF_MEMORY : end;
  }

  #readClock(): bigint {
    this.#loading?.reasons.add("the clock");
    return this.#clock.read(this.#fuel.used);
  }

  #output(stream: 1 | 2, text: Uint8Array): void {
    if (this.#loading) this.#loading.print(stream, text);
    else this.#host.output(stream, text);
  }

  #rejection(promise: number, reason: number, handled: boolean): void {
    try {
      this.#fuel.plain(() => this.#rejections.follow(promise, reason, handled));
    } catch (cause) {
      this.#end(cause);
    }
  }
}
