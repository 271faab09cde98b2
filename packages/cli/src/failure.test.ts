import assert from "node:assert/strict";
import { test } from "node:test";
import { UsageError } from "@capsule-run/protocol";
import { painter } from "./colour.ts";
import { describeFailure, showPath } from "./failure.ts";

const paint = painter({}, false);
const style = { cwd: "/home/me/project", paint, verbose: false };

test("wrong use: message, place and excerpt, no stack", () => {
  const error = new UsageError("compile", "unexpected }", {
    place: { file: "/home/me/project/src/main.ts", line: 3, column: 7 },
    excerpt: "  3 | if (x }\n    |       ^\n",
  });
  assert.deepEqual(describeFailure(error, style), {
    exitCode: 2,
    text: "error: unexpected }\n  src/main.ts:3:7\n  3 | if (x }\n    |       ^\n[compile]\n",
  });
});

test("the stack and the cause only when asked for", () => {
  const error = new UsageError("load", "it threw", { cause: new Error("inner") });
  assert.doesNotMatch(describeFailure(error, style).text, / {4}at /);
  const { text } = describeFailure(error, { ...style, verbose: true });
  assert.match(
    text,
    /^error: it threw\nUsageError: it threw \[load\]\n {4}at [\s\S]*caused by: Error: inner\n {4}at [\s\S]*\n\[load\]\n$/,
  );
});

test("an error of another copy of the protocol package is wrong use too", () => {
  const error = Object.assign(new Error("no main"), { name: "UsageError", slug: "no-main" });
  assert.deepEqual(describeFailure(error, style), { exitCode: 2, text: "error: no main [no-main]\n" });
});

test("our own bugs: one line, exit 1", () => {
  assert.deepEqual(describeFailure(new TypeError("x is not\na function"), style), {
    exitCode: 1,
    text: "internal error: x is not\\na function (run with --verbose for the stack)\n",
  });
  assert.match(
    describeFailure(new TypeError("x"), { ...style, verbose: true }).text,
    /TypeError: x\n {4}at /,
  );
  assert.equal(
    describeFailure("text", style).text,
    "internal error: text (run with --verbose for the stack)\n",
  );
});

test("what a program's text holds can't act on the terminal", () => {
  const error = new UsageError("duplicate-task", 'two tasks are named "\u001b[2J"', {
    place: { file: "/home/me/project/a\u001bb.ts", line: 1, column: 1 },
    excerpt: "  1 | \u001b[31m",
  });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: there must be none
  assert.doesNotMatch(describeFailure(error, style).text, /\x1b/);
});

test("paths inside the working directory are relative", () => {
  assert.equal(showPath("/a/b/c.ts", "/a"), "b/c.ts");
  assert.equal(showPath("/a/..b.ts", "/a"), "..b.ts");
  assert.equal(showPath("/x/c.ts", "/a"), "/x/c.ts");
  assert.equal(showPath("/a", "/a"), "/a");
});
