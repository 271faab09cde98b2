/** A host for tests: the built engine, driven as a cell drives it, with a look at the guest's memory. */
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import type {
  GuestEngine,
  GuestInstance,
  Image,
  Loaded,
  SandboxLimits,
  TurnEnd,
} from "@capsule-run/protocol";
import {
  decodeEffect,
  type EffectAnswer,
  type EffectMode,
  type EffectName,
  encodeAnswer,
} from "@capsule-run/protocol";
import { openEngine } from "../engine.ts";
import type { PreparedProgram } from "../instance.ts";

/** The folder that the build makes. */
export const ENGINE_FOLDER = fileURLToPath(
  new URL("../../../../cli/dist/engine-javascript", import.meta.url),
);

export const AMPLE: SandboxLimits = { fuel: 50_000_000_000, ram: null };

/** The exports of each instance that was made, newest last: memory is the drive's own secret otherwise. */
const made: WebAssembly.Exports[] = [];
const Native = WebAssembly.Instance;
WebAssembly.Instance = class extends Native {
  constructor(module: WebAssembly.Module, imports?: WebAssembly.Imports) {
    super(module, imports);
    if ("memory" in this.exports) made.push(this.exports);
  }
};

export interface HostCallRecord {
  readonly mode: "sync" | "async";
  readonly task: string;
  readonly args: string;
}

export interface EffectRecord {
  readonly id: number;
  readonly mode: EffectMode;
  readonly name: EffectName;
  /** Null if the request can't be understood. */
  readonly head: Readonly<Record<string, unknown>> | null;
  readonly payload: Uint8Array;
}

const NOTHING = new Uint8Array(0);
const NO_ANSWER: EffectAnswer = { ok: false, code: "ENOSYS", message: "no" };

/** An envelope of success. */
export const success = (result: unknown): Uint8Array =>
  Buffer.from(JSON.stringify({ success: true, result, error: null, execution: {} }));

/** One instance with a host whose answers a test decides. */
export class TestGuest {
  readonly engine: GuestEngine<PreparedProgram>;
  readonly instance: GuestInstance;
  readonly #exports: WebAssembly.Exports;
  calls: HostCallRecord[] = [];
  output = "";
  pauses = 0;
  /** What the host says at each pause; false ends the guest. */
  onPause: () => boolean = () => true;
  /** What a sync call is answered; null ends the guest. */
  onWait: (id: number) => Promise<{ envelope: Uint8Array; now: number } | null> = async () => null;
  onRevoke: (id: number) => void = () => {};
  seed = "seed";
  #drawn = 0;

  /** The effects that were asked for, and what each is answered: at once, or by `instance.complete`. */
  effects: EffectRecord[] = [];
  onEffect: (name: EffectName, head: object, payload: Uint8Array) => EffectAnswer = () => NO_ANSWER;

  constructor(options: Parameters<typeof openEngine>[1] = {}) {
    this.engine = openEngine(ENGINE_FOLDER, options);
    this.instance = this.engine.create({
      pause: async () => {
        this.pauses++;
        await new Promise(setImmediate);
        return this.onPause();
      },
      call: (mode, task, args) => {
        this.calls.push({ mode, task, args: Buffer.from(args).toString() });
        return this.calls.length + this.effects.length;
      },
      effect: (mode, name, request) => {
        const asked = decodeEffect(request);
        const id = this.calls.length + this.effects.length + 1;
        this.effects.push({ id, mode, name, head: asked?.head ?? null, payload: asked?.payload ?? NOTHING });
        return id;
      },
      wait: (id) => this.#answered(id) ?? this.onWait(id),
      rest: async () => null,
      revoke: (id) => this.onRevoke(id),
      output: (_stream, text) => {
        this.output += Buffer.from(text).toString();
      },
      random: (length) => {
        const bytes = new Uint8Array(length);
        for (let i = 0; i < length; i++)
          bytes[i] = createHash("sha256")
            .update(`${this.seed} ${this.#drawn++}`)
            .digest()[0] as number;
        return bytes;
      },
    });
    this.#exports = made.at(-1) as WebAssembly.Exports;
  }

  #answered(id: number): Promise<{ envelope: Uint8Array; now: number }> | null {
    const effect = this.effects.find((each) => each.id === id);
    return effect ? Promise.resolve({ envelope: this.#perform(effect), now: 1_700_000_000_000 }) : null;
  }

  #perform({ name, head, payload }: EffectRecord): Uint8Array {
    return encodeAnswer(
      head ? this.onEffect(name, head, payload) : { ok: false, code: "EINVAL", message: "what?" },
    );
  }

  /** Starts a task and answers its async effects, first come, first served, until it ends or waits for something else. */
  async run(task: string, ...args: readonly unknown[]): Promise<TurnEnd> {
    let end = await this.start(task, ...args);
    for (let at = 0; end.state === "idle" && at < this.effects.length; at++) {
      const effect = this.effects[at] as EffectRecord;
      if (effect.mode === "async")
        end = await this.instance.complete(effect.id, this.#perform(effect), 1_700_000_000_000);
    }
    return end;
  }

  /** Loads a program, which finds `task` as a global. */
  async load(program: string): Promise<Image> {
    this.instance.reset(null, AMPLE, 0);
    const loaded = await this.instance.load(Buffer.from(`${TASK}${program}`));
    if ("state" in loaded) throw new Error(`not loaded: ${JSON.stringify(loaded)}`);
    return (loaded as Loaded).image;
  }

  reset(image: Image | null, limits: SandboxLimits = AMPLE, now = 1_700_000_000_000): void {
    this.calls = [];
    this.effects = [];
    this.output = "";
    this.#drawn = 0;
    this.instance.reset(image && this.prepare(image), limits, now);
  }

  prepare(image: Image): PreparedProgram {
    return this.engine.prepare({ ...image, snapshot: "after", bundle: new Uint8Array(0) });
  }

  start(task: string, ...args: readonly unknown[]): Promise<TurnEnd> {
    return this.instance.start(task, Buffer.from(JSON.stringify(args)));
  }

  /** The memory the guest sees. */
  get memory(): Uint8Array {
    return new Uint8Array((this.#exports.memory as WebAssembly.Memory).buffer, 0, this.instance.ramUsed);
  }

  /** All memory there is, beyond what the guest sees too. */
  get realMemory(): Uint8Array {
    return new Uint8Array((this.#exports.memory as WebAssembly.Memory).buffer);
  }

  get digest(): string {
    return createHash("sha256").update(this.memory).digest("hex");
  }
}

const TASK = 'const task = globalThis[Symbol.for("capsule.task")];\n';

/** The text of a result, or how else a turn ended. */
export function resultOf(end: TurnEnd): unknown {
  return end.state === "result" ? JSON.parse(Buffer.from(end.json).toString()) : end;
}
