import { CAPSULE, HELLO, Project } from "../lib/processes.ts";
import { againstNode, spread } from "../lib/starts.ts";
import { interleave, median } from "../lib/statistics.ts";
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
    return [
      ...againstNode(times, WANTED_WARM_RATIO),
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
