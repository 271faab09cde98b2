import { createRuntime, type Runtime } from "@capsule-run/runtime";
import { watchLateness } from "../lib/lateness.ts";
import { benchProgram, Project } from "../lib/processes.ts";
import { pythonEngine } from "../lib/python.ts";
import { median, quantile, timed } from "../lib/statistics.ts";
import type { Subject } from "../lib/subject.ts";

/** Endless loops at once, on this many cells: ten for each core. */
const SPINNERS = 20;
const CELLS = 2;
/** What `crowd` gives each of its loops. */
const TIMEOUT_MS = 1000;
/** Wanted: from the issue that asked for fairness. */
const WANTED_LATE_MS = 250;

/** How late the timeouts of a crowd came, and how long short runs took meanwhile. */
interface Round {
  readonly late: readonly number[];
  readonly beside: readonly number[];
}

async function crowd(runtime: Runtime, extension: string): Promise<Round> {
  const { onEvent, late } = watchLateness(TIMEOUT_MS);
  const beside: number[] = [];
  let over = false;
  const spinning = runtime.run({ file: `crowd${extension}`, args: [SPINNERS], onEvent }).finally(() => {
    over = true;
  });
  while (!over) beside.push(await trivial(runtime, extension));
  await spinning;
  if (late.length !== SPINNERS) throw new Error(`${late.length} of ${SPINNERS} loops ended`);
  return { late, beside };
}

const trivial = (runtime: Runtime, extension: string): Promise<number> =>
  timed(async () => {
    const { envelope } = await runtime.run({ file: `trivial${extension}`, args: [1] });
    if (!envelope.success) throw new Error(envelope.error.message);
  });

/** Endless loops beside short runs: whether each loop ends when it has to, and what the short ones wait. */
const fairnessOf = (name: string, title: string, extension: ".ts" | ".py", prepare: () => void): Subject => ({
  name,
  title,
  async measure({ quick }) {
    prepare();
    using project = new Project(benchProgram(`crowd${extension}`), benchProgram(`trivial${extension}`));
    await using runtime = await createRuntime({ cwd: project.folder, cells: CELLS });
    await crowd(runtime, extension);
    const alone: number[] = [];
    const late: number[] = [];
    const beside: number[] = [];
    for (let i = 0; i < (quick ? 2 : 6); i++) {
      for (let j = 0; j < 20; j++) alone.push(await trivial(runtime, extension));
      const round = await crowd(runtime, extension);
      late.push(...round.late);
      beside.push(...round.beside);
    }
    return [
      {
        name: `timeout of 1 s, ${SPINNERS} loops on ${CELLS} cells, beyond it, most`,
        value: Math.max(...late),
        unit: "ms",
        wanted: WANTED_LATE_MS,
        note: `p50 ${median(late).toFixed(1)} ms, p95 ${quantile(late, 0.95).toFixed(1)} ms of ${late.length}`,
      },
      {
        name: "run of a trivial main meanwhile, p50",
        value: median(beside),
        unit: "ms",
        note: `p95 ${quantile(beside, 0.95).toFixed(1)} ms, most ${Math.max(...beside).toFixed(1)} ms of ${beside.length}`,
      },
      { name: "the same, to one without the loops", value: median(beside) / median(alone), unit: "×" },
    ];
  },
});

export const fairness = fairnessOf("fairness", "short runs beside endless loops", ".ts", () => {});
export const pythonFairness = fairnessOf(
  "python-fairness",
  "the same in Python",
  ".py",
  () => void pythonEngine(),
);
