import type { KernelTimes } from "../engine/meter.ts";
import { runChild } from "../lib/processes.ts";
import { geometricMean } from "../lib/statistics.ts";
import type { Subject } from "../lib/subject.ts";

/** Wanted: from the issue that brought `capsule run`. */
const WANTED_RATIO = 1.2;

/** Without V8's cache of modules, which would give two instances of the plain engine the same compiled code. */
const FLAGS = ["--experimental-wasm-branch-hinting", "--no-wasm-native-module-cache"];

/** The metered engine against QuickJS as its package ships it, in turns in one process. */
export const metering: Subject = {
  name: "metering",
  title: "time of metered QuickJS against unmetered",
  async measure({ quick }) {
    const times = runChild<KernelTimes[]>("engine/meter.ts", FLAGS, quick ? ["7", "25"] : ["21", "60"]);
    return [
      ...times.map(({ kernel, plainMs, metered, control }) => ({
        name: kernel,
        value: metered,
        unit: "×" as const,
        note: `unmetered ${plainMs.toFixed(1)} ms, and against itself ${control.toFixed(2)} ×`,
      })),
      {
        name: "geometric mean",
        value: geometricMean(times.map(({ metered }) => metered)),
        unit: "×",
        wanted: WANTED_RATIO,
        note: `unmetered against itself ${geometricMean(times.map(({ control }) => control)).toFixed(2)} ×`,
      },
    ];
  },
};
