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
  seed = "seed";
  #drawn = 0;

  constructor(options: { readonly slice?: number } = {}) {
    this.engine = openEngine(ENGINE_FOLDER, options);
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
      effect: () => 0,
      wait: (id) => this.onWait(id),
      rest: async () => null,
      revoke: () => {},
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

  /** Loads a program, which finds `task` as a global. */
  async load(program: string): Promise<Image> {
    this.instance.reset(null, AMPLE, 0);
    const loaded = await this.instance.load(Buffer.from(`${TASK}${program}`));
    if ("state" in loaded) throw new Error(`not loaded: ${JSON.stringify(loaded)}`);
    return (loaded as Loaded).image;
  }

  reset(image: Image | null, limits: SandboxLimits = AMPLE, now = 1_700_000_000_000): void {
    this.calls = [];
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
