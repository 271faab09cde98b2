import {
  type EffectMode,
  type EffectName,
  type ErrorReport,
  type ErrorType,
  failed,
  type GuestEvent,
  type GuestHost,
  type GuestInstance,
  LIMITS,
  type Loaded,
  NO_SURROUNDINGS,
  type SandboxLimits,
  type TurnEnd,
  turnEnd,
} from "@capsule-run/protocol";
import { FuelClock, FuelTank, GATE, mutableGlobals, SLICE } from "@capsule-run/wasm/host";
import type { AttemptSurroundings } from "../door.ts";
import { readFiles } from "../files.ts";
import type { BaseImage } from "./base.ts";
import { answer, type Word } from "./door.ts";
import type { Python } from "./exports.ts";
import { Loading } from "./loading.ts";
import type { PreparedProgram } from "./prepared.ts";
import { EngineState } from "./state.ts";
import { OutOfGuestMemory, Values } from "./values.ts";
import { createWasi, hostCall, type Tree, type Wasi } from "./wasi/index.ts";

/** What all instances of an opened engine share. */
export interface EngineParts {
  readonly module: WebAssembly.Module;
  readonly base: BaseImage;
  readonly globals: readonly number[];
  /** The prelude's entry function, in the image. */
  readonly entry: number;
  /** The engine's own files. */
  readonly files: Tree;
  /** What a function that was cut out belongs to. */
  cutCode(index: number): string;
  /** Fuel per slice; tests use others to show that it makes no difference. */
  readonly slice?: number;
}

/** An instance that grew beyond the engine's image by more is cheaper to throw away than to keep. */
const REUSE_GROWTH = 48 * 1024 * 1024;

/** Why the guest was ended from outside. */
type Doom =
  | { readonly why: "stopped" }
  | { readonly why: "exit"; readonly code: number }
  | { readonly why: "deadlock" }
  | { readonly why: "broken"; readonly cause: unknown };

type Entry = (callable: number, argument: number) => Promise<number>;
const gate = new WebAssembly.Module(GATE as BufferSource);

/** One CPython instance, driven by turns. See `GuestInstance`. */
export class PythonInstance implements GuestInstance<PreparedProgram> {
  readonly #parts: EngineParts;
  readonly #host: GuestHost;
  readonly #python: Python;
  readonly #state: EngineState;
  readonly #fuel: FuelTank;
  readonly #clock = new FuelClock();
  readonly #values: Values;
  readonly #wasi: Wasi;
  readonly #call: Entry;
  /** The program whose files it may read, and whether each attempt loads it. */
  #program: Pick<PreparedProgram, "files" | "snapshot"> | null = null;
  /** What it was reset to last. */
  #fresh: PreparedProgram | null = null;
  /** While a program is loaded for its snapshot: what it asked for, and what it printed. */
  #loading: Loading | null = null;
  #doom: Doom | null = null;
  /** What it was given when its task started, and whether its program is loaded. */
  #surroundings = NO_SURROUNDINGS;
  #loaded = false;

  constructor(parts: EngineParts, host: GuestHost) {
    this.#parts = parts;
    this.#host = host;
    const doom = (cause: unknown): void => this.#end({ why: "broken", cause });
    const charge = (units: number): void => this.#fuel.charge(units);
    const memory = (): WebAssembly.Memory => this.#python.memory;
    const wrote = (at: number, length: number): void => this.#state.wrote(at, length);
    this.#wasi = createWasi({
      engine: parts.files,
      host: {
        clock: () => {
          this.#loading?.clock();
          return this.#clock.read(this.#fuel.used);
        },
        random: (length) => {
          this.#loading?.random();
          return this.#host.random(length);
        },
        output: (stream, text) => this.#output(stream, text),
        sleep: (until) => this.#sleep(until),
        exit: (code) => this.#end({ why: "exit", code }),
        files: {
          ask: (name, request) => this.#answer(this.#host.effect("sync", name, request)),
          post: (name, request) => void this.#host.effect("post", name, request),
        },
        missed: (path) => this.#loading?.missed(path),
        charge,
        doom,
        wrote,
      },
    });
    const call = hostCall({
      memory,
      longest: MOST_REQUEST,
      allocate: (length) => (this.#doom ? 0 : this.#values.allocate(length)),
      call: (request) => (this.#doom ? null : answer(this.#doorHost, request)),
      charge,
      doom,
      wrote,
    });
    const instance = new WebAssembly.Instance(parts.module, {
      wasi_snapshot_preview1: this.#wasi.imports(memory),
      host: { call: new WebAssembly.Suspending(call) },
    });
    this.#python = instance.exports as unknown as Python;
    this.#fuel = new FuelTank(
      this.#python.capsule_fuel,
      parts.slice ?? SLICE,
      this.#python.capsule_memory_granted,
    );
    this.#values = new Values(this.#python, this.#fuel, wrote);
    this.#state = new EngineState(this.#python, mutableGlobals(instance.exports), parts.base);
    const pause = new WebAssembly.Suspending(() => this.#pause());
    const { exports } = new WebAssembly.Instance(gate, { capsule: { yield: pause } });
    this.#python.capsule_gate.set(0, exports.gate);
    this.#call = WebAssembly.promising(this.#python.PyObject_CallOneArg) as Entry;
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
    return this.memory <= this.#parts.base.layout.length + REUSE_GROWTH;
  }

  reset(program: PreparedProgram | null, limits: SandboxLimits, now: number): void {
    this.#state.set(program, program?.globals ?? this.#parts.globals);
    this.#state.limit(limits);
    this.#program = this.#fresh = program;
    this.#loaded = false;
    this.#loading = null;
    this.#doom = null;
    this.#fuel.fill(limits.fuel);
    this.#clock.start(now);
    this.#wasi.reset(program?.files ?? null);
  }

  get imageBytes(): number {
    return this.#state.imageBytes;
  }

  get savedMemory(): number {
    return this.#state.savedMemory;
  }

  keep(): void {
    this.#wasi.keep();
  }

  save(): void {
    this.#state.save(this.#clock.read(this.#fuel.used));
  }

  restore(): void {
    this.#clock.resume(this.#state.restore(), this.#fuel.used);
    this.#doom = null;
    this.#wasi.restore();
  }

  adopt(other: this): void {
    this.#program = other.#program;
    this.#fresh = other.#fresh;
    this.#surroundings = other.#surroundings;
    this.#loaded = other.#loaded;
    this.#state.adopt(other.#state);
    this.#wasi.adopt(other.#wasi);
    this.restore();
  }

  async again(task: string, args: Uint8Array, limits: SandboxLimits, now: number): Promise<TurnEnd> {
    if (!this.#loaded) {
      this.reset(this.#fresh, limits, now);
      return this.start(task, args, this.#surroundings);
    }
    this.#wasi.waited();
    this.#clock.renew(now, this.#fuel.used);
    this.#fuel.fill(limits.fuel);
    this.#state.limit(limits);
    return this.#turn("S", `${task}\0`, args);
  }

  async load(bundle: Uint8Array, variables: readonly string[] = []): Promise<Loaded | TurnEnd> {
    const files = readFiles(bundle);
    this.#program = { files, snapshot: "before" };
    this.#wasi.reset(files);
    const loading = new Loading();
    this.#loading = loading;
    let end = await this.#turn("L", `${files.entry}\0${JSON.stringify(variables)}`);
    while (end.state === "idle" && end.wake !== null) end = await this.wake(end.wake);
    if (end.state === "idle") return failed("deadlock", TOP_LEVEL_DEADLOCK);
    if (end.state !== "result") return end;
    const { tasks, entry, notice } = JSON.parse(Buffer.from(end.json).toString()) as {
      tasks: unknown;
      entry: string | null;
      notice: string | null;
    };
    const reasons = [...loading.record.reasons, ...this.#wasi.snapshotState()];
    if (reasons.length > 0) this.reset(null, LIMITS.load, 0);
    return {
      tasks: JSON.stringify(tasks),
      entry: entry ?? "",
      notice: notice ?? "",
      snapshot: reasons.length > 0 ? "before" : "after",
      reasons,
      output: reasons.length > 0 ? [] : loading.record.output,
      image: this.#state.difference(),
    };
  }

  async start(task: string, args: Uint8Array, surroundings = NO_SURROUNDINGS): Promise<TurnEnd> {
    this.#surroundings = surroundings;
    const { environment } = surroundings;
    const mounts = surroundings.mounts.map(({ path }) => path);
    const mounted = mounts.length > 0;
    if (this.#program && mounted) this.#wasi.reset(this.#program.files, mounts);
    const seen: AttemptSurroundings = { environment, mounted };
    const isAny = mounted || Object.keys(environment).length > 0;
    const fresh = await this.#turn("Z", isAny ? JSON.stringify(seen) : "");
    if (fresh.state !== "idle") return fresh;
    if (this.#program?.snapshot === "before") {
      const loaded = await this.#turn("L", this.#program.files.entry);
      if (loaded.state !== "result") return loaded;
    }
    this.#loaded = true;
    return this.#turn("S", `${task}\0`, args);
  }

  complete(call: number, envelope: Uint8Array, now: number): Promise<TurnEnd> {
    this.#wasi.waited();
    this.#clock.event(now, this.#fuel.used);
    return this.#turn("C", `${call}\0`, envelope);
  }

  wake(now: number): Promise<TurnEnd> {
    this.#wasi.waited();
    this.#clock.event(now, this.#fuel.used);
    return this.#turn("W");
  }

  /** One entry of the prelude. Traps end here, whatever their cause. */
  async #turn(...message: readonly (string | Uint8Array)[]): Promise<TurnEnd> {
    try {
      const request = this.#values.bytes(
        ...message.map((part) => (typeof part === "string" ? Buffer.from(part) : part)),
      );
      this.#fuel.chargeEntry();
      const result = await this.#call(this.#parts.entry, request);
      this.#fuel.plain(() => this.#python._Py_DecRef(request));
      if (this.#fuel.empty) return OUT_OF_FUEL;
      const status = result === 0 ? null : this.#values.take(result);
      if (status) return turnEnd(status, classify);
      this.#fuel.plain(() => this.#python.PyErr_Clear());
      return this.#state.starved ? failed("out_of_memory", "MemoryError") : failed("task_error", DAMAGED);
    } catch (trap) {
      return this.#trapped(trap);
    }
  }

  #trapped(trap: unknown): TurnEnd {
    const doom = this.#doom;
    switch (doom?.why) {
      case "stopped":
        return { state: "stopped" };
      case "exit":
        return failed("task_error", `the program ended itself by os._exit(${doom.code})`);
      case "deadlock":
        return failed("deadlock", TOP_LEVEL_DEADLOCK);
      case "broken":
        return failed("internal_error", `the engine's host failed: ${textOf(doom.cause)}`);
    }
    if (trap instanceof OutOfGuestMemory) return failed("out_of_memory", "MemoryError");
    const { cut } = this.#state;
    if (cut !== null) return { state: "lacking", code: this.#parts.cutCode(cut) };
    if (this.#python.capsule_deadlock.value !== 0) return failed("deadlock", LOCK_DEADLOCK);
    if (this.#fuel.empty) return OUT_OF_FUEL;
    // Below zero: the engine ran off the C stack where it does not check.
    if (trap instanceof RangeError || this.#state.stackPointer < 0)
      return failed("stack_overflow", "the engine's stack overflowed");
    if (!(trap instanceof WebAssembly.RuntimeError))
      return failed("internal_error", `the sandbox failed: ${textOf(trap)}`);
    if (trap.message === "unreachable") return failed("task_error", ABORTED);
    // Some of CPython takes no care of an allocation that fails.
    if (this.#state.starved) return failed("out_of_memory", "MemoryError");
    return failed("task_error", `the Python interpreter crashed (${trap.message}): ${CORRUPTED}`);
  }

  async #pause(): Promise<number> {
    if (!this.#fuel.grant()) return 1;
    if (await this.#host.pause()) return 0;
    this.#doom ??= { why: "stopped" };
    return 1;
  }

  readonly #doorHost = {
    call: (mode: "sync" | "async", task: string, args: Uint8Array): number | null =>
      this.#loading ? null : this.#host.call(mode, task, args),
    effect: (mode: EffectMode, name: EffectName, request: Uint8Array): number | null => {
      this.#loading?.effect(name);
      return this.#loading ? null : this.#host.effect(mode, name, request);
    },
    wait: (id: number): Promise<Uint8Array | null> => {
      this.#wasi.waited();
      return this.#answer(id);
    },
    rest: (wake: number | null, pending: number) => this.#rest(wake, pending, false),
    revoke: (id: number): void => this.#host.revoke(id),
    hear: (word: Word): void => this.#loading?.hear(word),
  };

  /** The answer to a call or an effect that the guest is suspended for; null: it has been ended. */
  async #answer(id: number): Promise<Uint8Array | null> {
    const completion = await this.#host.wait(id);
    if (completion) this.#clock.event(completion.now, this.#fuel.used);
    else this.#end({ why: "stopped" });
    return completion?.envelope ?? null;
  }

  /** While a program is loaded, the time that it waits for passes at once. */
  async #rest(wake: number | null, pending: number, deaf: boolean): Promise<GuestEvent | null> {
    this.#wasi.waited();
    if (this.#loading && wake === null) {
      this.#end({ why: "deadlock" });
      return null;
    }
    const event: GuestEvent | null =
      this.#loading && wake !== null
        ? { type: "wake", now: wake }
        : await this.#host.rest(wake, pending, deaf);
    if (event) this.#clock.event(event.now, this.#fuel.used);
    else this.#end({ why: "stopped" });
    return event;
  }

  /** @param until nanoseconds since 1970, rounded up here so that it has passed for the guest too */
  async #sleep(until: bigint): Promise<boolean> {
    const microseconds = Number((until + 999n) / 1000n);
    return (await this.#rest(microseconds / 1000, 0, true)) !== null;
  }

  /** The guest gets no answer any more and traps at its next check. */
  #end(doom: Doom): void {
    this.#doom ??= doom;
    this.#fuel.drain();
  }

  #output(stream: 1 | 2, text: Uint8Array): void {
    if (this.#loading) this.#loading.record.print(stream, text);
    else this.#host.output(stream, text);
  }
}

const MOST_REQUEST = Math.max(LIMITS.argumentBytes, LIMITS.effectBytes + LIMITS.effectHeadBytes) + 4096;
const OUT_OF_FUEL = failed("out_of_fuel", "");
const ABORTED = "the Python interpreter was aborted, by os.abort() or a fatal error of its own";
const CORRUPTED = "something damaged it from inside, such as forged bytecode";
const DAMAGED = "the program changed the interpreter so much that it gives no answer any more";
const LOCK_DEADLOCK =
  "it waits for a lock that nothing can release any more: there is one thread in a sandbox";
const TOP_LEVEL_DEADLOCK = "the program's top-level code waits for something that can never come";

/** What an exception that the task did not catch is called in an envelope. */
const classify = ({ type }: ErrorReport): ErrorType =>
  type === "out_of_memory" || type === "stack_overflow" ? type : "task_error";

const textOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
