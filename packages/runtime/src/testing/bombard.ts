/** Runs programs of both languages while their cells are killed, stopped and continued. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { cellsOf, childrenOf, Project, sleep, until } from "./project.ts";

export interface BombardOptions {
  readonly seed: number;
  readonly runs: number;
}

export interface Bombarded {
  readonly runs: number;
  /** `a` and `b`: the results of TypeScript's and Python's program; else types of errors. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly signals: number;
  /** How both end when nobody shoots any more. */
  readonly afterwards: readonly string[];
  /** What is left after the runtime was closed: kinds of resources, processes. */
  readonly left: readonly string[];
}

const TYPESCRIPT = `
const child = task({ name: "child", maxRetries: 2, timeout: "20s" }, async (n: number) => {
  let x = 0;
  for (let i = 0; i < n * 20_000; i++) x += i;
  return x;
});
export const main = task({ name: "main", maxRetries: 1, timeout: "30s" }, async () => {
  await Promise.all(Array.from({ length: 6 }, (_, n) => child(n)));
  return "a";
});`;

const PYTHON = `import asyncio
from capsule import task

@task(max_retries=2, timeout="20s")
async def child(n: int):
    return sum(range(n * 10_000))

@task(max_retries=1, timeout="30s")
async def main():
    await asyncio.gather(*[child(n) for n in range(4)])
    return "b"
`;

const resources = (): string[] =>
  process.getActiveResourcesInfo().filter((name) => /Process|Pipe|Timeout/.test(name));

export async function bombard({ seed, runs }: BombardOptions): Promise<Bombarded> {
  let state = seed;
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const base = resources();
  await using project = new Project();
  project.write("a.ts", TYPESCRIPT);
  writeFileSync(join(project.folder, "b.py"), PYTHON);
  const runtime = await project.runtime({ cells: 2 });
  const outcomes: Record<string, number> = {};
  // Compiled before the first shot: a program that can't be loaded is an error of its own.
  for (const file of ["a.ts", "b.py"]) await runtime.load(file);
  let [over, signals, begun] = [false, 0, 0];
  const shooting = (async () => {
    while (!over) {
      await sleep(100 + random() * 600);
      const cells = cellsOf(process.pid);
      const cell = cells[Math.floor(random() * cells.length)];
      if (cell === undefined) continue;
      signals++;
      const how = random();
      try {
        process.kill(cell, how < 0.6 ? "SIGKILL" : "SIGSTOP");
        // A few stay stopped, until the host gives them up.
        if (how > 0.63) setTimeout(() => resume(cell), random() * 600);
      } catch {
        // It has ended by itself.
      }
    }
  })();
  const ending = async (file: string): Promise<string> => {
    const { envelope } = await runtime.run({ file });
    return envelope.success ? (JSON.parse(envelope.resultJson) as string) : envelope.error.error_type;
  };
  const afterwards: string[] = [];
  const worker = async (): Promise<void> => {
    while (begun < runs) {
      const file = begun++ % 2 === 0 ? "a.ts" : "b.py";
      const how = await ending(file);
      outcomes[how] = (outcomes[how] ?? 0) + 1;
    }
  };
  try {
    await Promise.all(Array.from({ length: 4 }, worker));
    over = true;
    await shooting;
    for (const cell of cellsOf(process.pid)) resume(cell);
    for (const file of ["a.ts", "b.py"]) afterwards.push(await ending(file));
  } finally {
    over = true;
    await runtime.close();
  }
  const left = (): string[] => {
    const more = [...resources()];
    for (const name of base) if (more.includes(name)) more.splice(more.indexOf(name), 1);
    return [...more, ...childrenOf(process.pid).map((pid) => `process ${pid}`)];
  };
  await until(() => left().length === 0);
  return { runs: begun, outcomes, signals, afterwards, left: left() };
}

function resume(cell: number): void {
  try {
    process.kill(cell, "SIGCONT");
  } catch {
    // Killed meanwhile.
  }
}
