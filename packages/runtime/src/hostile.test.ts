/** Cells that break the protocol at random: the seeds of `npm run test:long -- cells`, a few of them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { attack } from "./testing/hostile.ts";
import { childrenOf, until } from "./testing/project.ts";

const SEEDS = [1, 2, 3, 4];

for (const seed of SEEDS)
  test(`cells that do what seed ${seed} says: every attempt ends once, those in other cells well`, async () => {
    const { outcomes, harmed, twice, stalledMs } = await attack(seed);
    assert.equal(
      Object.values(outcomes).reduce((all, count) => all + count, 0),
      40,
    );
    assert.deepEqual(harmed, []);
    assert.equal(twice, 0);
    // Seconds, where something grows with the square of what came.
    assert.ok(stalledMs < 3000, `the host did nothing else for ${stalledMs} ms`);
  });

test("nothing is left of them", { skip: process.platform !== "linux" }, async () => {
  assert.ok(await until(() => childrenOf(process.pid).length === 0), "no process, not even a dead one");
  assert.ok(
    await until(() => !process.getActiveResourcesInfo().some((name) => /Process|Timeout/.test(name))),
    process.getActiveResourcesInfo().join(),
  );
});
