/** What a session's sandbox counts, whatever its cell says. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryPlan } from "./memory.ts";
import { SessionSandbox } from "./session-sandbox.ts";

test("a cell that says it keeps more than its task may have takes no more of the budget", async () => {
  let parked = 0;
  const sandbox = new SessionSandbox({
    nextSeat: () => 1,
    memory: new MemoryPlan(),
    parked: (bytes) => {
      parked += bytes;
    },
  });
  sandbox.begin();
  sandbox.ended({ memory: "kept", parked: 4e9, image: 4e9 }, 1e6);
  sandbox.end();
  assert.equal(parked, 2e6);
  sandbox.begin();
  sandbox.ended({ memory: "kept", parked: 1000, image: 500 }, 1e6);
  sandbox.end();
  assert.equal(parked, 1500);
  await sandbox.close();
  assert.equal(parked, 0);
});
