import assert from "node:assert/strict";
import { test } from "node:test";
import { readAnswer } from "./answer.ts";
import { executionOf, Printed } from "./execution.ts";
import * as words from "./words.ts";

const GOOD = {
  ...{ has: true, value: "[1]", text: "[1]", long: false },
  ...{ outputs: [{ type: "text/html", data: "<b>" }], dropped: 0, error: null },
};

test("an answer is read, and what is none is not", () => {
  assert.deepEqual(readAnswer(JSON.stringify(GOOD)), GOOD);
  const error = { name: "E", message: "m", traceback: "t" };
  assert.deepEqual(readAnswer(JSON.stringify({ ...GOOD, error }))?.error, error);
  const long = "x".repeat(17 * 1024 * 1024);
  for (const bad of [
    ...["", "null", "5", "[]", "{}", "{", '"text"'],
    ...[
      { has: 1 },
      { value: 5 },
      { value: long },
      { text: long },
      { long: null },
      { outputs: {} },
      { outputs: [null] },
      { outputs: [{ type: "t" }] },
      { outputs: [{ type: "t", data: long }] },
      { outputs: Array(101).fill({ type: "t", data: "" }) },
      { outputs: Array(3).fill({ type: "t", data: "x".repeat(6 * 1024 * 1024) }) },
      { dropped: "1" },
      { error: undefined },
      { error: "text" },
      { error: { ...error, message: long } },
      { error: { name: "E" } },
    ].map((part) => JSON.stringify({ ...GOOD, ...part })),
  ])
    assert.equal(readAnswer(bad), null, bad.slice(0, 100));
});

const INFO = {
  task_name: "main",
  duration_ms: 1,
  retries: 0,
  fuel_consumed: 2,
  ram_used: 3,
  host_requests: [],
};

function ended(resultJson: string, memory: "kept" | "rolled_back" | "lost" = "kept") {
  const envelope = { success: true, resultJson, execution: INFO } as const;
  const printed = new Printed(undefined);
  return executionOf({ envelope, memory, session: true, printed, files: [], filesCut: false });
}

test("an execution is made of it", () => {
  const good = ended(JSON.stringify(GOOD));
  assert.deepEqual([good.ok, good.value, good.valueJson, good.notice], [true, [1], "[1]", null]);
  const broken = ended('{"has":1}');
  assert.deepEqual([broken.ok, broken.error], [false, { kind: "invalid_result", message: words.BROKEN }]);
  const forged = ended(JSON.stringify({ ...GOOD, value: "[1" }));
  assert.deepEqual([forged.value, forged.valueJson], [null, null]);
  const cut = ended(JSON.stringify({ ...GOOD, long: true, dropped: 2 }), "rolled_back");
  assert.ok(cut.truncated);
  assert.match(
    cut.notice ?? "",
    /text is cut .*2 rich outputs were left out.*as it was before this call.*stay as they are/,
  );
});

test("what a limit says is in the words of who runs code", () => {
  const envelope = {
    success: false,
    error: {
      error_type: "timeout",
      message:
        '"main" ran longer than its timeout of 1s; that is what `max_timeout` of the policy leaves of it; raise that or give it less to do',
    },
    execution: INFO,
  } as const;
  const printed = new Printed(undefined);
  const { error } = executionOf({
    envelope,
    memory: "lost",
    session: false,
    printed,
    files: [],
    filesCut: false,
  });
  assert.deepEqual(error, {
    kind: "timeout",
    message: "the code ran longer than its timeout of 1s; raise `limits.timeout` or give it less to do",
  });
});

test("the notice that output was cut is no output", () => {
  const passed: string[] = [];
  const printed = new Printed(({ text }) => passed.push(text));
  const output = (stream: "stdout" | "stderr", text: string) =>
    printed.take({ stream, bytes: Buffer.from(text), task: "main", path: "0" });
  output("stdout", "a");
  output("stderr", "b");
  output("stderr", '\ncapsule: "main" printed more than 8,388,608 bytes; the rest is dropped\n');
  assert.deepEqual([printed.stdout, printed.stderr, printed.cut, passed], ["a", "b", true, ["a", "b"]]);
});
