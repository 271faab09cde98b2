/** A cell for tests, whose instances do what a test says. */
import assert from "node:assert/strict";
import {
  encode,
  FrameReader,
  type FromCell,
  type GuestEngine,
  type GuestHost,
  type GuestInstance,
  type ToCell,
  type TurnEnd,
} from "@capsule-run/protocol";
import type { Pipes } from "./pipes.ts";
import { serve } from "./serve.ts";

export const NOTHING = new Uint8Array(0);
export const LIMIT = { fuel: 1000, ram: null };
export const idle: TurnEnd = { state: "idle", wake: null, pending: 1 };
export const result = (json: string): TurnEnd => ({ state: "result", json: Buffer.from(json) });

/** An instance whose turns a test ends, and that notices when it is entered twice. */
export class FakeInstance implements GuestInstance {
  reusable = true;
  memory = 65_536;
  granted = 0;
  fuelUsed = 12.6;
  readonly ramUsed = 65_536;
  readonly host: GuestHost;
  readonly entries: string[] = [];
  /** What a session did with it. */
  readonly done: string[] = [];
  readonly imageBytes = 4096;
  savedMemory = 0;
  resets = 0;
  onReset: () => void = () => {};
  onSave: () => void = () => {};
  onRestore: () => void = () => {};
  #end: ((end: TurnEnd) => void) | null = null;

  constructor(host: GuestHost) {
    this.host = host;
  }

  grant(bytes: number): void {
    this.granted = bytes;
  }

  reset(): void {
    assert.equal(this.#end, null, "reset while an entry is in flight");
    this.resets++;
    this.onReset();
  }

  load(): Promise<TurnEnd> {
    return this.#enter("load");
  }

  start(task: string, args: Uint8Array): Promise<TurnEnd> {
    return this.#enter(`start ${task} ${Buffer.from(args).toString()}`);
  }

  again(task: string, args: Uint8Array): Promise<TurnEnd> {
    return this.#enter(`again ${task} ${Buffer.from(args).toString()}`);
  }

  keep(): void {
    this.done.push("keep");
  }

  save(): void {
    assert.equal(this.#end, null, "saved while an entry is in flight");
    this.done.push("save");
    this.onSave();
    this.savedMemory = this.memory;
  }

  restore(): void {
    assert.equal(this.#end, null, "restored while an entry is in flight");
    this.done.push("restore");
    this.onRestore();
  }

  adopt(other: this): void {
    this.done.push("adopt");
    this.savedMemory = this.memory = other.savedMemory;
  }

  complete(call: number, envelope: Uint8Array, now: number): Promise<TurnEnd> {
    return this.#enter(`complete ${call} ${Buffer.from(envelope).toString()} ${now}`);
  }

  wake(now: number): Promise<TurnEnd> {
    return this.#enter(`wake ${now}`);
  }

  /** Ends the turn that is running, and lets everything that follows happen. */
  async end(end: TurnEnd): Promise<void> {
    const resolve = this.#end;
    assert.ok(resolve, "no turn to end");
    this.#end = null;
    resolve(end);
    await settle();
  }

  get inTurn(): boolean {
    return this.#end !== null;
  }

  #enter(what: string): Promise<TurnEnd> {
    assert.equal(this.#end, null, `entered twice: ${what}`);
    this.entries.push(what);
    return new Promise((resolve) => {
      this.#end = resolve;
    });
  }
}

export const settle = async (): Promise<void> => {
  for (let i = 0; i < 3; i++) await new Promise(setImmediate);
};

export class Bench {
  readonly instances: FakeInstance[] = [];
  readonly sent: FromCell[] = [];
  readonly #reader = new FrameReader();
  #hear: (chunk: Uint8Array) => void = () => {};

  collections = 0;
  onSend: (message: FromCell) => void = () => {};

  constructor(engine: Partial<GuestEngine> = {}) {
    const pipes: Pipes = {
      listen: (hear) => {
        this.#hear = hear;
      },
      write: (bytes) => {
        for (const message of this.#reader.push(bytes)) {
          this.sent.push(message as unknown as FromCell);
          this.onSend(message as unknown as FromCell);
        }
      },
      exit: () => assert.fail("the cell ended"),
    };
    serve(
      {
        hash: "engine",
        kept: 16,
        create: (host) => {
          const instance = new FakeInstance(host);
          this.instances.push(instance);
          return instance;
        },
        prepare: ({ globals, pages }) => ({ memory: pages, globals }),
        ...engine,
      },
      pipes,
      () => {
        this.collections++;
      },
    );
  }

  async tell(...messages: readonly ToCell[]): Promise<void> {
    this.#hear(Buffer.concat(messages.map(encode)));
    await settle();
  }

  async open(sandbox = 1, session = 0): Promise<FakeInstance> {
    await this.tell(
      { type: "artifact", hash: "a", globals: [], pages: 0, snapshot: "after", body: NOTHING },
      {
        type: "open",
        sandbox,
        session,
        artifact: "a",
        task: "main",
        limits: LIMIT,
        granted: 100_000,
        seed: "00".repeat(32),
        now: 5,
        environment: "{}",
        mounts: "[]",
        body: Buffer.from("[1]"),
      },
    );
    return this.instances.at(-1) as FakeInstance;
  }

  /** What was said since the last look, in short. */
  said(): string[] {
    return this.sent.splice(0).map((message) => {
      const body = "body" in message ? Buffer.from(message.body).toString() : "";
      switch (message.type) {
        case "ended":
          return `ended ${message.sandbox} ${message.ok ? "ok" : message.error} ${body.slice(0, 80)}`;
        case "idle":
          return `idle ${message.sandbox} ${message.wake} ${message.pending}`;
        case "call":
          return `call ${message.sandbox} ${message.call} ${message.mode} ${message.task} ${body}`;
        case "revoke":
          return `revoke ${message.sandbox} ${message.call}`;
        case "output":
          return `output ${message.stream} ${body.length > 100 ? body.length : body}`;
        case "grown":
          return `grown ${message.sandbox} ${message.ram}`;
        case "used":
          return `used ${message.sandbox} ${message.fuel}`;
        case "pong":
          return `pong ${message.n}`;
        default:
          return message.type;
      }
    });
  }
}
