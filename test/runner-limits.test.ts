/** Every limit of a task's policy holds on every call that a host program makes, the first as the thousandth. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createRuntime, type RunResult, type Runtime } from "@capsule-run/sdk/runner";
import { capsule as commandLine, folder, program } from "./support/capsule.ts";

/** Calls until the last one that is looked at. */
const CALLS = 1000;
const AT_ONCE = 8;

/** A program each of whose limits is reached by the task that is named so; `main` calls those that it is given. */
const TYPESCRIPT = program(`
import { readFileSync, writeFileSync } from "node:fs";
const spin = () => { for (;;); };
const fill = () => { const all = []; for (;;) all.push(new Uint8Array(1e6).fill(1)); };
const tasks: Record<string, (...args: never[]) => unknown> = {
  compute: task({ name: "compute", compute: "1000000" }, async () => spin()),
  ram: task({ name: "ram", ram: "16MB" }, async () => fill()),
  timeout: task({ name: "timeout", compute: "HIGH", timeout: "60ms" }, async () => spin()),
  max_retries: task({ name: "max_retries", maxRetries: 1 }, async () => { throw new Error("again"); }),
  allowed_files: task({ name: "allowed_files", allowedFiles: [{ path: "data", mode: "ro" }] }, async () => {
    const text = readFileSync("data/in.txt", "utf8");
    try { writeFileSync("data/out.txt", "x"); return "written"; } catch { /* Then the next. */ }
    try { return readFileSync("other/in.txt", "utf8"); } catch { return text; }
  }),
  allowed_hosts: task({ name: "allowed_hosts", allowedHosts: ["127.0.0.1:9"] }, async () =>
    fetch("http://127.0.0.1:10/").then(() => "reached", () => "refused")),
  env_variables: task({ name: "env_variables", envVariables: ["SEEN"] }, async () =>
    [process.env.SEEN, process.env.HIDDEN ?? "none"].join(" ")),
};
export const main = task({ name: "main" }, async (names: string[]) => {
  const ended = await Promise.all(names.map((name) => tasks[name]!()));
  return Object.fromEntries(names.map((name, i) => [name, ended[i]]));
});`);

const PYTHON = `import asyncio, os
from urllib.request import urlopen
from capsule import task

@task(compute="100000000")
async def compute():
    while True: pass

@task(ram="64MB")
async def ram():
    return len([bytearray(b"x" * 1_000_000) for _ in range(200)])

@task(compute="HIGH", timeout="100ms")
async def timeout():
    while True: pass

@task(max_retries=1)
async def max_retries():
    raise ValueError("again")

@task(allowed_files=[{"path": "data", "mode": "ro"}])
async def allowed_files():
    text = open("data/in.txt").read()
    # Not named in one string: a file that is would be packed with the program.
    for path, mode in ("data/out.txt", "w"), ("/".join(["other", "in.txt"]), "r"):
        try:
            open(path, mode)
            return path
        except OSError:
            pass
    return text

@task(allowed_hosts=["127.0.0.1:9"])
async def allowed_hosts():
    try:
        urlopen("http://127.0.0.1:10/")
        return "reached"
    except OSError:
        return "refused"

@task(env_variables=["SEEN"])
async def env_variables():
    return f"{os.environ.get('SEEN')} {os.environ.get('HIDDEN', 'none')}"

@task
async def main(names):
    ended = await asyncio.gather(*[globals()[name]() for name in names])
    return dict(zip(names, ended))
`;

/** How each task ends: its error, or what it says; and its retries. */
const ENDS: Readonly<Record<string, readonly [string, number]>> = {
  compute: ["out_of_fuel", 0],
  ram: ["out_of_memory", 0],
  timeout: ["timeout", 0],
  max_retries: ["task_error", 1],
  allowed_files: ["data", 0],
  allowed_hosts: ["refused", 0],
  env_variables: ["yes none", 0],
};

interface Ended {
  readonly result: unknown;
  readonly error: { readonly error_type: string } | null;
  readonly execution: { readonly retries: number };
}

type Ends = Readonly<Record<string, Ended>>;

const cwd = folder({
  "capsule.toml": "",
  "limits.ts": TYPESCRIPT,
  "limits.py": PYTHON,
  "data/in.txt": "data",
  "other/in.txt": "other",
});

let runtime: Runtime;

const call = (file: string, names: readonly string[]): Promise<RunResult<Ends>> =>
  runtime.run({ file, args: [names], env: { SEEN: "yes", HIDDEN: "no" } });

async function limits(file: string): Promise<Ends> {
  const answer = await call(file, Object.keys(ENDS));
  assert.ok(answer.success, answer.error?.message ?? "");
  return answer.result;
}

/** Calls of `main` that call nothing, until `CALLS` were made. */
async function between(file: string): Promise<void> {
  let left = CALLS - 2;
  const caller = async (): Promise<void> => {
    while (left-- > 0) assert.deepEqual((await call(file, [])).result, {});
  };
  await Promise.all(Array.from({ length: AT_ONCE }, caller));
}

describe("every limit", () => {
  before(async () => {
    runtime = await createRuntime({ cwd });
  });
  after(() => runtime.close());

  for (const source of ["limits.ts", "limits.py"]) {
    for (const exported of [false, true])
      describe(`${source}${exported ? ", exported" : ""}`, () => {
        const ends: Record<string, Ends> = {};
        before(async () => {
          if (exported) {
            const built = await commandLine(["build", "--export", source], { cwd });
            assert.equal(built.code, 0, built.stderr);
          }
          const file = exported ? "limits.wasm" : source;
          ends.first = await limits(file);
          await between(file);
          ends[`${CALLS}th`] = await limits(file);
        });
        for (const [name, end] of Object.entries(ENDS))
          test(`${name} holds on the first call and on the ${CALLS}th`, () => {
            for (const [which, ended] of Object.entries(ends)) {
              const { result, error, execution } = ended[name] as Ended;
              assert.deepEqual([error?.error_type ?? result, execution.retries], end, which);
            }
          });
      });

    test(`${source}: what a call itself forbids holds on each`, async () => {
      const names = Object.keys(ENDS);
      for (let i = 0; i < 3; i++) {
        const one = await runtime.run<Ends>({
          file: source,
          args: [names.slice(4)],
          policy: { max_tasks: 1 },
        });
        assert.ok(one.success);
        assert.deepEqual(
          Object.values(one.result).map(({ error }) => error?.error_type),
          ["limit_exceeded", "limit_exceeded", "limit_exceeded"],
        );
        const sealed = await runtime.run<Ends>({ file: source, args: [names.slice(4)], sealed: true });
        assert.ok(sealed.success);
        assert.equal(sealed.result.allowed_files?.error?.error_type, "task_error");
        assert.match(String(sealed.result.env_variables?.result), /none$/);
        assert.equal((await call(source, ["env_variables"])).result?.env_variables?.result, "yes none");
      }
    });
  }
});
