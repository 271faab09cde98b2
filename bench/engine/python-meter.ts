/**
 * Runs in a process with a cell's V8 flags: times each kernel in the engine as its release has it, in the metered one
 * without and with marks, and in the system's Python, by turns.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { openLibrary } from "@capsule-run/guest-python/drive";
import { rewrite } from "@capsule-run/wasm";
import { rewriteOptions } from "../../packages/engine-python/src/rewrite.ts";
import { benchProgram } from "../lib/processes.ts";
import { least, median } from "../lib/statistics.ts";
import { type PlainPython, startPython } from "./python-plain.ts";

/** Times of one kernel: medians of the ratios of neighbours in time. */
export interface PythonKernelTimes {
  readonly kernel: string;
  readonly plainMs: number;
  /** Against the unmetered engine: metered and marked, as it is shipped; metered only. */
  readonly shipped: number;
  readonly metered: number;
  /** The unmetered engine against itself: what the machine's noise alone makes of it. */
  readonly control: number;
  /** The shipped engine against the system's Python; null without one. */
  readonly system: number | null;
  readonly systemMs: number | null;
  /** The same two by the least time of each, by the clock: says more on a machine that does other work. */
  readonly leastShipped: number;
  readonly leastSystem: number | null;
}

/** `warmUp`: rounds until V8 has compiled what is hot with its optimizing compiler; with fewer, ratios are too high. */
const [artifacts = "", python = "", rounds = "15", warmUp = "30"] = process.argv.slice(2);

const program = readFileSync(benchProgram("kernels.py"), "utf8");
const wasm = readFileSync(join(artifacts, "python.wasm"));
const library = openLibrary(join(artifacts, "python-stdlib.zip"));
const options = rewriteOptions("core");

/**
 * Times a kernel is evaluated for one sample: processor time is read from the system in steps of some milliseconds.
 */
const REPEAT = 4;

/** One sample. Milliseconds are those of one evaluation, of processor time and by the clock. */
interface Sample {
  readonly checksum: string;
  readonly ms: number;
  readonly wallMs: number;
}
type Contender = (kernel: string) => Promise<Sample>;

/** Its time is this thread's processor time: what else the machine does is left out, and so is V8's compiler. */
function inEngine(module: Uint8Array): Contender {
  const engine: PlainPython = startPython(module, library);
  engine.execute(program);
  return async (kernel) => {
    const before = process.threadCpuUsage();
    const start = performance.now();
    const checksum = engine.execute(
      `for _ in range(${REPEAT}): checksum = KERNELS["${kernel}"]()\nprint(checksum)\n`,
    );
    const wallMs = (performance.now() - start) / REPEAT;
    const { user, system } = process.threadCpuUsage(before);
    return { checksum: checksum.trim(), ms: (user + system) / 1000 / REPEAT, wallMs };
  };
}

/** Evaluates kernels by name, line by line, with their processor time. */
const SERVER = `
import sys, time, kernels
for line in sys.stdin:
    kernel = kernels.KERNELS[line.strip()]
    start, started = time.process_time(), time.perf_counter()
    for _ in range(${REPEAT}):
        checksum = kernel()
    elapsed, spent = time.perf_counter() - started, time.process_time() - start
    print(checksum, spent * 1000 / ${REPEAT}, elapsed * 1000 / ${REPEAT}, flush=True)
`;

function inSystem(): { readonly contender: Contender; end(): void } {
  const child: ChildProcess = spawn(python, ["-B", "-c", SERVER], {
    cwd: benchProgram("."),
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines: Interface = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  return {
    contender: async (kernel) => {
      const line = once(lines, "line");
      child.stdin?.write(`${kernel}\n`);
      const [checksum = "", ms, wallMs] = String((await line)[0]).split(" ");
      return { checksum, ms: Number(ms), wallMs: Number(wallMs) };
    },
    end: () => child.stdin?.end(),
  };
}

const system = python === "" ? null : inSystem();
const contenders: readonly Contender[] = [
  inEngine(wasm),
  inEngine(rewrite(wasm, options).wasm),
  inEngine(rewrite(wasm, { ...options, markPages: false }).wasm),
  inEngine(wasm),
  ...(system ? [system.contender] : []),
];
const names = [...program.matchAll(/^def (\w+)\(\):$/gm)].map(([, name]) => name as string);

for (const kernel of names) {
  const results = new Set<string>();
  for (const contender of contenders) results.add((await contender(kernel)).checksum);
  if (results.size !== 1) throw new Error(`${kernel}: they disagree: ${[...results].join(", ")}`);
}
for (let i = 0; i < Number(warmUp); i++)
  for (const kernel of names) for (const contender of contenders) await contender(kernel);
await new Promise((resolve) => setTimeout(resolve, 500));

const order = contenders.map((_, i) => i);
const times: PythonKernelTimes[] = [];
for (const kernel of names) {
  const samples: number[][] = [];
  const walls: number[][] = [];
  for (let round = 0; round < Number(rounds); round++) {
    const sample: number[] = [];
    const wall: number[] = [];
    for (const i of round % 2 === 0 ? order : [...order].reverse()) {
      const { ms, wallMs } = await (contenders[i] as Contender)(kernel);
      sample[i] = ms;
      wall[i] = wallMs;
    }
    samples.push(sample);
    walls.push(wall);
  }
  const of = (ratio: (sample: readonly number[]) => number): number => median(samples.map(ratio));
  const fastest = (i: number): number => least(walls.map((wall) => wall[i] ?? Number.NaN));
  const plain = ([first = 0, , , last = 0]: readonly number[]): number => (first + last) / 2;
  times.push({
    kernel,
    plainMs: of((sample) => sample[0] ?? 0),
    shipped: of((sample) => (sample[1] ?? 0) / plain(sample)),
    metered: of((sample) => (sample[2] ?? 0) / plain(sample)),
    control: of(([first = 0, , , last = 0]) => last / first),
    system: system && of((sample) => (sample[1] ?? 0) / (sample[4] ?? 0)),
    systemMs: system && of((sample) => sample[4] ?? 0),
    leastShipped: fastest(1) / Math.min(fastest(0), fastest(3)),
    leastSystem: system && fastest(1) / fastest(4),
  });
}
system?.end();
process.stdout.write(JSON.stringify(times));
