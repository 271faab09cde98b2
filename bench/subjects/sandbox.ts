import { bundleProgram } from "@capsule-run/guest-javascript/bundle";
import type { Step, StepTimes } from "../engine/sandbox.ts";
import { CELL_FLAGS, ENGINE, HELLO, REPOSITORY, runChild, SDK } from "../lib/processes.ts";
import { least, median } from "../lib/statistics.ts";
import type { Measurement, Subject } from "../lib/subject.ts";

/** Each opened engine is compiled anew. */
const FLAGS = [...CELL_FLAGS, "--no-wasm-native-module-cache"];

const STEPS: Readonly<Record<Step, string>> = {
  open: "open the engine's folder",
  prepare: "apply a program's pages to the engine's image",
  create: "create an instance",
  resetEngine: "reset an instance to the engine's image",
  reset: "reset an instance to a program's image",
  turn: "turn of a trivial main",
};

/** The steps of a sandbox's life without processes and protocol: cold in several processes, then warm. */
export const sandbox: Subject = {
  name: "sandbox",
  title: "life of a sandbox, in one thread",
  async measure({ quick }) {
    const { code } = await bundleProgram({ file: HELLO, root: REPOSITORY, sdk: SDK, cwd: REPOSITORY });
    const processes = Array.from({ length: quick ? 3 : 7 }, () =>
      runChild<StepTimes>("engine/sandbox.ts", FLAGS, [ENGINE, Buffer.from(code).toString("base64"), "100"]),
    );
    return (Object.keys(STEPS) as Step[]).map((step): Measurement => {
      const first = processes.map((times) => times[step][0] ?? Number.NaN);
      const later = processes.flatMap((times) => times[step].slice(step === "open" ? 1 : 20));
      return {
        name: STEPS[step],
        value: median(later),
        unit: "ms",
        note: `least ${least(later).toFixed(3)} ms; the first in a process ${median(first).toFixed(2)} ms`,
      };
    });
  },
};
