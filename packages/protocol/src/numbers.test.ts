import assert from "node:assert/strict";
import { test } from "node:test";
import { grouped } from "./numbers.ts";

test("whole numbers are grouped as in English", () => {
  for (const n of [0, 7, 999, 1000, 65_536, 123_456, 1_000_000, 50_000_000_000, Number.MAX_SAFE_INTEGER])
    assert.equal(grouped(n), n.toLocaleString("en-US"));
});
