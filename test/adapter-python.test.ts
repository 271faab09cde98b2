/** The adapter for Python: its tests, on the command line of this checkout, and its types. */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { cleanEnvironment, folder, start } from "./support/capsule.ts";
import { environmentWith, execute, pythonVersion, requirementsOf } from "./support/virtual-environment.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const cwd = here("../python/capsule-run-adapter");
const PYTHONPATH = ["src", "../capsule-run/src"].map((path) => join(cwd, path)).join(delimiter);

const version = await pythonVersion();
const skip = version === null ? "there is no Python of version 3.10 or later" : false;

describe("capsule_adapter", { skip, concurrency: true }, () => {
  test("does what the vectors say, and what is its own", async () => {
    const { code, stderr } = await start("python3", ["-B", "-m", "unittest", "discover", "-s", "tests"], {
      cwd,
      env: { ...cleanEnvironment(), PYTHONPATH, CAPSULE_NODE: process.execPath, TMPDIR: folder() },
    }).ended;
    assert.equal(code, 0, stderr.slice(-10_000));
  });

  test("its types hold, for mypy and pyright", async () => {
    const tools = await environmentWith(requirementsOf(here("../python/capsule-run/tests/requirements.txt")));
    const python = join(tools, "bin", "python");
    const cache = here("../node_modules/.cache/mypy-adapter");
    const pyright = join(dirname(createRequire(import.meta.url).resolve("pyright/package.json")), "index.js");
    const checked = await Promise.all([
      execute(python, ["-m", "mypy", "--cache-dir", cache], { cwd }),
      execute(process.execPath, [pyright, "--pythonpath", python], { cwd }),
    ]);
    for (const { code, stdout } of checked) assert.equal(code, 0, stdout);
  });
});
