import { CAPSULE, HELLO, Project } from "../lib/processes.ts";
import { interleave, least, median } from "../lib/statistics.ts";
import type { Subject } from "../lib/subject.ts";

/** Wanted: from the issue that brought `capsule run`, measured against the same Node doing nothing. */
const WANTED_WARM_RATIO = 3.5;
const WANTED_FIRST_MS = 1000;

/** Whole processes, from their start to their end, their output in pipes. */
export const start: Subject = {
  name: "start",
  title: "capsule run examples/hello.ts, whole processes",
  async measure({ quick }) {
    using project = new Project(HELLO);
    const hello = [CAPSULE, "run", "hello.ts"];
    project.timeNode(hello);
    const times = await interleave(quick ? 9 : 25, {
      bare: () => project.timeNode(["-e", "0"]),
      warm: () => project.timeNode(hello),
    });
    const cold = await interleave(quick ? 3 : 7, {
      recompiled: () => {
        project.forgetPrograms();
        return project.timeNode(hello);
      },
      first: () => {
        project.forgetAll();
        return project.timeNode(hello);
      },
    });
    const spread = (samples: readonly number[]): string =>
      `least ${least(samples).toFixed(0)} ms of ${samples.length}`;
    return [
      { name: "node -e 0", value: median(times.bare), unit: "ms", note: spread(times.bare) },
      { name: "with the cache", value: median(times.warm), unit: "ms", note: spread(times.warm) },
      {
        name: "with the cache, against node -e 0",
        value: median(times.warm) / median(times.bare),
        unit: "×",
        wanted: WANTED_WARM_RATIO,
        note: `least against least ${(least(times.warm) / least(times.bare)).toFixed(2)} ×`,
      },
      {
        name: "without the project's cache",
        value: median(cold.recompiled),
        unit: "ms",
        note: spread(cold.recompiled),
      },
      {
        name: "first ever, no cache at all",
        value: median(cold.first),
        unit: "ms",
        wanted: WANTED_FIRST_MS,
        note: spread(cold.first),
      },
    ];
  },
};
