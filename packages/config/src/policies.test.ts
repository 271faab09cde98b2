import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_POLICY, type FileGrant, type TaskManifest, UNDECLARED } from "@capsule-run/protocol";
import { allowance, NO_CEILING, policiesFor, type Wishes } from "./index.ts";

const rw = (path: string): FileGrant => ({ path, mode: "read-write" });

/** A task that asks for everything. */
const greedy = (name = "main"): TaskManifest => ({
  name,
  async: false,
  parameters: null,
  policy: { ...UNDECLARED, files: [rw(".")], hosts: ["*"], environment: ["HOME", "API_KEY"] },
});

const policiesOf = (request: Wishes, ceiling = NO_CEILING) =>
  policiesFor(UNDECLARED, allowance(request, { ceiling }));

test("a task that asks for everything reaches nothing that its operator does not allow", () => {
  const nothing = { allowed_files: [], allowed_hosts: [], env_variables: [] };
  const empty = { ...NO_CEILING, files: [], hosts: [], environment: [] };
  for (const policies of [
    policiesOf({ sealed: true }),
    policiesOf({ policy: nothing }),
    policiesOf({}, empty),
  ]) {
    const policy = policies.of(greedy());
    assert.deepEqual(policy, DEFAULT_POLICY);
    assert.deepEqual(policies.mounts(policy), []);
  }
  const some = policiesOf({ policy: { allowed_hosts: ["a.x"] } }, { ...NO_CEILING, files: [rw("data")] });
  const policy = some.of(greedy());
  assert.deepEqual(
    [policy.files, policy.hosts, policy.environment],
    [[rw("data")], ["a.x"], ["HOME", "API_KEY"]],
  );
  assert.deepEqual(some.mounts(policy), [{ host: "data", guest: "data", mode: "read-write" }]);
});

test("mounts are within the project's ceiling, and none are sealed in", () => {
  const ceiling = { ...NO_CEILING, files: [rw("data")] };
  const policies = policiesOf({ mounts: ["secret::x", "data::y:ro"] }, ceiling);
  const task: TaskManifest = { ...greedy(), policy: UNDECLARED };
  assert.deepEqual(policies.mounts(policies.of(task)), [{ host: "data", guest: "y", mode: "read-only" }]);
  assert.deepEqual(policies.newCuts(task), ['mount: "secret" is cut to nothing']);
  assert.throws(() => policiesOf({ sealed: true, mounts: ["data"] }), /sealed run has no files.*\[mount\]/);
});

test("what is cut is told once for each task", () => {
  const policies = policiesOf({ sealed: true });
  const [one, other] = [greedy("one"), greedy("other")];
  assert.equal(policies.newCuts(one).length, 4);
  assert.deepEqual(policies.newCuts(one), []);
  assert.equal(policies.newCuts(other).length, 4);
});
