/** The standard library inside tasks gives what plain Node gives. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { asyncCases, cases } from "./programs/web-cases.ts";
import { type Envelope, programs, runFile } from "./support/capsule.ts";

describe("in a task, as in plain Node:", () => {
  let rows: Record<string, Envelope> = {};
  before(async () => {
    const cwd = programs("web.ts", "web-cases.ts");
    const { envelope } = await runFile<Record<string, Envelope>>(cwd, "web.ts");
    assert.ok(envelope.success, envelope.error?.message ?? "");
    rows = envelope.result;
  });

  for (const [name, run] of Object.entries({ ...cases, ...asyncCases }))
    test(name, async () => {
      const { success, result, error } = rows[name] as Envelope;
      assert.ok(success, error?.message ?? "");
      assert.deepEqual(result, JSON.parse(JSON.stringify(await run())));
    });
});
