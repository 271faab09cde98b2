import type { GuestHost, GuestInstance, Image, Loaded, SandboxLimits, TurnEnd } from "@capsule-run/protocol";
import { failed, LIMITS, LoadRecord, NO_SURROUNDINGS, raised, turnEnd } from "@capsule-run/protocol";
import {
  difference,
  FuelClock,
  FuelTank,
  GATE,
  mutableGlobals,
  SLICE,
  WASM_PAGE,
} from "@capsule-run/wasm/host";
import { type EntryOp, PROGRAM_FILE, STATUS } from "../door.ts";
import { classify, isNullThrown, OUT_OF_FUEL, OUT_OF_MEMORY } from "./answers.ts";
import { answerParts, Effects } from "./effects.ts";
import { EVAL_MODULE, type QuickJs } from "./exports.ts";
import type { Handles } from "./handles.ts";
import { doorImports } from "./imports.ts";
import { partsMentioned } from "./preload.ts";
import { Rejections } from "./rejections.ts";
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

const MAX_PAGES = 65_536;
/** An instance that grew beyond this is cheaper to throw away than to keep. */
const REUSE_PAGES = 128;
/**
 * What of `ram` the engine's allocator may hand out, beyond what lies below the heap. The rest is for fragmentation and
 * for the exception the guest gets: an allocator that meets the end of memory itself can only throw `null`.
 */
const HEAP_SHARE = 0.94;
const BELOW_HEAP = 1_310_720;

/** What declared variables of the environment have while a program is loaded. */
const STAND_IN = "capsule-loading";
/** Arguments of entries that belong to the image. */
const KEPT_WORDS = ["", "manifest", "loading"];
/** The cause of an end that the cell asked for. */
const STOPPED = Symbol("stopped");

const gate = new WebAssembly.Module(GATE as BufferSource);
type Entry = (...args: number[]) => Promise<number>;

/** One QuickJS instance, driven by turns. See `GuestInstance`. */
export class QuickJsInstance implements GuestInstance<PreparedProgram> {
  readonly #parts: EngineParts;
  readonly #host: GuestHost;
  readonly #js: QuickJs;
  readonly #globals: readonly WebAssembly.Global<"i32">[];
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
  #source: Uint8Array | null = null;
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
    this.#globals = mutableGlobals(instance.exports);
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
    return this.#js.capsule_pages.value * WASM_PAGE;
  }

  get memory(): number {
    return this.#js.memory.buffer.byteLength;
  }

  grant(bytes: number): void {
    this.#js.capsule_memory_granted.value = Math.min(MAX_PAGES, Math.floor(bytes / WASM_PAGE));
  }

  get reusable(): boolean {
    return this.memory <= REUSE_PAGES * WASM_PAGE;
  }

  reset(program: PreparedProgram | null, limits: SandboxLimits, now: number): void {
    const { memory, globals, source } = program ?? this.#parts.base;
    this.#source = source;
    const pages = memory.length / WASM_PAGE;
    const real = this.#js.memory.buffer.byteLength;
    if (memory.length > real) this.#js.memory.grow((memory.length - real) / WASM_PAGE);
    const bytes = new Uint8Array(this.#js.memory.buffer);
    bytes.set(memory);
    // All that is really there, not only what the guest knows of: a guest that broke its engine may have written to it.
    bytes.fill(0, memory.length);
    for (const [i, value] of globals.entries()) (this.#globals[i] as WebAssembly.Global<"i32">).value = value;
    this.#js.capsule_pages.value = pages;
    this.#js.capsule_memory_limit.value =
      limits.ram === null ? MAX_PAGES : Math.min(MAX_PAGES, Math.floor(limits.ram / WASM_PAGE));
    this.#rejections.reset();
    this.#effects.reset();
    this.#loading = null;
    this.#doom = null;
    this.#fuel.fill(limits.fuel);
    this.#clock.start(now);
    const heap = limits.ram === null ? 0 : Math.max(1, Math.floor((limits.ram - BELOW_HEAP) * HEAP_SHARE));
    this.#fuel.plain(() => this.#js.qjs_set_memory_limit(heap));
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
    return {
      tasks,
      entry: "main",
      notice: "",
      snapshot: reasons.length > 0 ? "before" : "after",
      reasons,
      output: reasons.length > 0 ? [] : loading.output,
      image: this.#image(),
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

  #image(): Image {
    this.#fuel.plain(() => this.#js.qjs_run_gc());
    const memory = new Uint8Array(this.#js.memory.buffer, 0, this.ramUsed);
    return {
      globals: this.#globals.map((global) => global.value),
      pages: difference(memory, this.#parts.base.memory),
    };
  }

  start(task: string, args: Uint8Array, { environment } = NO_SURROUNDINGS): Promise<TurnEnd> {
    return this.#turn(async () => {
      if (Object.keys(environment).length > 0) await this.#surround(environment, "");
      if (this.#source) {
        const end = await this.#evaluate(this.#source, "");
        if (end) return end;
      }
      await this.#enter("start", this.#values.string(Buffer.from(task)), this.#values.string(args));
      return null;
    });
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
      if (cause instanceof OutOfGuestMemory) return failed("out_of_memory", "out of memory");
      if (!this.#doom && this.#fuel.empty) return OUT_OF_FUEL;
      // Below zero: the engine ran off the C stack where it does not check, as it does in iterator helpers.
      if (cause instanceof RangeError || (this.#globals[0]?.value ?? 0) < 0)
        return failed("stack_overflow", "Maximum call stack size exceeded");
      return failed(
        "internal_error",
        `the engine failed: ${cause instanceof Error ? cause.message : String(cause)}`,
      );
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
    const reason = this.#rejections.first;
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
