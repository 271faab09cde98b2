import assert from "node:assert/strict";
import { test } from "node:test";
import { UsageError } from "@capsule-run/protocol";
import { NO_CEILING, readCeiling } from "./index.ts";

test("a ceiling in code has the keys and values of [policy]", () => {
  assert.deepEqual(readCeiling({}), NO_CEILING);
  assert.deepEqual(readCeiling({ max_ram: undefined, max_tasks: null }), NO_CEILING);
  assert.deepEqual(
    readCeiling({ max_compute: "LOW", allowed_hosts: [], allowed_files: ["./data"], max_tasks: 3 }),
    {
      ...NO_CEILING,
      fuel: 100_000_000,
      hosts: [],
      files: [{ path: "data", mode: "read-write" }],
      tasks: 3,
    },
  );
});

const WRONG: readonly (readonly [unknown, RegExp])[] = [
  [null, /policy must be an object/],
  [[], /policy must be an object/],
  ["*", /policy must be an object/],
  [{ allowedHosts: [] }, /no "allowedHosts" in policy; did you mean "allowed_hosts"\? Allowed: max_compute/],
  [{ constructor: 1 }, /no "constructor" in policy/],
  [JSON.parse('{"__proto__":{"max_tasks":1}}'), /no "__proto__" in policy/],
  [{ allowed_hosts: "*" }, /"allowed_hosts" must be a list of host names[^;]* \[policy\]$/],
  [
    { allowed_hosts: ["a.com", "https://b.com"] },
    /\["\*"\]; what is wrong is "https:\/\/b\.com" \[policy\]$/,
  ],
  [{ allowed_files: ["a", { path: "b", mode: 7 }] }, /what is wrong is \{"path":"b","mode":7\} \[policy\]$/],
  [{ env_variables: ["A", "-".repeat(200)] }, /what is wrong is "-{78}… \[policy\]$/],
  [{ max_tasks: 0 }, /"max_tasks" must be a positive integer/],
];

for (const [policy, message] of WRONG)
  test(`no ceiling: ${JSON.stringify(policy)}`, () => {
    assert.throws(
      () => readCeiling(policy),
      (error) => {
        assert.ok(error instanceof UsageError && error.slug === "policy");
        assert.match(error.message, message);
        return true;
      },
    );
  });
