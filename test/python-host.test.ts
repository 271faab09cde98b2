/** The Python package: its host part against the real runtime, its types, and its wheel in a fresh environment. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { buildWheels } from "../scripts/build-wheels.ts";
import { type Envelope, folder } from "./support/capsule.ts";
import {
  environmentOf,
  environmentWith,
  execute,
  pythonVersion,
  requirementsOf,
} from "./support/virtual-environment.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const project = join(root, "python/capsule-run");
const pyright = join(dirname(createRequire(import.meta.url).resolve("pyright/package.json")), "index.js");

const HELLO_TS = `
import { task } from "@capsule-run/sdk";
interface Greeting { readonly text: string }
export const main = task({ name: "main" }, (name: string): Greeting => ({ text: \`Hello \${name}\` }));
`;
const HELLO_PY = `
from capsule import task
@task(name="main")
def main(name="Python"):
    return f"Hello {name}"
`;
const RUNS = `
import asyncio, json
from capsule import run, run_sync
print(json.dumps([run_sync(file="hello.ts", args=["a"]), asyncio.run(run(file="hello.py", args=["b"]))]))
`;

const version = await pythonVersion();
const skip = version === null ? "there is no Python of version 3.10 or later" : false;

describe("the Python package", { skip, concurrency: true }, () => {
  let tools = "";
  let python = "";
  before(async () => {
    tools = await environmentWith(requirementsOf(join(project, "tests/requirements.txt")));
    python = join(tools, "bin", "python");
  });

  for (const file of ["test_run.py", "test_tools.py"])
    test(`${file} passes`, async () => {
      const args = ["-m", "pytest", "-q", "-p", "no:cacheprovider", `tests/host/${file}`];
      const options = ["--basetemp", join(folder({}), "pytest"), "-o", "faulthandler_timeout=60"];
      const { code, stdout, stderr } = await execute(python, [...args, ...options], {
        cwd: project,
        extra: { PYTHONPATH: join(project, "src") },
      });
      assert.equal(code, 0, `${stdout.slice(-10_000)}\n${stderr}`);
      assert.match(stdout, /\d+ passed/);
    });

  test("its types hold, for mypy", async () => {
    const cache = join(root, "node_modules/.cache/mypy");
    const { code, stdout } = await execute(python, ["-m", "mypy", "--cache-dir", cache], { cwd: project });
    assert.equal(code, 0, stdout);
  });

  test("its types hold, for pyright", async () => {
    const { code, stdout } = await execute(process.execPath, [pyright, "--pythonpath", python], {
      cwd: project,
    });
    assert.equal(code, 0, stdout);
  });

  test("its wheel is all that a fresh environment needs beside Node", async () => {
    const place = folder({ "programs/hello.ts": HELLO_TS, "programs/hello.py": HELLO_PY });
    const [wheel, ...others] = buildWheels();
    assert.ok(wheel);
    // The same files make the same wheel.
    assert.ok(Buffer.from(wheel.bytes).equals(buildWheels()[0]?.bytes ?? Buffer.of()));
    const paths = [wheel, ...others].map(({ name, bytes }) => {
      writeFileSync(join(place, name), bytes);
      return join(place, name);
    });
    const environment = await environmentOf(join(place, "environment"), paths, tools);
    const cwd = join(place, "programs");
    const capsule = async (...args: readonly string[]): Promise<string> => {
      const { code, stdout, stderr } = await execute(join(environment, "bin", "capsule"), args, { cwd });
      assert.equal(code, 0, stderr);
      return stdout;
    };
    const { version } = JSON.parse(readFileSync(join(root, "packages/cli/package.json"), "utf8"));
    assert.equal(await capsule("--version"), `${version}\n`);
    assert.equal(wheel.name, `capsule_run-${version}-py3-none-any.whl`);
    assert.equal(await capsule("run", "hello.ts", "TypeScript"), '{"text":"Hello TypeScript"}\n');
    assert.equal(await capsule("run", "hello.py"), "Hello Python\n");
    const ran = await execute(join(environment, "bin", "python"), ["-c", RUNS], { cwd });
    assert.equal(ran.code, 0, ran.stderr);
    const results = (JSON.parse(ran.stdout) as readonly Envelope[]).map(({ result }) => result);
    assert.deepEqual(results, [{ text: "Hello a" }, "Hello b"]);
    assert.equal(ran.stderr, "");
  });

  test("without a Node that is new enough it says what it needs", async () => {
    const nowhere = folder({});
    const { code, stderr } = await execute(python, ["-m", "capsule", "--version"], {
      extra: { PYTHONPATH: join(project, "src"), PATH: nowhere, CAPSULE_NODE: join(nowhere, "node") },
    });
    assert.equal(code, 2);
    assert.match(
      stderr,
      /^error: CAPSULE_NODE is .*, which is no Node; Capsule needs Node 24 or newer \[node-version\]\n$/,
    );
  });
});
