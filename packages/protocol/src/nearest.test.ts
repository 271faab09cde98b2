import assert from "node:assert/strict";
import { test } from "node:test";
import { nearest } from "./nearest.ts";

test("the nearest word", () => {
  const known = ["run", "build", "--verbose", "--json"];
  for (const [word, expected] of [
    ["rnu", "run"],
    ["BUILD", "build"],
    ["--verbsoe", "--verbose"],
    ["--j", null],
    ["deploy", null],
    ["", null],
    ["x".repeat(1000), null],
  ] as const)
    assert.equal(nearest(word, known), expected, word);
});
