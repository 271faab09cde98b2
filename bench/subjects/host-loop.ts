import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { createRuntime, type Runtime } from "@capsule-run/runtime";
import { Project } from "../lib/processes.ts";
import type { Measurement, Subject } from "../lib/subject.ts";

/** Wanted: from the issue that brought `run()`. */
const WANTED_MS = 10;
/** The histogram counts how late a timer of a millisecond is, that millisecond included. */
const RESOLUTION_MS = 1;
const MODULES = 300;

const typescript = (imports: string, body: string): string =>
  `import { task } from "@capsule-run/sdk";\n${imports}\nexport const main = task({ name: "main" }, () => ${body});\n`;
const python = (imports: string, body: string): string =>
  `from capsule import task\n${imports}\n\n@task\ndef main():\n    return ${body}\n`;

const numbers = Array.from({ length: MODULES }, (_, i) => i);
const LINE = "a line of text that is long enough to be one";
const MEGABYTE = 1_000_000;

/** Each program, written anew so that it has to be compiled. */
const PROGRAMS: Readonly<Record<string, (edition: number) => string>> = {
  "small.ts": (edition) => typescript("", String(edition)),
  "small.py": (edition) => python("", String(edition)),
  "large.ts": (edition) =>
    typescript(
      numbers.map((i) => `import { f as f${i} } from "./parts/m${i}.ts";`).join("\n"),
      `f1() + ${edition}`,
    ),
  "large.py": (edition) =>
    python(numbers.map((i) => `from parts.m${i} import f as f${i}`).join("\n"), `f1() + ${edition}`),
  "text.ts": () => typescript("", `"x".repeat(${MEGABYTE})`),
  "text.py": () => python("", `"x" * ${MEGABYTE}`),
  "values.ts": () =>
    typescript("", `Array.from({ length: ${MEGABYTE / 50} }, (_, i) => ({ i, text: "${LINE}" }))`),
};

function write(folder: string, file: string, edition = 0): void {
  writeFileSync(join(folder, file), (PROGRAMS[file] as (edition: number) => string)(edition));
}

/** What the large programs import: each module has a hundred lines. */
function writeModules(folder: string): void {
  mkdirSync(join(folder, "parts"));
  writeFileSync(join(folder, "parts/__init__.py"), "");
  const lines = Array.from({ length: 100 }, (_, i) => i);
  for (const n of numbers) {
    const ts = lines.map((i) => `const v${i}: string = "${LINE}";`).join("\n");
    writeFileSync(
      join(folder, `parts/m${n}.ts`),
      `${ts}\nexport const f = (): number => v${n % 100}.length;\n`,
    );
    const py = lines.map((i) => `v${i} = "${LINE}"`).join("\n");
    writeFileSync(join(folder, `parts/m${n}.py`), `${py}\n\ndef f():\n    return len(v${n % 100})\n`);
  }
}

/** How late the host's event loop is while something goes on. */
async function lateness(name: string, work: () => Promise<unknown>): Promise<Measurement> {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  await work();
  delay.disable();
  const ms = (share: number): number => delay.percentile(share) / 1e6 - RESOLUTION_MS;
  const most = (delay.max / 1e6 - RESOLUTION_MS).toFixed(1);
  const value = Math.max(0, ms(99));
  return { name, value, unit: "ms", wanted: WANTED_MS, note: `p50 ${ms(50).toFixed(1)} ms, most ${most} ms` };
}

async function run(runtime: Runtime, file: string): Promise<void> {
  const { envelope } = await runtime.run({ file });
  if (!envelope.success) throw new Error(`${file}: ${envelope.error.message}`);
}

async function times(count: number, act: (i: number) => Promise<void>): Promise<void> {
  for (let i = 0; i < count; i++) await act(i);
}

/** How long a host program's event loop is kept from others while it runs programs, p99. */
export const hostLoop: Subject = {
  name: "host-loop",
  title: "delay of the host's event loop, p99",
  async measure({ quick }) {
    using project = new Project();
    const { folder } = project;
    writeModules(folder);
    for (const file of Object.keys(PROGRAMS)) write(folder, file);
    await using runtime = await createRuntime({ cwd: folder });
    // What is loaded once, by whichever program is the first of its language.
    for (const file of ["small.ts", "small.py"]) await run(runtime, file);
    const compile = (file: string, count: number) => (): Promise<void> =>
      times(count, async (i) => {
        write(folder, file, i + 1);
        await run(runtime, file);
      });
    const warm = (file: string, count: number) => (): Promise<void> => times(count, () => run(runtime, file));
    const n = quick ? 1 : 4;
    const rows: Measurement[] = [];
    for (const file of ["small.ts", "small.py"])
      rows.push(await lateness(`${file} compiled`, compile(file, 10 * n)));
    for (const file of ["large.ts", "large.py"]) {
      rows.push(await lateness(`${file} compiled, ${MODULES} modules`, compile(file, 2 * n)));
      rows.push(await lateness(`${file} run`, warm(file, 20 * n)));
    }
    for (const file of ["text.ts", "text.py", "values.ts"]) {
      await run(runtime, file);
      rows.push(await lateness(`${file} run, results of 1 MB`, warm(file, 20 * n)));
    }
    const crowd = (): Promise<unknown> =>
      Promise.all(Array.from({ length: 100 }, () => run(runtime, "small.ts")));
    rows.push(await lateness("small.ts, 100 at once", () => times(5 * n, async () => void (await crowd()))));
    return rows;
  },
};
