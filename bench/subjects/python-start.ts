import { benchProgram, CAPSULE, Project, PYTHON_HELLO } from "../lib/processes.ts";
import { layOutArtifacts, pythonEngine } from "../lib/python.ts";
import { againstNode, spread } from "../lib/starts.ts";
import { interleave, median } from "../lib/statistics.ts";
import type { Subject } from "../lib/subject.ts";

/** Wanted: from the issue that brought Python, measured against the same Node doing nothing. */
const WANTED_WARM_RATIO = 8;
const WANTED_FIRST_S = 8;

/** Whole processes, from their start to their end, their output in pipes. */
export const pythonStart: Subject = {
  name: "python-start",
  title: "capsule run examples/hello.py, whole processes",
  async measure({ quick }) {
    const engine = pythonEngine();
    const hello = [CAPSULE, "run", "hello.py"];
    const table = [CAPSULE, "run", "table.py"];
    using project = new Project(PYTHON_HELLO, benchProgram("table.py"));
    project.useOwnCache();
    for (const command of [hello, table]) project.timeNode(command);
    const times = await interleave(quick ? 7 : 25, {
      bare: () => project.timeNode(["-e", "0"]),
      warm: () => project.timeNode(hello),
      table: () => project.timeNode(table),
    });
    const cold = await interleave(quick ? 3 : 7, {
      recompiled: () => {
        project.forgetPrograms();
        return project.timeNode(hello);
      },
    });
    const first: number[] = [];
    for (let i = 0; i < (quick ? 1 : 3); i++) {
      using fresh = new Project(PYTHON_HELLO);
      layOutArtifacts(engine, fresh.userCache);
      first.push(fresh.timeNode(hello));
    }
    return [
      ...againstNode(times, WANTED_WARM_RATIO),
      {
        name: "a program with pandas, with the cache",
        value: median(times.table),
        unit: "ms",
        note: `${spread(times.table)}; ${(median(times.table) / median(times.bare)).toFixed(1)} × node -e 0`,
      },
      {
        name: "without the project's cache",
        value: median(cold.recompiled),
        unit: "ms",
        note: spread(cold.recompiled),
      },
      {
        name: "first ever, the engine made from what was fetched",
        value: median(first) / 1000,
        unit: "s",
        wanted: WANTED_FIRST_S,
        note: spread(first),
      },
    ];
  },
};
