import { createRuntime, type Runtime } from "@capsule-run/runtime";
import { benchProgram, Project } from "../lib/processes.ts";
import { interleave, least, median, quantile, timed } from "../lib/statistics.ts";
import type { Subject } from "../lib/subject.ts";

/** Wanted: from the issue that brought `capsule run`. */
const WANTED_CALL_MS = 0.5;
const WANTED_THOUSAND_PARALLEL_S = 0.7;

const SUBTASKS = 1000;

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
    const single: number[] = [];
    for (let i = 0; i < 100; i++) await runOnce(runtime, "trivial.ts", [i]);
    for (let i = 0; i < 500; i++) single.push(await timed(() => runOnce(runtime, "trivial.ts", [i])));

    const many = (count: number, way: "sync" | "parallel") => () =>
      timed(() => runOnce(runtime, "calls.ts", [count, way]));
    await many(SUBTASKS, "parallel")();
    const times = await interleave(quick ? 5 : 15, {
      none: many(0, "sync"),
      sequential: many(SUBTASKS, "sync"),
      parallel: many(SUBTASKS, "parallel"),
    });
    return [
      {
        name: "run of a trivial main, p50",
        value: median(single),
        unit: "ms",
        wanted: WANTED_CALL_MS,
        note: `p99 ${quantile(single, 0.99).toFixed(2)} ms, least ${least(single).toFixed(2)} ms of ${single.length}`,
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
