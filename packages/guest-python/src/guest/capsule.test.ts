/** The package `capsule` in the system's Python, where it calls functions directly. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../../../../python/capsule-run/", import.meta.url));

/** The oldest that the package supports. */
const PYTHON = "import sys; sys.exit(sys.version_info < (3, 10))";
const isThere = spawnSync("python3", ["-c", PYTHON]).status === 0;

test("outside a sandbox", { skip: isThere ? false : "there is no Python of version 3.10 or later" }, () => {
  const { status, stderr } = spawnSync("python3", ["-B", "-m", "unittest", "discover", "-s", "tests"], {
    cwd: folder,
    env: { ...process.env, PYTHONPATH: "src" },
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  assert.match(stderr, /^Ran \d+ tests in /m);
});
