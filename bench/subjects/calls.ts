import { createRuntime, type Runtime } from "@capsule-run/runtime";
import { benchProgram, Project } from "../lib/processes.ts";
import { pythonEngine } from "../lib/python.ts";
import { interleave, least, median, quantile, timed } from "../lib/statistics.ts";
import type { Subject } from "../lib/subject.ts";

const SUBTASKS = 1000;
/** Runs whose percentiles are taken. */
const RUNS = 500;

/** What differs between the languages. What is wanted comes from the issues that brought them. */
interface Contender {
  readonly name: string;
  readonly title: string;
  readonly extension: ".ts" | ".py";
  readonly wantedCallMs: number;
  readonly wantedParallelS?: number;
  /** Makes ready what must not be measured. */
  readonly prepare: () => void;
}

async function runOnce(runtime: Runtime, file: string, args: readonly unknown[]): Promise<void> {
  const { envelope } = await runtime.run({ file, args });
  if (!envelope.success) throw new Error(`${file}: ${envelope.error.message}`);
}

/** Calls in one runtime whose cells are up, timed in the host: a sandbox's own clock counts fuel. */
const callsOf = (contender: Contender): Subject => ({
  name: contender.name,
  title: contender.title,
  async measure({ quick }) {
    contender.prepare();
    const [trivial, parent] = [`trivial${contender.extension}`, `calls${contender.extension}`];
    using project = new Project(benchProgram(trivial), benchProgram(parent));
    await using runtime = await createRuntime({ cwd: project.folder });
    const singles = async (): Promise<number[]> => {
      const samples: number[] = [];
      for (let i = 0; i < RUNS; i++) samples.push(await timed(() => runOnce(runtime, trivial, [i])));
      return samples;
    };
    await runOnce(runtime, trivial, [0]);
    const early = await singles();

    const many = (count: number, way: "sync" | "parallel") => () =>
      timed(() => runOnce(runtime, parent, [count, way]));
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
        wanted: contender.wantedCallMs,
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
        ...(contender.wantedParallelS === undefined ? {} : { wanted: contender.wantedParallelS }),
        note: `${Math.round((SUBTASKS / median(times.parallel)) * 1000)} calls/s, least ${(least(times.parallel) / 1000).toFixed(2)} s`,
      },
    ];
  },
});

export const calls = callsOf({
  name: "calls",
  title: "calls in one runtime",
  extension: ".ts",
  wantedCallMs: 0.5,
  wantedParallelS: 0.7,
  prepare: () => {},
});

export const pythonCalls = callsOf({
  name: "python-calls",
  title: "calls of Python in one runtime",
  extension: ".py",
  wantedCallMs: 1,
  prepare: pythonEngine,
});
