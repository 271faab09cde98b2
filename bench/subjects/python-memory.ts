import { setTimeout as sleep } from "node:timers/promises";
import { benchProgram, childrenOf, memoryOf, Project } from "../lib/processes.ts";
import { pythonEngine } from "../lib/python.ts";
import type { Measurement, Subject } from "../lib/subject.ts";

/** Wanted: from the issue that brought Python. */
const WANTED_CORE_MB = 40;

const SETTLE_MS = 1000;

/** Bytes that the cells of a `capsule run` have for themselves while it holds `naps` sandboxes that sleep. */
async function cellsWith(project: Project, program: string, calls: number, naps: number): Promise<number[]> {
  const started = project.run(program, String(calls), String(naps));
  try {
    await started.printed(naps + 1);
    await sleep(SETTLE_MS);
    return childrenOf(started.child.pid as number).map((pid) => memoryOf(pid).own);
  } finally {
    await started.kill("SIGTERM");
  }
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** What a sandbox adds to its cell: the slope between a few and many, so that what cells share is left out. */
async function perSandbox(
  project: Project,
  program: string,
  few: number,
  many: number,
): Promise<{ readonly cell: number; readonly each: number }> {
  const [cell = Number.NaN] = await cellsWith(project, program, 0, 0);
  const less = sum(await cellsWith(project, program, 0, few));
  const more = sum(await cellsWith(project, program, 0, many));
  return { cell, each: (more - less) / (many - few) };
}

/** Memory as the kernel counts it, what processes share left out; only on Linux. */
export const pythonMemory: Subject = {
  name: "python-memory",
  title: "memory of Python",
  async measure({ quick }) {
    if (process.platform !== "linux") return [];
    pythonEngine();
    using project = new Project(benchProgram("idle.py"), benchProgram("idle_pandas.py"));
    project.useOwnCache();
    const core = await perSandbox(project, "idle.py", 4, quick ? 12 : 40);
    const full = await perSandbox(project, "idle_pandas.py", 2, quick ? 4 : 12);
    const worked = Math.max(...(await cellsWith(project, "idle.py", 200, 0)));
    const row = (name: string, bytes: number, extra: Partial<Measurement> = {}): Measurement => ({
      name,
      value: bytes / 1e6,
      unit: "MB",
      ...extra,
    });
    return [
      row("cell with one sandbox", core.cell),
      row("sandbox asleep", core.each, { wanted: WANTED_CORE_MB, note: "each further one" }),
      row("cell after 200 calls", worked, { note: "with the unused instances that it keeps" }),
      row("cell with one sandbox that has pandas", full.cell),
      row("sandbox asleep that has pandas", full.each, { note: "each further one" }),
    ];
  },
};
