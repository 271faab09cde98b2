import { createRuntime, type Runtime } from "@capsule-run/runtime";
import { watchLateness } from "../lib/lateness.ts";
import { benchProgram, Project } from "../lib/processes.ts";
import { median, quantile } from "../lib/statistics.ts";
import type { Subject } from "../lib/subject.ts";

/** Wanted: from the issue that brought `capsule run`; a slice of fuel is about a millisecond of code. */
const WANTED_MS = 50;

/** What `spin.ts` gives each of its loops. */
const TIMEOUT_MS = 300;

/** Milliseconds beyond their timeout after which endless loops ended, by the host's clock. */
async function overshoots(runtime: Runtime, count: number): Promise<readonly number[]> {
  const { onEvent, late } = watchLateness(TIMEOUT_MS);
  await runtime.run({ file: "spin.ts", args: [count], onEvent });
  if (late.length !== count) throw new Error(`${late.length} of ${count} loops ended`);
  return late;
}

/** Milliseconds from SIGINT to the end of a `capsule run` that is in an endless loop. */
async function interruption(project: Project): Promise<number> {
  const started = project.run("endless.ts");
  await started.printed(1);
  const start = performance.now();
  await started.kill("SIGINT");
  return performance.now() - start;
}

/** How soon a tight loop ends when it has to. */
export const reaction: Subject = {
  name: "reaction",
  title: "reaction of a tight loop",
  async measure({ quick }) {
    using project = new Project(benchProgram("spin.ts"), benchProgram("endless.ts"));
    await using runtime = await createRuntime({ cwd: project.folder });
    await overshoots(runtime, 1);
    const alone: number[] = [];
    const crowded: number[] = [];
    for (let i = 0; i < (quick ? 8 : 30); i++) alone.push(...(await overshoots(runtime, 1)));
    for (let i = 0; i < (quick ? 2 : 8); i++) crowded.push(...(await overshoots(runtime, 16)));
    const interrupted: number[] = [];
    for (let i = 0; i < (quick ? 5 : 15); i++) interrupted.push(await interruption(project));
    const rows = { "timeout of 300 ms, beyond it": alone, "the same, 16 loops at once": crowded };
    return [
      ...Object.entries(rows).map(([name, samples]) => ({
        name: `${name}, p95`,
        value: quantile(samples, 0.95),
        unit: "ms" as const,
        wanted: WANTED_MS,
        note: `p50 ${median(samples).toFixed(1)} ms, most ${Math.max(...samples).toFixed(1)} ms of ${samples.length}`,
      })),
      {
        name: "SIGINT to the end of the command, p50",
        value: median(interrupted),
        unit: "ms",
        wanted: WANTED_MS,
        note: `most ${Math.max(...interrupted).toFixed(1)} ms of ${interrupted.length}`,
      },
    ];
  },
};
