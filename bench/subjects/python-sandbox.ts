import type { PythonSandboxTimes, PythonStep } from "../engine/python-sandbox.ts";
import { CELL_FLAGS, runChild } from "../lib/processes.ts";
import { pythonEngine } from "../lib/python.ts";
import { least, median } from "../lib/statistics.ts";
import type { Measurement, Subject } from "../lib/subject.ts";

const FLAGS = [...CELL_FLAGS, "--no-wasm-native-module-cache"];

const STEPS: Readonly<Record<PythonStep, string>> = {
  open: "open the engine's folder",
  create: "create an instance",
  fill: "put the engine's image and a program's pages into it",
  turn: "turn of a trivial main",
  reset: "reset after it, by marks",
  resetFully: "reset after it, by a full copy",
};

/** The steps of a Python sandbox's life without processes and protocol, and the ways to reset it. */
export const pythonSandbox: Subject = {
  name: "python-sandbox",
  title: "life of a Python sandbox, in one thread",
  async measure({ quick }) {
    const { folder } = pythonEngine();
    const processes = Array.from({ length: quick ? 1 : 5 }, () =>
      runChild<PythonSandboxTimes>("engine/python-sandbox.ts", FLAGS, [folder, quick ? "60" : "200"]),
    );
    const [{ marked, pages } = { marked: 0, pages: 0 }] = processes;
    const notes: Partial<Record<PythonStep, string>> = {
      reset: `; ${marked.toFixed(0)} of ${pages} pages`,
    };
    const rows = (Object.keys(STEPS) as PythonStep[]).map((step): Measurement => {
      const first = processes.map(({ steps }) => steps[step][0] ?? Number.NaN);
      const skipped = { open: 0, create: 1, fill: 1, turn: 20, reset: 20, resetFully: 20 }[step];
      const later = processes.flatMap(({ steps }) => steps[step].slice(skipped));
      return {
        name: STEPS[step],
        value: median(later),
        unit: "ms",
        note: `least ${least(later).toFixed(3)} ms; the first in a process ${median(first).toFixed(2)} ms${notes[step] ?? ""}`,
      };
    });
    const elsewhere = processes.flatMap((times) => times.elsewhere);
    const handOver = processes.flatMap((times) => times.handOver);
    return [
      ...rows,
      {
        name: "full copy by another thread, over shared memory",
        value: median(elsewhere),
        unit: "ms",
        note: `least ${least(elsewhere).toFixed(3)} ms; handing it over takes ${median(handOver).toFixed(3)} ms`,
      },
    ];
  },
};
