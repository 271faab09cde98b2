import assert from "node:assert/strict";
import { test } from "node:test";
import { executionWith } from "./testing/execution.ts";
import { givenValue, textOf } from "./text.ts";

const number = { hasValue: true, value: 16, valueJson: "16", valueText: "16" };

test("what was printed, then the value", () => {
  assert.equal(
    textOf(executionWith({ stdout: "Hello from Python!\n", ...number })),
    "Hello from Python!\n16",
  );
  assert.equal(textOf(executionWith({ stdout: "a", ...number })), "a\n16");
  assert.equal(textOf(executionWith(number)), "16");
  assert.equal(textOf(executionWith({ stdout: "a\n\n" })), "a\n");
  assert.equal(textOf(executionWith({})), "");
});

test("a string is its own text, anything else what its language shows", () => {
  const string = { hasValue: true, value: "a'b", valueJson: '"a\'b"', valueText: '"a\'b"' };
  assert.equal(textOf(executionWith(string)), "a'b");
  const list = { hasValue: true, value: [1, null], valueJson: "[1,null]", valueText: "[1, None]" };
  assert.equal(textOf(executionWith(list)), "[1, None]");
});

test("a value that is not JSON is given as text", () => {
  const set = { hasValue: true, value: null, valueJson: null, valueText: "{1, 2}" };
  assert.equal(givenValue(executionWith(set)), "{1, 2}");
  assert.equal(givenValue(executionWith({})), null);
  assert.equal(givenValue(executionWith(number)), 16);
});
