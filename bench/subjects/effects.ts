import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createRuntime } from "@capsule-run/runtime";
import { benchProgram, Project, REPOSITORY } from "../lib/processes.ts";
import { pythonEngine, systemPython } from "../lib/python.ts";
import { interleave, least, median, timed } from "../lib/statistics.ts";
import type { Measurement, Subject } from "../lib/subject.ts";

const FILES = 10_000;
const REQUESTS = 1000;
const PORT = 18_790;
const URL_OF_SERVER = `http://127.0.0.1:${PORT}/`;

/** The function of a program of the bench in plain Node: the same code without a sandbox. */
type Plain = (...args: readonly unknown[]) => Promise<{ readonly success: boolean }>;

async function plain(program: string): Promise<Plain> {
  const { main } = (await import(benchProgram(program))) as { main: Plain };
  return main;
}

async function run(work: Promise<{ readonly success: boolean; readonly error?: unknown }>): Promise<void> {
  const ended = await work;
  if (!ended.success) throw new Error(`a program of the bench failed: ${JSON.stringify(ended)}`);
}

/** Milliseconds that the `main` of a program takes in CPython; NaN if the system has none. */
function inPython(program: string, args: readonly unknown[]): number {
  if (systemPython() === null) return Number.NaN;
  const script = `
import json, sys, time
sys.path[:0] = json.loads(sys.argv[1])
from ${program} import main
begin = time.perf_counter()
assert main(*json.loads(sys.argv[2]))["success"]
print((time.perf_counter() - begin) * 1000)`;
  const paths = [benchProgram(""), join(REPOSITORY, "python/capsule-run/src")];
  const words = ["-B", "-c", script, JSON.stringify(paths), JSON.stringify(args)];
  const { status, stdout, stderr } = spawnSync("python3", words, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program}.py fails in CPython: ${stderr}`);
  return Number(stdout);
}

/** Rows for what a sandbox takes, and for how that compares with the same code outside. */
function rows(
  what: string,
  count: number,
  { sandbox, outside }: { readonly sandbox: readonly number[]; readonly outside: readonly number[] },
  reference: string,
): Measurement[] {
  const each = ((median(sandbox) / count) * 1000).toFixed(0);
  const note = `${each} µs each, least ${least(sandbox).toFixed(0)} ms of ${sandbox.length}`;
  const noteOutside = `${median(outside).toFixed(0)} ms there, least against least ${(least(sandbox) / least(outside)).toFixed(1)} ×`;
  return [
    { name: what, value: median(sandbox), unit: "ms", note },
    {
      name: `${what}, against ${reference}`,
      value: median(sandbox) / median(outside),
      unit: "×",
      note: noteOutside,
    },
  ];
}

/** Files and requests through the host, beside Node and CPython that do it themselves. The times include a run each. */
export const effects: Subject = {
  name: "effects",
  title: "files and requests from sandboxes",
  async measure({ quick }) {
    pythonEngine();
    const programs = ["reads.ts", "reads.py", "urls.ts", "urls.py"];
    using project = new Project(...programs.map(benchProgram));
    const folder = join(project.folder, "data");
    mkdirSync(folder);
    for (let i = 0; i < FILES; i++) writeFileSync(join(folder, `${i}.txt`), `file ${i}\n`.repeat(20));
    await using runtime = await createRuntime({ cwd: project.folder });
    const server = await serve();
    try {
      const inSandbox = (file: string, args: readonly unknown[]) => () =>
        timed(() => run(runtime.run({ file, args }).then(({ envelope }) => envelope)));
      const [reads, urls] = [await plain("reads.ts"), await plain("urls.ts")];
      const inNode = (main: Plain, args: readonly unknown[]) => () => timed(() => run(main(...args)));
      const rounds = quick ? 3 : 7;
      const pairs = {
        sync: ["reads.ts", ["data", FILES, "sync"], inNode(reads, [folder, FILES, "sync"])],
        parallel: ["reads.ts", ["data", FILES, "parallel"], inNode(reads, [folder, FILES, "parallel"])],
        python: ["reads.py", ["data", FILES], () => inPython("reads", [folder, FILES])],
        requests: ["urls.ts", [URL_OF_SERVER, REQUESTS, 1], inNode(urls, [URL_OF_SERVER, REQUESTS, 1])],
        atOnce: ["urls.ts", [URL_OF_SERVER, REQUESTS, 50], inNode(urls, [URL_OF_SERVER, REQUESTS, 50])],
        urlopen: ["urls.py", [URL_OF_SERVER, REQUESTS], () => inPython("urls", [URL_OF_SERVER, REQUESTS])],
      } as const;
      const titles: Readonly<Record<keyof typeof pairs, readonly [string, number, string]>> = {
        sync: [`${FILES} small files, one after the other`, FILES, "Node"],
        parallel: [`${FILES} small files, 100 at once`, FILES, "Node"],
        python: [`${FILES} small files in Python`, FILES, "CPython"],
        requests: [`${REQUESTS} requests, one after the other`, REQUESTS, "Node"],
        atOnce: [`${REQUESTS} requests, 50 at once`, REQUESTS, "Node"],
        urlopen: [`${REQUESTS} requests in Python`, REQUESTS, "CPython"],
      };
      const result: Measurement[] = [];
      for (const [name, [file, args, outside]] of Object.entries(pairs)) {
        const [what, count, reference] = titles[name as keyof typeof pairs];
        const sandbox = inSandbox(file, args);
        await sandbox();
        result.push(...rows(what, count, await interleave(rounds, { sandbox, outside }), reference));
      }
      return result;
    } finally {
      server.kill();
    }
  },
};

async function serve(): Promise<ChildProcess> {
  const script = fileURLToPath(new URL("../engine/http-server.ts", import.meta.url));
  const server = spawn(process.execPath, [script, String(PORT)], { stdio: ["ignore", "pipe", "inherit"] });
  const [said] = (await Promise.race([once(server.stdout, "data"), once(server, "exit")])) as [unknown];
  if (!(said instanceof Buffer)) throw new Error("the server of the bench does not start");
  return server;
}
