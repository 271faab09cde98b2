import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { geometricMean, median, quantile } from "../lib/statistics.ts";
import type { Contender } from "./contenders.ts";
import type { Driver } from "./driver.ts";

export const KERNEL_NAMES = [
  ...["calls", "loop", "strings", "regex", "documents", "sorting", "counting", "bodies", "flips"],
] as const;

/** Numbers of one contender by row; what it can't do is not there. Milliseconds, but for the speed-up. */
export type Numbers = Readonly<Record<string, number>>;

export interface Effort {
  readonly rounds: number;
  readonly calls: number;
  readonly kernelRounds: number;
}

const SUBTASKS = 200;
const GAP_MS = 20;
const CORES = availableParallelism();

/** The rows, in order. */
export const ROWS = {
  warm: "a command with a small program, warm: from the shell to its end",
  callP50: "`run()` of a small program, p50",
  callP99: "`run()` of a small program, p99",
  turnP50: "a call in a session, one after the other, p50",
  turnSpaced: `a call in a session, ${GAP_MS} ms apart, p50`,
  subtask: "a sub-task, called and awaited",
  speedUp: `${2 * CORES} long sub-tasks at once against one after the other, on ${CORES} cores`,
  ...Object.fromEntries(KERNEL_NAMES.map((name) => [`kernel ${name}`, `kernel \`${name}\`, with fuel on`])),
} as const;

type Samples = Record<string, number[]>;

/** One round of everything that a contender can do. The first of a process is not looked at. */
async function round(contender: Contender, folder: string, driver: Driver, effort: Effort): Promise<Samples> {
  const { can, programs, warm, env } = contender;
  const ask = <T>(what: string, more: object): Promise<T> => driver.ask<T>(what, { ...more });
  const program = (name: string, ...args: unknown[]): Promise<number> =>
    ask("program", { name, args: args.map(String) });
  const found: Samples = {};
  if (warm) {
    const [command = "", ...args] = warm;
    const start = performance.now();
    const { status } = spawnSync(command, args, { cwd: folder, env, stdio: "ignore" });
    if (status !== 0) throw new Error(`${warm.join(" ")} ends with ${status}`);
    found.warm = [performance.now() - start];
  }
  found.calls = await ask("calls", { count: effort.calls, gap: 0 });
  if (can.includes("turns")) {
    found.turnP50 = await ask("turns", { count: effort.calls, gap: 0 });
    found.turnSpaced = await ask("turns", { count: Math.ceil(effort.calls / 3), gap: GAP_MS });
  }
  if (can.includes("subtasks")) {
    const none = await program(programs.subtasks, "calls", 0);
    found.subtask = [((await program(programs.subtasks, "calls", SUBTASKS)) - none) / SUBTASKS];
  }
  if (can.includes("parallel")) {
    const long = [2 * CORES, 20];
    // All cells are up, and have this program, before any time counts.
    await program(programs.parallel, "parallel", 2 * CORES, 1);
    const alone = await program(programs.parallel, "sequential", ...long);
    found.speedUp = [alone / (await program(programs.parallel, "parallel", ...long))];
  }
  if (can.includes("kernels"))
    for (const name of KERNEL_NAMES) {
      const none = await program("peers", "kernel", name, 0);
      const all = await program("peers", "kernel", name, effort.kernelRounds);
      found[`kernel ${name}`] = [(all - none) / effort.kernelRounds];
    }
  return found;
}

/** Measures all, who take turns. */
export async function measure(
  contenders: Readonly<Record<string, Contender>>,
  folderOf: (name: string) => string,
  effort: Effort,
): Promise<Readonly<Record<string, Numbers>>> {
  const names = Object.keys(contenders);
  const samples: Record<string, Samples> = Object.fromEntries(names.map((name) => [name, {}]));
  using drivers = new DisposableStack();
  const open = Object.fromEntries(
    Object.entries(contenders).map(([name, each]) => [name, drivers.use(each.open())]),
  );
  for (let i = 0; i <= effort.rounds; i++)
    for (const name of i % 2 === 0 ? names : names.toReversed()) {
      const found = await round(contenders[name] as Contender, folderOf(name), open[name] as Driver, effort);
      if (i === 0) continue;
      const all = samples[name] as Samples;
      for (const [row, more] of Object.entries(found)) all[row] = [...(all[row] ?? []), ...more];
      process.stderr.write(`round ${i} of ${effort.rounds}: ${name}\n`);
    }
  return Object.fromEntries(names.map((name) => [name, numbersOf(samples[name] as Samples)]));
}

function numbersOf({ calls = [], ...others }: Samples): Numbers {
  const rest = Object.entries(others).map(([row, samples]) => [row, median(samples)]);
  return { callP50: median(calls), callP99: quantile(calls, 0.99), ...Object.fromEntries(rest) };
}

/** How many times as long one takes for all kernels as another; null if one of them can't. */
export function kernelRatio(one: Numbers, other: Numbers): number | null {
  const ratios = KERNEL_NAMES.map((name) => (one[`kernel ${name}`] ?? 0) / (other[`kernel ${name}`] ?? 0));
  return ratios.every((ratio) => ratio > 0 && Number.isFinite(ratio)) ? geometricMean(ratios) : null;
}
