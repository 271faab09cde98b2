/** Runs in a process with a cell's V8 flags: times the steps of a Python sandbox's life. The first pass is with cold code. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { openEngine } from "@capsule-run/guest-python/drive";
import { packFiles } from "@capsule-run/guest-python/files";
import { type GuestHost, LIMITS } from "@capsule-run/protocol";
import { dirtyRuns, type MarkMap, WASM_PAGE } from "@capsule-run/wasm/host";
import { BaseImage } from "../../packages/guest-python/src/drive/base.ts";
import { benchProgram } from "../lib/processes.ts";

export interface PythonSandboxTimes {
  readonly steps: Readonly<Record<PythonStep, readonly number[]>>;
  /** Pages that a small call marks, of those that the sandbox has. */
  readonly marked: number;
  readonly pages: number;
  /** The same reset as a full copy by another thread over shared memory: handing it over, and how long it takes there. */
  readonly handOver: readonly number[];
  readonly elsewhere: readonly number[];
}

export type PythonStep = "open" | "create" | "fill" | "turn" | "reset" | "resetFully";

const [folder = "", passes = "100"] = process.argv.slice(2);
const PAGE = 4096;

const host: GuestHost = {
  pause: async () => true,
  call: () => 1,
  effect: () => 1,
  wait: async () => null,
  rest: async () => null,
  revoke: () => {},
  output: () => {},
  random: (length) => new Uint8Array(length),
};
const POLICY = { fuel: 100_000_000, ram: null };

/** What the newest instance exports: the drive keeps it to itself. */
let exported: WebAssembly.Exports = {};
const Native = WebAssembly.Instance;
WebAssembly.Instance = class extends Native {
  constructor(module: WebAssembly.Module, imports?: WebAssembly.Imports) {
    super(module, imports);
    if ("capsule_dirty" in this.exports) exported = this.exports;
  }
};

const steps: Record<PythonStep, number[]> = {
  open: [],
  create: [],
  fill: [],
  turn: [],
  reset: [],
  resetFully: [],
};
async function step<T>(name: PythonStep, work: () => T | Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await work();
  steps[name].push(performance.now() - start);
  return result;
}

const engine = await step("open", () => openEngine(folder, "core"));
const bundle = packFiles({
  entry: "/app/trivial.py",
  variant: "core",
  files: [{ path: "/app/trivial.py", bytes: readFileSync(benchProgram("trivial.py")) }],
});
const loader = engine.create(host);
loader.reset(null, LIMITS.load, 0);
const loaded = await loader.load(bundle);
if ("state" in loaded) throw new Error(`loading ended as ${loaded.state}`);
const prepared = engine.prepare({ ...loaded.image, snapshot: "after", bundle });

for (let i = 0; i < 8; i++) {
  const instance = await step("create", () => engine.create(host));
  // The first reset puts the whole image there, into pages that the kernel has yet to give.
  await step("fill", () => instance.reset(prepared, POLICY, Date.now()));
}
const instance = engine.create(host);
instance.reset(prepared, POLICY, Date.now());
const memory = exported.memory as WebAssembly.Memory;
const marks: MarkMap = new Uint8Array((exported.capsule_dirty as WebAssembly.Memory).buffer);
const turn = async (): Promise<void> => {
  const end = await step("turn", () => instance.start("main", Buffer.from("[1]")));
  if (end.state !== "result") throw new Error(`a turn ended as ${end.state}`);
};
let marked = 0;
for (let pass = 0; pass < Number(passes); pass++) {
  await turn();
  marked =
    dirtyRuns(marks, memory.buffer.byteLength).reduce((sum, { start, end }) => sum + end - start, 0) / PAGE;
  await step("reset", () => instance.reset(prepared, POLICY, Date.now()));
  await turn();
  marks.fill(1, 0, memory.buffer.byteLength / PAGE);
  await step("resetFully", () => instance.reset(prepared, POLICY, Date.now()));
}

/** Copies the image into a memory that it shares, as often as it is told. */
const COPIER = `
const { workerData: { memory, image, runs, turn } } = require("node:worker_threads");
const bytes = new Uint8Array(memory.buffer);
for (let n = 0; ; n++) {
  Atomics.wait(turn, 0, n);
  const start = performance.now();
  let end = 0;
  for (const run of runs) {
    bytes.fill(0, end, run.start);
    bytes.set(image.subarray(run.start, run.start + run.bytes), run.start);
    end = run.start + run.bytes;
  }
  bytes.fill(0, end);
  turn[2] = Math.round((performance.now() - start) * 1000);
  Atomics.store(turn, 1, n + 1);
  Atomics.notify(turn, 1);
}
`;
const base = new BaseImage(join(folder, "core.image"));
const size = base.layout.length / WASM_PAGE;
const shared = new WebAssembly.Memory({ initial: size, maximum: size, shared: true });
const state = new Int32Array(new SharedArrayBuffer(12));
const workerData = { memory: shared, image: base.memory, runs: base.layout.runs, turn: state };
const copier = new Worker(COPIER, { eval: true, workerData });
const handOver: number[] = [];
const elsewhere: number[] = [];
for (let n = 0; n < Number(passes); n++) {
  // Long enough for the other thread to be asleep again, as it is between two calls.
  await new Promise((resolve) => setTimeout(resolve, 2));
  const start = performance.now();
  Atomics.store(state, 0, n + 1);
  Atomics.notify(state, 0);
  handOver.push(performance.now() - start);
  Atomics.wait(state, 1, n);
  elsewhere.push((state[2] ?? Number.NaN) / 1000);
}
await copier.terminate();
const times: PythonSandboxTimes = {
  steps,
  marked,
  pages: memory.buffer.byteLength / PAGE,
  handOver,
  elsewhere,
};
process.stdout.write(JSON.stringify(times));
