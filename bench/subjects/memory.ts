import { setTimeout as sleep } from "node:timers/promises";
import { benchProgram, childrenOf, memoryOf, Project } from "../lib/processes.ts";
import type { Measurement, Subject } from "../lib/subject.ts";

const NAPS = 200;
const CALLS = 1000;
const SETTLE_MS = 500;

interface Memory {
  readonly host: ReturnType<typeof memoryOf>;
  readonly cells: readonly ReturnType<typeof memoryOf>[];
}

/** Memory of a `capsule run` that has made `calls` calls and holds `naps` sandboxes that sleep. */
async function memory(project: Project, calls: number, naps: number): Promise<Memory> {
  const started = project.run("idle.ts", String(calls), String(naps));
  try {
    await started.printed(naps + 1);
    await sleep(SETTLE_MS);
    const pid = started.child.pid as number;
    return { host: memoryOf(pid), cells: childrenOf(pid).map(memoryOf) };
  } finally {
    await started.kill("SIGTERM");
  }
}

const total = (memories: Memory["cells"]): number => memories.reduce((sum, { own }) => sum + own, 0);

const row = (name: string, { resident, own }: Memory["host"]): Measurement => ({
  name,
  value: resident / 1e6,
  unit: "MB",
  note: `of which ${(own / 1e6).toFixed(0)} MB its own`,
});

/** Resident memory as the kernel counts it; only on Linux. */
export const memoryUse: Subject = {
  name: "memory",
  title: "memory",
  async measure() {
    if (process.platform !== "linux") return [];
    using project = new Project(benchProgram("idle.ts"));
    const rest = await memory(project, 0, 0);
    const asleep = await memory(project, 0, NAPS);
    const worked = await memory(project, CALLS, 0);
    // Cells start when they are needed: the ones that were not there at rest count with what a cell has at rest.
    const [cell] = rest.cells;
    if (!cell) throw new Error("a run without a cell");
    const more = total(asleep.cells) - cell.own * asleep.cells.length;
    return [
      row("host, main asleep", rest.host),
      row("cell, main asleep", cell),
      {
        name: "sandbox asleep",
        value: more / NAPS / 1e3,
        unit: "KB",
        note: `mean of ${NAPS} in ${asleep.cells.length} cells`,
      },
      row(`host after ${CALLS} calls`, worked.host),
      ...worked.cells.map((one, i) => row(`cell ${i + 1} after ${CALLS} calls`, one)),
    ];
  },
};
