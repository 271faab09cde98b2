import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { createRuntime } from "@capsule-run/runtime";
import { benchProgram, Project } from "../lib/processes.ts";
import { pythonEngine, systemPython } from "../lib/python.ts";
import { interleave, least, median, timed } from "../lib/statistics.ts";
import type { Measurement, Subject } from "../lib/subject.ts";

const WORK = {
  group_by: "group-by of 200,000 rows with pandas",
  matrix_product: "product of 320 × 320 matrices with numpy",
};
type Work = keyof typeof WORK;

/** Times a piece of work is done per run, so that starting it is little beside it. */
const REPEAT = 5;

const VENV = fileURLToPath(new URL("../../node_modules/.cache/capsule-bench/python", import.meta.url));
const VENV_PYTHON = join(VENV, process.platform === "win32" ? "Scripts/python.exe" : "bin/python");

/** A virtual environment with numpy and pandas, made once and kept beside the bench; null, and why, if it can't be. */
function virtualPython(): { readonly python: string | null; readonly reason: string } {
  const works = (): boolean =>
    existsSync(VENV_PYTHON) && spawnSync(VENV_PYTHON, ["-c", "import numpy, pandas"]).status === 0;
  if (works()) return { python: VENV_PYTHON, reason: "" };
  rmSync(VENV, { recursive: true, force: true });
  for (const command of [
    ["python3", "-m", "venv", VENV],
    [VENV_PYTHON, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", "numpy", "pandas"],
  ]) {
    const [program = "", ...words] = command;
    const { status, stderr, error } = spawnSync(program, words, { encoding: "utf8" });
    if (status !== 0)
      return { python: null, reason: (error?.message ?? stderr).trim().split("\n").at(-1) ?? "it failed" };
  }
  return works() ? { python: VENV_PYTHON, reason: "" } : { python: null, reason: "numpy can't be imported" };
}

/** Does the work a line names: its checksum, and nothing else, so that it is timed as the sandbox is. */
const SERVER = `
import sys, science
for line in sys.stdin:
    name, times = line.split()
    print(science.repeat(name, int(times)), flush=True)
`;

/** numpy and pandas in a sandbox against the system's, by turns; timed in the host. */
export const pythonScience: Subject = {
  name: "python-science",
  title: "numpy and pandas in a sandbox, against a virtual environment",
  async measure({ quick }) {
    if (systemPython() === null) return skip("there is no python3");
    const { python, reason } = virtualPython();
    if (python === null) return skip(`no virtual environment with numpy and pandas: ${reason}`);
    pythonEngine();
    using project = new Project(benchProgram("science.py"));
    await using runtime = await createRuntime({ cwd: project.folder, cells: 1 });
    const sandboxed = async (work: Work, times: number): Promise<unknown> => {
      const { envelope } = await runtime.run({ file: "science.py", args: [work, times] });
      if (!envelope.success) throw new Error(`science.py: ${envelope.error.message}`);
      return Number(envelope.resultJson);
    };
    const child: ChildProcess = spawn(python, ["-B", "-c", SERVER], {
      cwd: project.folder,
      // One core each: a sandbox has no more.
      env: { ...process.env, OPENBLAS_NUM_THREADS: "1", OMP_NUM_THREADS: "1" },
      stdio: ["pipe", "pipe", "inherit"],
    });
    try {
      const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
      const native = async (work: Work, times: number): Promise<unknown> => {
        const line = once(lines, "line");
        child.stdin?.write(`${work} ${times}\n`);
        return Number((await line)[0]);
      };
      const rows: Measurement[] = [];
      for (const work of Object.keys(WORK) as Work[]) {
        const results = [await sandboxed(work, REPEAT), await native(work, REPEAT)];
        if (results[0] !== results[1]) throw new Error(`${work}: they disagree: ${results.join(", ")}`);
        for (let i = 0; i < (quick ? 1 : 5); i++) await sandboxed(work, REPEAT);
        const times = await interleave(quick ? 3 : 11, {
          empty: () => timed(() => sandboxed(work, 0)),
          sandboxed: () => timed(() => sandboxed(work, REPEAT)),
          native: () => timed(() => native(work, REPEAT)),
        });
        const inside = (median(times.sandboxed) - median(times.empty)) / REPEAT;
        const outside = median(times.native) / REPEAT;
        const fastest = (least(times.sandboxed) - least(times.empty)) / least(times.native);
        rows.push({
          name: WORK[work],
          value: inside / outside,
          unit: "×",
          note: `${inside.toFixed(1)} ms against ${outside.toFixed(1)} ms; least against least ${fastest.toFixed(2)} ×`,
        });
      }
      return rows;
    } finally {
      child.kill();
    }
  },
};

function skip(reason: string): readonly Measurement[] {
  console.log(`python-science is left out: ${reason}`);
  return [];
}
