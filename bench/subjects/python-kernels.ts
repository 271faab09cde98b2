import type { PythonKernelTimes } from "../engine/python-meter.ts";
import { CELL_FLAGS, runChild } from "../lib/processes.ts";
import { pythonEngine, systemPython } from "../lib/python.ts";
import { geometricMean } from "../lib/statistics.ts";
import type { Measurement, Subject } from "../lib/subject.ts";

/** Wanted: from the issue that brought Python. */
const WANTED_AGAINST_SYSTEM = 1.8;
const WANTED_AGAINST_UNMETERED = 1.2;

/** Without V8's cache of modules, which would give two instances of the plain engine the same compiled code. */
const FLAGS = [...CELL_FLAGS, "--no-wasm-native-module-cache"];

/** CPython in a sandbox against the system's, and against itself without meter and marks: by turns, processor time. */
export const pythonKernels: Subject = {
  name: "python-kernels",
  title: "time of Python's kernels in a sandbox",
  async measure({ quick }) {
    const version = systemPython();
    const { artifacts } = pythonEngine();
    const effort = quick ? ["3", "3"] : ["21", "12"];
    const times = runChild<PythonKernelTimes[]>("engine/python-meter.ts", FLAGS, [
      artifacts,
      version === null ? "" : "python3",
      ...effort,
    ]);
    const mean = (of: (times: PythonKernelTimes) => number | null): number =>
      geometricMean(times.map((one) => of(one) ?? Number.NaN));
    const kernels = times.map(
      ({ kernel, plainMs, shipped, control, system, systemMs }): Measurement => ({
        name: system === null ? `${kernel}, against unmetered` : `${kernel}, against python3`,
        value: system ?? shipped,
        unit: "×",
        note:
          (systemMs === null ? "" : `python3 ${systemMs.toFixed(1)} ms, `) +
          `unmetered ${plainMs.toFixed(1)} ms; against that ${shipped.toFixed(2)} × (itself ${control.toFixed(2)} ×)`,
      }),
    );
    const against: Measurement = {
      name: "geometric mean, against python3",
      value: mean(({ system }) => system),
      unit: "×",
      wanted: WANTED_AGAINST_SYSTEM,
      note:
        `least against least ${mean(({ leastSystem }) => leastSystem).toFixed(2)} ×; unmetered ` +
        `${mean(({ system, shipped }) => (system ?? Number.NaN) / shipped).toFixed(2)} ×; python3 is ${version}`,
    };
    return [
      ...kernels,
      ...(version === null ? [] : [against]),
      {
        name: "geometric mean, metered and marked against unmetered",
        value: mean(({ shipped }) => shipped),
        unit: "×",
        wanted: WANTED_AGAINST_UNMETERED,
        note:
          `least against least ${mean(({ leastShipped }) => leastShipped).toFixed(2)} ×; ` +
          `unmetered against itself ${mean(({ control }) => control).toFixed(2)} ×`,
      },
      {
        name: "geometric mean, metered without marks",
        value: mean(({ metered }) => metered),
        unit: "×",
        note: "what a reset by a full copy would take for it",
      },
    ];
  },
};
