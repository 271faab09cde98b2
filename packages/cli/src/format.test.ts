import assert from "node:assert/strict";
import { test } from "node:test";
import { painter, wantsColour } from "./colour.ts";
import { bytes, duration, jsonLine, manyLines, oneLine, plural, thousands } from "./format.ts";

test("numbers", () => {
  assert.deepEqual([0, 999, 1000, 45_000, 2_000_000_000, 12.6].map(thousands), [
    ...["0", "999", "1,000", "45,000", "2,000,000,000", "13"],
  ]);
  assert.deepEqual([0.2, 3, 999.4, 999.6, 1250, 59_990, 59_999, 125_000].map(duration), [
    ...["0 ms", "3 ms", "999 ms", "1.00 s", "1.25 s", "59.99 s", "1 min 0 s", "2 min 5 s"],
  ]);
  assert.deepEqual([0, 1023, 1024, 1_200_000, 1024 ** 2 - 1, 1024 ** 3, 4 * 1024 ** 4].map(bytes), [
    ...["0 B", "1023 B", "1.0 kB", "1.1 MB", "1.0 MB", "1.0 GB", "4096.0 GB"],
  ]);
  assert.equal(plural(1, "retry", "retries"), "1 retry");
  assert.equal(plural(1200, "retry", "retries"), "1,200 retries");
});

test("JSON that a terminal may show says what it would act on by its number, and is the same JSON", () => {
  const value = { message: "\u001b[2J\u009b31m\u202ex\u2066\ud800é\u007f" };
  const text = jsonLine(value);
  assert.match(text, /^[\x20-\x7eé]*$/);
  assert.deepEqual(JSON.parse(text), value);
});

test("text of guests can't act on a terminal", () => {
  assert.equal(oneLine("a\u001b[2Jb\nc\td\u0007"), "a\\x1b[2Jb\\nc\\td\\x07");
  assert.equal(oneLine("\u009b31m \u202ereversed \u2066x\u2028"), "\\x9b31m \\u202ereversed \\u2066x\\u2028");
  assert.equal(oneLine("Grüße, 世界 🎉"), "Grüße, 世界 🎉");
  assert.equal(oneLine("x".repeat(50), 10), `${"x".repeat(9)}…`);
  assert.equal(manyLines("a\r\n\tb\rc\u001b]0;title\u0007"), "a\n\tb\\rc\\x1b]0;title\\x07");
});

test("colour only where it is wanted", () => {
  const cases: readonly (readonly [NodeJS.ProcessEnv, boolean, boolean])[] = [
    [{}, true, true],
    [{}, false, false],
    [{ TERM: "dumb" }, true, false],
    [{ NO_COLOR: "1" }, true, false],
    [{ NO_COLOR: "" }, true, true],
    [{ FORCE_COLOR: "1" }, false, true],
    [{ FORCE_COLOR: "0" }, true, false],
    [{ FORCE_COLOR: "1", NO_COLOR: "1" }, false, true],
  ];
  for (const [env, terminal, expected] of cases)
    assert.equal(wantsColour(env, terminal), expected, JSON.stringify(env));
  assert.equal(painter({}, false)("red", "x"), "x");
  assert.equal(painter({}, true)("red", "x"), "\u001b[31mx\u001b[39m");
});
