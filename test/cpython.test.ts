/** A slice of CPython's own tests, run in sandboxes; `npm run test:long` runs all that a sandbox can. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readOutcomes } from "./cpython/outcomes.ts";
import { check, NO_TESTS } from "./cpython/run.ts";

/** So many tests the slice must have at least. */
const LEAST = 1500;

test("CPython's own tests end as they are known to end", async (t) => {
  const outcomes = readOutcomes();
  const summary = await check(outcomes.slice, outcomes);
  if (!summary) {
    assert.ok(!process.env.CI, NO_TESTS);
    process.stderr.write(`NOT TESTED: ${NO_TESTS}\n`);
    t.skip(NO_TESTS);
    return;
  }
  const { passed, failed, modules, version, news } = summary;
  t.diagnostic(`${passed} of ${passed + failed} tests of ${modules} modules pass (${version})`);
  assert.deepEqual(news, []);
  assert.ok(passed >= LEAST, `only ${passed} tests`);
});
