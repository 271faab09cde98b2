/** A host for tests: the real engine, driven as a cell drives it, with a look at the guest's memory. */
import { createHash } from "node:crypto";
import { setFlagsFromString } from "node:v8";
import {
  type ArtifactParts,
  decodeEffect,
  EffectError,
  type EffectName,
  encodeAnswer,
  type GuestEngine,
  type GuestEvent,
  type GuestInstance,
  type Loaded,
  NO_SURROUNDINGS,
  type SandboxLimits,
  type Surroundings,
  type TurnEnd,
} from "@capsule-run/protocol";
import { packFiles } from "../../files.ts";
import { openEngine } from "../engine.ts";
import type { PreparedProgram } from "../prepared.ts";
import { engineFolder } from "./engine.ts";

// The stacks of a cell: without them V8's own limits would come before the engine's. No guest has run yet.
for (const flag of ["--stack-size=3936", "--wasm-stack-switching-stack-size=3936", "--wasm-lazy-validation"])
  setFlagsFromString(flag);

export const AMPLE: SandboxLimits = { fuel: 50_000_000_000, ram: null };
export const NOW = 1_700_000_000_000;

/** The exports of each instance that was made, newest last: memory is the drive's own secret otherwise. */
const made: WebAssembly.Exports[] = [];
const Native = WebAssembly.Instance;
WebAssembly.Instance = class extends Native {
  constructor(module: WebAssembly.Module, imports?: WebAssembly.Imports) {
    super(module, imports);
    if ("PyObject_CallOneArg" in this.exports) made.push(this.exports);
  }
};

export interface HostCallRecord {
  readonly mode: "sync" | "async";
  readonly task: string;
  readonly args: string;
}

/** An effect that a guest asked for. */
export interface EffectRecord {
  readonly id: number;
  readonly name: EffectName;
  readonly head: Readonly<Record<string, unknown>>;
  readonly payload: Uint8Array;
}

/** What answers one: the head and the payload of its answer, or an `EffectError` thrown. */
export type EffectHandler = (
  effect: EffectRecord,
) => Promise<{ readonly head: object; readonly payload?: Uint8Array }>;

/** The ids of effects begin here: those of calls count from 1. */
const EFFECTS = 1_000_000;

/** An envelope of success. */
export const success = (result: unknown): Uint8Array =>
  Buffer.from(JSON.stringify({ success: true, result, error: null, execution: {} }));

/** The engine's folder for `core`, found once. A process that started this one may have told it. */
let folder = process.env.CAPSULE_TEST_ENGINE ?? null;
export function coreFolder(): string {
  folder ??= engineFolder("core");
  return folder;
}

const opened = new Map<number | undefined, GuestEngine<PreparedProgram>>();
function engineOf(slice: number | undefined): GuestEngine<PreparedProgram> {
  const engine = opened.get(slice) ?? openEngine(coreFolder(), "core", slice === undefined ? {} : { slice });
  opened.set(slice, engine);
  return engine;
}

/** One instance with a host whose answers a test decides. */
export class TestGuest {
  readonly engine: GuestEngine<PreparedProgram>;
  readonly instance: GuestInstance<PreparedProgram>;
  readonly #exports: WebAssembly.Exports;
  calls: HostCallRecord[] = [];
  revoked: number[] = [];
  /** All effects, in the order in which they were asked for. */
  effects: EffectRecord[] = [];
  /** The answers that are still to come, by the id of the effect. */
  readonly #answers = new Map<number, Promise<Uint8Array>>();
  outputBytes = 0;
  /** The last of what the guest printed. */
  output = "";
  pauses = 0;
  /** What the host says at each pause; false ends the guest. */
  onPause: () => boolean = () => true;
  /** What a sync call is answered; null ends the guest. */
  onWait: (id: number) => Promise<{ envelope: Uint8Array; now: number } | null> = async (id) => ({
    envelope: success(id),
    now: NOW + id,
  });
  /** What a guest that rests hears; null ends it. Nothing it could wait for keeps it: the time comes at once. */
  onRest: (wake: number | null, pending: number) => GuestEvent | null = (wake) => ({
    type: "wake",
    now: wake ?? NOW,
  });
  /** What answers effects. */
  onEffect: EffectHandler = async ({ name }) => {
    throw new EffectError("ENOSYS", `no ${name} in this test`);
  };
  /** False ends the guest while it waits for an effect. */
  onAnswer: (effect: EffectRecord) => boolean = () => true;
  /** What attempts see beside their arguments. */
  surroundings: Surroundings = NO_SURROUNDINGS;
  seed = "seed";
  #drawn = 0;

  constructor(options: { readonly slice?: number } = {}) {
    this.engine = engineOf(options.slice);
    this.instance = this.engine.create({
      pause: async () => {
        this.pauses++;
        await new Promise(setImmediate);
        return this.onPause();
      },
      call: (mode, task, args) => {
        this.calls.push({ mode, task, args: Buffer.from(args).toString() });
        return this.calls.length;
      },
      effect: (mode, name, request) => {
        const { head, payload } = decodeEffect(request) ?? { head: {}, payload: new Uint8Array(0) };
        const effect = { id: EFFECTS + this.effects.length, name, head, payload: payload.slice() };
        this.effects.push(effect);
        const answer = this.#answer(effect);
        if (mode !== "post") this.#answers.set(effect.id, answer);
        return effect.id;
      },
      wait: async (id) => {
        const answer = this.#answers.get(id);
        if (!answer) return this.onWait(id);
        this.#answers.delete(id);
        const envelope = await answer;
        return this.onAnswer(this.effects[id - EFFECTS] as EffectRecord) ? { envelope, now: NOW } : null;
      },
      rest: async (wake, pending) => {
        await new Promise(setImmediate);
        const answered = await this.#answered();
        if (!answered) return this.onRest(wake, pending);
        return { type: "complete", call: answered.id, envelope: answered.answer, now: NOW };
      },
      revoke: (id) => {
        this.revoked.push(id);
        this.#answers.delete(id);
      },
      output: (_stream, text) => {
        this.outputBytes += text.length;
        this.output = (this.output + Buffer.from(text).toString()).slice(-MOST_OUTPUT);
      },
      random: (length) => {
        const bytes = new Uint8Array(length);
        for (let at = 0; at < length; at += 32) {
          const drawn = createHash("sha256")
            .update(`${this.seed} ${this.#drawn++}`)
            .digest();
          bytes.set(drawn.subarray(0, length - at), at);
        }
        return bytes;
      },
    });
    this.#exports = made.at(-1) as WebAssembly.Exports;
  }

  /** Loads a program of one file, and of data files if there are any. */
  async load(source: string, files: Readonly<Record<string, string>> = {}): Promise<PreparedProgram> {
    const bundle = bundleOf(source, files);
    this.instance.reset(null, AMPLE, 0);
    const loaded = await this.instance.load(bundle);
    if ("state" in loaded) throw new Error(`not loaded: ${JSON.stringify(loaded)}`);
    const { image, snapshot } = loaded as Loaded;
    const parts: ArtifactParts = { ...image, snapshot, bundle };
    return this.engine.prepare(parts);
  }

  reset(program: PreparedProgram | null, limits: SandboxLimits = AMPLE, now = NOW): void {
    this.calls = [];
    this.revoked = [];
    this.effects = [];
    this.#answers.clear();
    this.output = "";
    this.outputBytes = 0;
    this.pauses = 0;
    this.#drawn = 0;
    this.instance.reset(program, limits, now);
  }

  start(task: string, ...args: readonly unknown[]): Promise<TurnEnd> {
    return this.instance.start(task, Buffer.from(JSON.stringify(args)), this.surroundings);
  }

  async #answer(effect: EffectRecord): Promise<Uint8Array> {
    try {
      const { head, payload = new Uint8Array(0) } = await this.onEffect(effect);
      return encodeAnswer({ ok: true, head, payload });
    } catch (error) {
      if (!(error instanceof EffectError)) throw error;
      return encodeAnswer({ ok: false, code: error.code, message: error.message });
    }
  }

  /** The first answer that comes to those who wait; null: nobody waits. */
  async #answered(): Promise<{ readonly id: number; readonly answer: Uint8Array } | null> {
    if (this.#answers.size === 0) return null;
    const first = await Promise.race(
      [...this.#answers].map(async ([id, answer]) => ({ id, answer: await answer })),
    );
    this.#answers.delete(first.id);
    return first;
  }

  /** Starts a task and brings it to its end: effects are answered, timers are due at once, async calls succeed with their number. */
  async run(task: string, ...args: readonly unknown[]): Promise<TurnEnd> {
    let now = NOW;
    let answered = 0;
    let end = await this.start(task, ...args);
    while (end.state === "idle") {
      const effect = await this.#answered();
      if (effect) {
        end = await this.instance.complete(effect.id, effect.answer, now);
        continue;
      }
      const open = this.calls.findIndex(({ mode }, i) => mode === "async" && i >= answered);
      if (open >= 0) {
        answered = open + 1;
        now += 1;
        end = await this.instance.complete(open + 1, success(open), now);
      } else if (end.wake !== null) {
        now = Math.max(now, end.wake);
        end = await this.instance.wake(now);
      } else break;
    }
    return end;
  }

  /** The memory the guest sees. */
  get memory(): Uint8Array {
    return this.realMemory.subarray(0, this.instance.ramUsed);
  }

  /** All memory there is, beyond what the guest sees too. */
  get realMemory(): Uint8Array {
    return new Uint8Array((this.#exports.memory as WebAssembly.Memory).buffer);
  }

  /** The mutable globals of the instance that are the guest's own: its stack pointer and the like. */
  get globals(): readonly number[] {
    return Object.entries(this.#exports)
      .filter(([name]) => name.startsWith("capsule_global_"))
      .map(([, global]) => (global as WebAssembly.Global<"i32">).value);
  }

  get digest(): string {
    return createHash("sha256").update(this.memory).digest("hex");
  }
}

const MOST_OUTPUT = 64 * 1024;

/** A program of `/app/main.py` and of more files beside it, packed. */
export function bundleOf(source: string, files: Readonly<Record<string, string>> = {}): Uint8Array {
  const all = { "main.py": source, ...files };
  return packFiles({
    entry: "/app/main.py",
    variant: "core",
    files: Object.entries(all).map(([name, text]) => ({ path: `/app/${name}`, bytes: Buffer.from(text) })),
  });
}

/** The value of a result, or how else a turn ended. */
export function resultOf(end: TurnEnd): unknown {
  return end.state === "result" ? JSON.parse(Buffer.from(end.json).toString()) : end;
}

/** How a turn ended, in a word: `result`, an error type, or the state. */
export const kindOf = (end: TurnEnd): string =>
  end.state === "raised" || end.state === "failed" ? end.error : end.state;

/** The last line of what a turn ended with. */
export function messageOf(end: TurnEnd): string {
  if (end.state === "raised") return end.report.message;
  if (end.state === "failed") return end.message;
  return end.state === "result" ? Buffer.from(end.json).toString() : JSON.stringify(end);
}

/**
 * A program whose one task executes the code it is given, at a depth of a few frames: so one image serves many cases.
 * The result is what the code leaves in `result`.
 */
export const EXECUTOR = `
from capsule import task

@task
def run(code):
    scope = {"__name__": "case"}
    exec(compile(code, "/app/case.py", "exec"), scope)
    return scope.get("result")

@task
def other(x):
    return x

@task
async def other_async(x):
    return x
`;

/** Code that executes other code, catches what it is about, and goes on: the result is what was caught, and 4950, 290. */
export const caught = (code: string): string => `
import json
scope = {"__name__": "case"}
caught = None
try:
    exec(compile(${JSON.stringify(code)}, "/app/inner.py", "exec"), scope)
except MemoryError:
    caught = "MemoryError"
except RecursionError:
    caught = "RecursionError"
scope.clear()
result = [caught, sum(range(100)), len(json.dumps([str(i) for i in range(50)]))]
`;
