/** A host for tests: the real prelude in the real engine, driven through the engine package's own API. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { ErrorReport } from "@capsule-run/protocol";
import { EvalFlags, type JSValueHandle, QuickJS } from "quickjs-wasi";
import { type EntryOp, PRELUDE_FILE, PROGRAM_FILE } from "../door.ts";
import { isSuspect } from "../drive/suspect.ts";
import { buildGuest, type GuestSources } from "./build.ts";

const engine = readFileSync(createRequire(import.meta.url).resolve("quickjs-wasi/quickjs.wasm"));
let module: WebAssembly.Module | undefined;
let sources: Promise<GuestSources> | undefined;

/** What a test sees of one attempt's end. */
export type TestOutcome =
  | { readonly kind: "result"; readonly json: string; readonly value: unknown }
  | { readonly kind: "error"; readonly report: ErrorReport }
  | { readonly kind: "typed"; readonly type: string; readonly message: string }
  | { readonly kind: "idle"; readonly wake: number | null; readonly pending: number };

export interface TestCall {
  readonly mode: "sync" | "async";
  readonly task: string;
  readonly args: unknown;
}

export interface TestGuest {
  /** What the attempt printed. */
  readonly out: { stdout: string; stderr: string };
  readonly calls: readonly TestCall[];
  /** The library parts that were loaded, in order. */
  readonly parts: readonly string[];
  /** Pieces of output, as they crossed the door. */
  readonly writes: readonly string[];
  /** How often the guest asked for the clock and for random bytes. */
  readonly asked: { clock: number; random: number };
  time: number;
  /** Enters the guest, runs its jobs, and polls until it no longer fires timers. */
  turn(op: EntryOp, a: unknown, b: unknown): TestOutcome;
  /** Evaluates a program as a module. */
  load(source: string, goal?: "manifest" | ""): TestOutcome;
  /** Starts a task and drives the attempt to its end, passing time as it asks; idle is a deadlock. */
  run(task: string, ...args: unknown[]): TestOutcome;
  /** Evaluates a script and gives its completion value as a string. */
  evaluate(code: string): string;
  [Symbol.dispose](): void;
}

export interface TestHost {
  /** Gives the envelope of a task call; without it each call succeeds with null. */
  readonly answer?: (task: string, args: readonly unknown[]) => unknown;
  readonly random?: (length: number) => string;
  /** Bytes the engine may allocate. */
  readonly memory?: number;
}

const succeed = (result: unknown): unknown => ({
  success: true,
  result,
  error: null,
  execution: {},
});

function read(status: string): TestOutcome {
  const rest = status.slice(1);
  switch (status[0]) {
    case "R":
      return { kind: "result", json: rest, value: JSON.parse(rest) };
    case "E":
      return { kind: "error", report: JSON.parse(rest) as ErrorReport };
    case "X": {
      const space = rest.indexOf(" ");
      return { kind: "typed", type: rest.slice(0, space), message: rest.slice(space + 1) };
    }
    case "I": {
      const [wake = "", pending = ""] = rest.split(",");
      return { kind: "idle", wake: wake === "" ? null : Number(wake), pending: Number(pending) };
    }
    default:
      throw new Error(`not a status: ${status}`);
  }
}

/** Boots an engine with the prelude. */
export async function openGuest(host: TestHost = {}): Promise<TestGuest> {
  module ??= await WebAssembly.compile(engine);
  sources ??= buildGuest();
  const { prelude, libraries } = await sources;
  const out = { stdout: "", stderr: "" };
  const calls: TestCall[] = [];
  const parts: string[] = [];
  const writes: string[] = [];
  const asked = { clock: 0, random: 0 };
  const rejected = new Map<number, JSValueHandle>();
  let time = 1_700_000_000_000;
  const due: { id: number; envelope: string }[] = [];

  const vm = await QuickJS.create({
    wasm: module,
    maxStackSize: 256 * 1024,
    memoryLimit: host.memory ?? 256 * 1024 ** 2,
    timezoneOffset: 0,
    wasi: (memory) => ({
      clock_time_get(_id: number, _precision: bigint, at: number): number {
        asked.clock++;
        time += 0.001;
        new DataView(memory.buffer).setBigUint64(at, BigInt(Math.round(time * 1e6)), true);
        return 0;
      },
    }),
    onUnhandledRejection(promise, reason, isHandled) {
      if (isHandled) rejected.delete(promise.identity);
      else rejected.set(promise.identity, reason.dup());
    },
  });

  const answer = (task: string, args: string): string =>
    JSON.stringify((host.answer ?? (() => succeed(null)))(task, JSON.parse(args) as unknown[]));
  const door: Record<string, (...args: JSValueHandle[]) => JSValueHandle> = {
    call(task, args) {
      const [name, json] = [`${task}`, `${args}`];
      calls.push({ mode: "async", task: name, args: JSON.parse(json) });
      const id = calls.length;
      due.push({ id, envelope: answer(name, json) });
      return vm.newNumber(id);
    },
    wait(task, args) {
      const [name, json] = [`${task}`, `${args}`];
      calls.push({ mode: "sync", task: name, args: JSON.parse(json) });
      return vm.newString(answer(name, json));
    },
    stdout(text) {
      out.stdout += `${text}`;
      writes.push(`${text}`);
      return vm.getUndefined();
    },
    stderr(text) {
      out.stderr += `${text}`;
      writes.push(`${text}`);
      return vm.getUndefined();
    },
    random(length) {
      asked.random++;
      const bytes = (length as JSValueHandle).toNumber();
      return vm.newString(host.random?.(bytes) ?? "0123456789abcdef".repeat(bytes).slice(0, 2 * bytes));
    },
    encode: (text, encoding) =>
      vm.newUint8Array(Buffer.from(`${text}`, `${encoding}` as BufferEncoding) as Uint8Array),
    decode: (bytes, encoding) =>
      vm.newString(
        Buffer.from((bytes as JSValueHandle).toUint8Array()).toString(`${encoding}` as BufferEncoding),
      ),
    suspect: (json) => vm.newNumber(isSuspect(Buffer.from(`${json}`)) ? 1 : 0),
    library(name) {
      parts.push(`${name}`);
      return vm.newString(libraries[`${name}` as keyof typeof libraries]);
    },
  };
  for (const [name, fn] of Object.entries(door))
    vm.defineProp(vm.getGlobal(), `__door_${name}`, vm.newFunction(name, fn), { configurable: true });
  const entry = vm.evalCode(prelude, PRELUDE_FILE);

  const handle = (value: unknown): JSValueHandle =>
    typeof value === "object" && value !== null
      ? (value as JSValueHandle)
      : vm.hostToHandle(value ?? undefined);
  const enter = (op: EntryOp, a: unknown, b: unknown): string =>
    vm
      .callFunction(entry, vm.getUndefined(), vm.newString(op), handle(a), handle(b))
      .consume((answered) => answered.toString());
  const settle = (): string => {
    for (;;) {
      vm.executePendingJobs();
      const first = rejected.values().next().value;
      if (first) {
        rejected.clear();
        enter("reject", first, "");
      }
      const status = enter("poll", undefined, undefined);
      if (status !== "T") return status;
    }
  };
  const turn: TestGuest["turn"] = (op, a, b) => {
    enter(op, a, b);
    return read(settle());
  };
  const toEnd = (first: TestOutcome): TestOutcome => {
    let outcome = first;
    for (let turns = 0; outcome.kind === "idle" && turns < 100_000; turns++) {
      const next = due.shift();
      if (next) outcome = turn("complete", `${next.id}`, next.envelope);
      else if (outcome.wake !== null) {
        time = Math.max(time, outcome.wake);
        outcome = turn("poll", undefined, undefined);
      } else break;
    }
    return outcome;
  };

  return {
    out,
    calls,
    parts,
    writes,
    asked,
    get time() {
      return time;
    },
    set time(value) {
      time = value;
    },
    turn,
    load(source, goal = "manifest") {
      let evaluation: JSValueHandle;
      try {
        evaluation = vm.evalCode(source, PROGRAM_FILE, EvalFlags.TYPE_MODULE);
      } catch (error) {
        const thrown = (error as { handle: JSValueHandle }).handle;
        return { kind: "error", report: JSON.parse(enter("report", thrown, undefined)) as ErrorReport };
      }
      return toEnd(turn("loading", evaluation, goal));
    },
    run: (task, ...args) => toEnd(turn("start", task, JSON.stringify(args))),
    evaluate: (code) => vm.evalCode(code, PROGRAM_FILE).consume((value) => value.toString()),
    [Symbol.dispose]: () => vm.dispose(),
  };
}

/** The line that gives a program `task`, as the bundler's copy of the SDK does. */
export const SDK = 'const task = globalThis[Symbol.for("capsule.task")];';

/** Loads a program whose tasks use `task`, then runs its task `main`. */
export async function runMain(source: string, args: readonly unknown[] = [], host: TestHost = {}) {
  const guest = await openGuest(host);
  const loaded = guest.load(SDK + source);
  const outcome = loaded.kind === "result" ? guest.run("main", ...args) : loaded;
  return { guest, loaded, outcome };
}

/** The source of a program with one task `main` of the given body. */
export const main = (body: string, head = "", async = ""): string =>
  `${head};task({ name: "main" }, ${async} (...args) => { ${body} });`;

/** What a snippet came to: its value as JSON, or what it threw. */
export type Answers = readonly string[];

const RUN_SNIPPETS = `async (snippets) => {
  const answers = [];
  const AsyncFunction = (async () => {}).constructor;
  for (const snippet of snippets) {
    try {
      answers.push(String(JSON.stringify(await new AsyncFunction(snippet)())));
    } catch (error) {
      answers.push("throws " + (error === null || typeof error !== "object" ? String(error) : error.name));
    }
  }
  return answers;
}`;

/** Runs the same async function bodies in a guest and in this Node, for comparison. */
export async function inBoth(snippets: readonly string[]): Promise<{ guest: Answers; node: Answers }> {
  const { guest, outcome } = await runMain(`task({ name: "main" }, ${RUN_SNIPPETS});`, [snippets]);
  guest[Symbol.dispose]();
  if (outcome.kind !== "result") throw new Error(JSON.stringify(outcome));
  // biome-ignore lint/security/noGlobalEval: the snippets are the tests' own
  const run = globalThis.eval(RUN_SNIPPETS) as (snippets: readonly string[]) => Promise<Answers>;
  return { guest: outcome.value as Answers, node: await run(snippets) };
}
