import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_POLICY } from "@capsule-run/protocol";
import * as words from "./words.ts";

test("durations as people write them", () => {
  const cases: readonly (readonly [number, string])[] = [
    [1, "1ms"],
    [999, "999ms"],
    [1000, "1s"],
    [1500, "1500ms"],
    [60_000, "1m"],
    [90_000, "90s"],
    [3_600_000, "1h"],
    [5_400_000, "90m"],
  ];
  for (const [ms, text] of cases) assert.equal(words.duration(ms), text);
});

test("wrong arguments are counted and named", () => {
  assert.equal(words.wrongArguments([], 0, false, 2), "main takes no arguments; it was given 2");
  assert.equal(words.wrongArguments(["a"], 1, false, 0), "main takes 1 (a); it was given 0");
  assert.equal(words.wrongArguments(["a", "b"], 1, false, 3), "main takes 1 to 2 (a, b?); it was given 3");
  assert.equal(
    words.wrongArguments(["a", "r"], 1, true, 0),
    "main takes 1 or more (a, ...r); it was given 0",
  );
});

test("failures name the amount and the option", () => {
  const policy = { ...DEFAULT_POLICY, ram: 64 * 1024 ** 2 };
  const none = new Set<never>();
  assert.match(
    words.failure("out_of_fuel", "t", policy, none, ""),
    /"t" used up its 2,000,000,000 .*`compute`/,
  );
  assert.match(
    words.failure("out_of_memory", "t", policy, none, "x"),
    /"t" needs more than its `ram` of 67,108,864 bytes\nx/,
  );
  assert.match(words.failure("out_of_memory", "t", DEFAULT_POLICY, none, "x"), /"t" ran out of memory\nx/);
  assert.equal(words.failure("task_error", "t", policy, none, "Error: x"), "Error: x");
  const all = new Set(["fuel", "ram", "timeoutMs"] as const);
  assert.match(words.failure("out_of_fuel", "t", policy, all, ""), /`max_compute` of the policy leaves/);
  assert.match(words.failure("out_of_memory", "t", policy, all, ""), /`max_ram` of the policy leaves/);
  assert.match(words.timeout("t", 2000, true), /its timeout of 2s; that is what `max_timeout` of the policy/);
  assert.match(words.timeout("t", 2000, false), /its timeout of 2s; raise `timeout`/);
});

test("limits are named with their amount", () => {
  assert.match(words.limit("depth", 100), /depth of 100$/);
  assert.match(words.limit("pendingCalls", 100_000), /100,000$/);
  assert.match(words.argumentsTooLarge(), /33,554,432 bytes/);
});
