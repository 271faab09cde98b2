/** Cells that are killed and stopped at any moment, under programs of both languages. Linux only, where they are found. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { bombard } from "./testing/bombard.ts";
import { cellsOf, childrenOf, Project, sleep, until } from "./testing/project.ts";

const linux = { skip: process.platform !== "linux" };

test(
  "killed, stopped and continued at random: every run ends in its result or as internal_error",
  linux,
  async () => {
    const { runs, outcomes, afterwards, left } = await bombard({ seed: 1, runs: 24 });
    assert.equal(runs, 24);
    for (const outcome of Object.keys(outcomes))
      assert.match(outcome, /^(a|b|internal_error|timeout)$/, JSON.stringify(outcomes));
    assert.deepEqual(afterwards, ["a", "b"]);
    assert.deepEqual(left, []);
  },
);

test(
  "a stopped cell: its task times out, those in the other one go on, and new ones go there",
  linux,
  async () => {
    await using project = new Project();
    project.write(
      "main.ts",
      `export const main = task({ name: "main", timeout: "2s" }, async (ms: number) => {
       console.log("begun");
       await new Promise((resolve) => setTimeout(resolve, ms));
       return ms;
     });`,
    );
    writeFileSync(
      join(project.folder, "main.py"),
      `import asyncio
from capsule import task

@task(timeout="2s")
async def main(ms: int):
    print("begun")
    await asyncio.sleep(ms / 1000)
    return ms
`,
    );
    for (const file of ["main.ts", "main.py"]) {
      await using runtime = await project.runtime({ cells: 2 });
      assert.equal((await runtime.run({ file, args: [0] })).envelope.success, true);
      let begin = (): void => {};
      const begun = new Promise<void>((resolve) => {
        begin = resolve;
      });
      const at = performance.now();
      const stuck = runtime.run({ file, args: [600_000], onOutput: () => begin() });
      await begun;
      const [stopped] = cellsOf(process.pid);
      process.kill(stopped as number, "SIGSTOP");
      // Long enough for the host to notice, not for the cell to be given up.
      await sleep(1600);
      const other = await runtime.run({ file, args: [1] });
      assert.equal(other.envelope.success, true, file);
      const { envelope } = await stuck;
      assert.equal(envelope.success, false);
      assert.equal(!envelope.success && envelope.error.error_type, "timeout");
      assert.ok(
        performance.now() - at < 20_000,
        "without waiting for the cell to be given up for its silence",
      );
    }
    assert.ok(await until(() => childrenOf(process.pid).length === 0), "none is left");
  },
);
