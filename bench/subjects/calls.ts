import { createRuntime, type Runtime } from "@capsule-run/runtime";
import { benchProgram, Project } from "../lib/processes.ts";
import { interleave, least, median, quantile, timed } from "../lib/statistics.ts";
import type { Subject } from "../lib/subject.ts";

/** Wanted: from the issue that brought `capsule run`. */
const WANTED_CALL_MS = 0.5;
const WANTED_THOUSAND_PARALLEL_S = 0.7;

const SUBTASKS = 1000;
/** Runs whose percentiles are taken. */
const RUNS = 500;

async function runOnce(runtime: Runtime, file: string, args: readonly unknown[]): Promise<void> {
  const { envelope } = await runtime.run({ file, args });
  if (!envelope.success) throw new Error(`${file}: ${envelope.error.message}`);
}

/** Calls in one runtime whose cells are up, timed in the host: a sandbox's own clock counts fuel. */
export const calls: Subject = {
  name: "calls",
  title: "calls in one runtime",
  async measure({ quick }) {
    using project = new Project(benchProgram("trivial.ts"), benchProgram("calls.ts"));
    await using runtime = await createRuntime({ cwd: project.folder });
    const singles = async (): Promise<number[]> => {
      const samples: number[] = [];
      for (let i = 0; i < RUNS; i++) samples.push(await timed(() => runOnce(runtime, "trivial.ts", [i])));
      return samples;
    };
    await runOnce(runtime, "trivial.ts", [0]);
    const early = await singles();

    const many = (count: number, way: "sync" | "parallel") => () =>
      timed(() => runOnce(runtime, "calls.ts", [count, way]));
    await many(SUBTASKS, "parallel")();
    const times = await interleave(quick ? 5 : 15, {
      none: many(0, "sync"),
      sequential: many(SUBTASKS, "sync"),
      parallel: many(SUBTASKS, "parallel"),
    });
    const warm = await singles();
    const spread = (samples: readonly number[]): string =>
      `p99 ${quantile(samples, 0.99).toFixed(2)} ms, least ${least(samples).toFixed(2)} ms of ${samples.length}`;
    return [
      {
        name: "run of a trivial main, p50 of the first in a runtime",
        value: median(early),
        unit: "ms",
        note: spread(early),
      },
      {
        name: "run of a trivial main, p50 once V8 has optimized the engine",
        value: median(warm),
        unit: "ms",
        wanted: WANTED_CALL_MS,
        note: spread(warm),
      },
      {
        name: "sync call of a sub-task",
        value: (median(times.sequential) - median(times.none)) / SUBTASKS,
        unit: "ms",
        note: `mean of ${SUBTASKS}, median of ${times.sequential.length} rounds`,
      },
      {
        name: `${SUBTASKS} sub-tasks, one after the other`,
        value: median(times.sequential) / 1000,
        unit: "s",
        note: `least ${(least(times.sequential) / 1000).toFixed(2)} s`,
      },
      {
        name: `${SUBTASKS} sub-tasks, all at once`,
        value: median(times.parallel) / 1000,
        unit: "s",
        wanted: WANTED_THOUSAND_PARALLEL_S,
        note: `least ${(least(times.parallel) / 1000).toFixed(2)} s`,
      },
    ];
  },
};
