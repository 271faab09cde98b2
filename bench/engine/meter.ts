/** Runs in a process with a cell's V8 flags: times each kernel in the plain engine, the metered one, the plain one again. */
import { readQuickJs, rewriteEngine } from "@capsule-run/engine-javascript";
import { median } from "../lib/statistics.ts";
import { KERNELS } from "./kernels.ts";
import { EVALUATION_EXPORTS, startEngine } from "./plain.ts";

/** Times of one kernel: medians of the ratios of neighbours in time. */
export interface KernelTimes {
  readonly kernel: string;
  readonly plainMs: number;
  readonly metered: number;
  /** The plain engine against itself: what the machine's noise alone makes of it. */
  readonly control: number;
}

/** `warmUp`: rounds until V8 has compiled what is hot with its optimizing compiler; with fewer, ratios are too high. */
const [rounds = "15", warmUp = "60"] = process.argv.slice(2);

const metered = rewriteEngine(EVALUATION_EXPORTS, { data: true }).wasm;
const engines = [startEngine(readQuickJs()), startEngine(metered), startEngine(readQuickJs())] as const;

/** Milliseconds of this thread's processor time: what else the machine does is left out. */
function time(engine: number, script: string): number {
  const before = process.threadCpuUsage();
  engines[engine]?.evaluate(script);
  const after = process.threadCpuUsage();
  return (after.user - before.user + after.system - before.system) / 1000;
}

for (const [kernel, script] of Object.entries(KERNELS)) {
  const results = new Set(engines.map((engine) => engine.evaluate(script)));
  if (results.size !== 1) throw new Error(`${kernel}: the engines disagree: ${[...results].join(", ")}`);
  for (let i = 0; i < Number(warmUp); i++) for (const engine of engines) engine.evaluate(script);
}
await new Promise((resolve) => setTimeout(resolve, 500));

const times: KernelTimes[] = [];
for (const [kernel, script] of Object.entries(KERNELS)) {
  const samples: [number, number, number][] = [];
  for (let round = 0; round < Number(rounds); round++) {
    const sample: [number, number, number] = [0, 0, 0];
    for (const engine of round % 2 === 0 ? ([0, 1, 2] as const) : ([2, 1, 0] as const))
      sample[engine] = time(engine, script);
    samples.push(sample);
  }
  times.push({
    kernel,
    plainMs: median(samples.map(([plain]) => plain)),
    metered: median(samples.map(([plain, metered, again]) => metered / ((plain + again) / 2))),
    control: median(samples.map(([plain, , again]) => again / plain)),
  });
}
process.stdout.write(JSON.stringify(times));
