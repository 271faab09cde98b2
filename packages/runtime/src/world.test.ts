import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_CEILING, policiesFor, type SecretDeclaration } from "@capsule-run/config";
import { type TaskManifest, UNDECLARED } from "@capsule-run/protocol";
import { openWorld } from "./world.ts";

const VALUES: Readonly<Record<string, string>> = { API_KEY: "the-value-itself", REGION: "eu" };
const SECRETS: readonly SecretDeclaration[] = [
  { name: "API_KEY", hosts: ["a.test"], query: false, body: false, source: { from: "environment" } },
];

const task = (name: string, ...environment: readonly string[]): TaskManifest => ({
  name,
  policy: { ...UNDECLARED, environment },
  async: false,
  parameters: null,
});

/** What a task sees in a run of a program that had the tasks `known` when it began. */
async function seen(known: readonly TaskManifest[], asking: TaskManifest) {
  const policies = policiesFor(UNDECLARED, { ceiling: NO_CEILING, mounts: [], cuts: [] });
  const world = await openWorld({
    ...{ run: "run", root: "/nowhere", tasks: known, policies, secrets: SECRETS, seed: () => "seed" },
    environment: { get: (name) => VALUES[name], names: () => Object.keys(VALUES) },
    transport: () => Promise.reject(new Error("no network here")),
    warn: assert.fail,
    signal: new AbortController().signal,
  });
  return world.surroundings(world.policyOf(asking)).environment;
}

test("a task sees a secret's placeholder, and other variables as they are", async () => {
  const main = task("main", "API_KEY", "REGION", "MISSING");
  const { API_KEY = "", ...others } = await seen([main], main);
  assert.match(API_KEY, /^[A-Za-z0-9]{16}$/);
  assert.deepEqual(others, { REGION: "eu" });
});

// A program is loaded again when it needs more of its engine, and may say something else then.
test("a task that asks for a secret only once the run has begun does not see it", async () => {
  const late = task("late", "API_KEY", "REGION");
  assert.deepEqual(await seen([task("main")], late), { REGION: "eu" });
  const other = task("main", "REGION");
  assert.deepEqual(await seen([other], late), { REGION: "eu" });
});
