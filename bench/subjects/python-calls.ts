import { createRuntime, type Runtime } from "@capsule-run/runtime";
import { benchProgram, Project } from "../lib/processes.ts";
import { pythonEngine } from "../lib/python.ts";
import { interleave, least, median, quantile, timed } from "../lib/statistics.ts";
import type { Subject } from "../lib/subject.ts";

/** Wanted: from the issue that brought Python. */
const WANTED_CALL_MS = 1;

const SUBTASKS = 1000;
/** Runs whose percentiles are taken. */
const RUNS = 500;

async function runOnce(runtime: Runtime, file: string, args: readonly unknown[]): Promise<void> {
  const { envelope } = await runtime.run({ file, args });
  if (!envelope.success) throw new Error(`${file}: ${envelope.error.message}`);
}

/** Calls in one runtime whose cells are up, each in a clean sandbox, timed in the host. */
export const pythonCalls: Subject = {
  name: "python-calls",
  title: "calls of Python in one runtime",
  async measure({ quick }) {
    pythonEngine();
    using project = new Project(benchProgram("trivial.py"), benchProgram("calls.py"));
    await using runtime = await createRuntime({ cwd: project.folder });
    const singles = async (): Promise<number[]> => {
      const samples: number[] = [];
      for (let i = 0; i < RUNS; i++) samples.push(await timed(() => runOnce(runtime, "trivial.py", [i])));
      return samples;
    };
    await runOnce(runtime, "trivial.py", [0]);
    const early = await singles();

    const many = (count: number, way: "sync" | "parallel") => () =>
      timed(() => runOnce(runtime, "calls.py", [count, way]));
    await many(SUBTASKS, "parallel")();
    const times = await interleave(quick ? 3 : 15, {
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
        name: `${SUBTASKS} sub-tasks, all at once over all cores`,
        value: median(times.parallel) / 1000,
        unit: "s",
        note: `${Math.round((SUBTASKS / median(times.parallel)) * 1000)} calls/s, least ${(least(times.parallel) / 1000).toFixed(2)} s`,
      },
    ];
  },
};
