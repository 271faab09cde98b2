/** The adapter for Python: its tests, in a Python of this machine, on the command line of this checkout. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { cleanEnvironment, folder, start } from "./support/capsule.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** It needs 3.10, as the package does. */
const IS_THERE = "import sys; sys.exit(sys.version_info < (3, 10))";
const isThere = spawnSync("python3", ["-c", IS_THERE]).status === 0;

test("capsule_adapter does what the vectors say, and what is its own", {
  skip: !isThere && "there is no Python 3.10",
}, async () => {
  const PYTHONPATH = ["src", "../capsule-run/src"]
    .map((path) => here(`../python/capsule-run-adapter/${path}`))
    .join(":");
  const { code, stderr } = await start("python3", ["-B", "-m", "unittest", "discover", "-s", "tests"], {
    cwd: here("../python/capsule-run-adapter"),
    env: { ...cleanEnvironment(), PYTHONPATH, CAPSULE_NODE: process.execPath, TMPDIR: folder() },
  }).ended;
  assert.equal(code, 0, stderr.slice(-10_000));
});
