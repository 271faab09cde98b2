import assert from "node:assert/strict";
import { test } from "node:test";
import { readAnswer } from "./answer.ts";
import { executionOf, Printed } from "./execution.ts";
import * as words from "./words.ts";

const GOOD = {
  ...{ has: true, value: "[1]", text: "[1]", long: false },
  ...{ outputs: [{ type: "text/html", data: "<b>" }], dropped: 0, error: null },
};

test("an answer is read, and what is none is not", async () => {
  assert.deepEqual(await readAnswer(JSON.stringify(GOOD)), GOOD);
  const nothing = { has: false, value: null, text: null, long: false, outputs: [], dropped: 0, error: null };
  assert.deepEqual(await readAnswer('{"has":false}'), nothing);
  const error = { name: "E", message: "m", traceback: "t" };
  assert.deepEqual((await readAnswer(JSON.stringify({ ...GOOD, error })))?.error, error);
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
      { outputs: [{ type: "t/t" }] },
      { outputs: [{ type: "t/t", data: long }] },
      { outputs: Array(101).fill({ type: "t/t", data: "" }) },
      { outputs: Array(3).fill({ type: "t/t", data: "x".repeat(6 * 1024 * 1024) }) },
      { dropped: "1" },
      { dropped: -1 },
      { has: undefined },
      { error: "text" },
      { error: { ...error, message: long } },
      { error: { name: "E" } },
    ].map((part) => JSON.stringify({ ...GOOD, ...part })),
  ])
    assert.equal(await readAnswer(bad), null, bad.slice(0, 100));
});

test("an answer made to be large once it is parsed is none, and is not parsed", async () => {
  const monsters = [
    `[${"[],".repeat(8_000_000)}1]`,
    `{"has":true,"x":[${"{},".repeat(100_000)}1]}`,
    `{${'"":0,'.repeat(100_000)}"has":true}`,
    `${"[".repeat(10_000_000)}`,
    `{"${"\\".repeat(1_000_000)}`,
    // As it comes: a string that was put together takes memory when it is first read.
  ].map((text) => Buffer.from(text).toString());
  for (const monster of monsters) {
    const before = process.memoryUsage().heapUsed;
    assert.equal(await readAnswer(monster), null);
    assert.ok(process.memoryUsage().heapUsed - before < 20 * 1024 * 1024, monster.slice(0, 20));
  }
  const quoted = JSON.stringify({ ...GOOD, value: JSON.stringify(Array(10_000).fill({ 'a"\\': "[{" })) });
  assert.ok((await readAnswer(quoted))?.value);
});

test("a rich output that is not what its type says is dropped", async () => {
  const [text, png] = [
    { type: "text/html; charset=utf-8", data: "<b>" },
    { type: "image/png", data: "iVBORw0KGgo=" },
  ];
  const outputs = [
    text,
    png,
    { type: "image/svg+xml", data: "<svg>" },
    { type: "application/vnd.x.v1+json", data: "{}" },
    { type: "image/jpeg", data: "aGVs\nbG8=\n" },
    ...["", "png", "image/png\n", "a/\u001b[31m", "a/b c", "a/é", `a/b${"; a".repeat(60)}(`].map((type) => ({
      type,
      data: "",
    })),
    ...["<svg>", "abc", "ab=c", "é", "data:image/png;base64,iVBORw0KGgo="].map((data) => ({
      type: "image/png",
      data,
    })),
  ];
  const answer = await readAnswer(JSON.stringify({ ...GOOD, outputs, dropped: 1 }));
  assert.deepEqual(answer?.outputs.slice(0, 4), outputs.slice(0, 4));
  assert.deepEqual(answer?.outputs.slice(4), [{ type: "image/jpeg", data: "aGVsbG8=" }]);
  assert.equal(answer?.dropped, 1 + outputs.length - 5);
});

test("halves of characters in an answer are replaced", async () => {
  const answer = await readAnswer(
    `{"has":true,"value":"\\"\\ud800\\"","text":"\\ud800","long":false,"outputs":[{"type":"a/b","data":"\\udc00"}],"dropped":0,"error":{"name":"\\ud800","message":"\\ud800","traceback":"\\ud800"}}`,
  );
  assert.ok(answer);
  const { value, text, outputs, error } = answer;
  assert.deepEqual([value, text, outputs[0]?.data], ['"\ufffd"', "\ufffd", "\ufffd"]);
  assert.deepEqual(error, { name: "\ufffd", message: "\ufffd", traceback: "\ufffd" });
});

const INFO = {
  task_name: "main",
  duration_ms: 1,
  retries: 0,
  fuel_consumed: 2,
  ram_used: 3,
  host_requests: [],
};

async function ended(resultJson: string, memory: "kept" | "rolled_back" | "lost" = "kept") {
  const envelope = { success: true, resultJson, execution: INFO } as const;
  const printed = new Printed(undefined);
  return executionOf({ envelope, memory, printed, files: [], filesCut: false });
}

test("an execution is made of it", async () => {
  const good = await ended(JSON.stringify(GOOD));
  assert.deepEqual([good.ok, good.value, good.valueJson, good.notice], [true, [1], "[1]", null]);
  const broken = await ended('{"has":1}');
  assert.deepEqual([broken.ok, broken.error], [false, { kind: "invalid_result", message: words.BROKEN }]);
  const forged = await ended(JSON.stringify({ ...GOOD, value: "[1" }));
  assert.deepEqual([forged.value, forged.valueJson], [null, null]);
  // A line of its own would be a message of its own to a worker's client; too deep is too deep for those who read it.
  for (const value of ["[1,\n2]", "1\r", `${"[".repeat(5000)}${"]".repeat(5000)}`]) {
    const odd = await ended(JSON.stringify({ ...GOOD, value }));
    assert.deepEqual([odd.ok, odd.value, odd.valueJson], [true, null, null], value.slice(0, 9));
  }
  const own = await ended(JSON.stringify({ ...GOOD, value: '{"__proto__":{"a":1}}' }));
  assert.deepEqual(Object.keys(own.value as object), ["__proto__"]);
  const cut = await ended(JSON.stringify({ ...GOOD, long: true, dropped: 2 }), "rolled_back");
  assert.ok(cut.truncated);
  assert.match(
    cut.notice ?? "",
    /text is cut .*2 rich outputs were left out.*as it was before this call.*stay as they are/,
  );
});

test("a value is parsed only for who asks for it", async () => {
  const execution = await ended(JSON.stringify({ ...GOOD, value: `[${"[],".repeat(1000)}1]` }));
  const { get } = Object.getOwnPropertyDescriptor(execution, "value") ?? {};
  assert.equal(typeof get, "function");
  assert.equal(execution.value, execution.value);
  assert.equal((JSON.parse(JSON.stringify(execution)).value as unknown[]).length, 1001);
});

test("what a limit says is in the words of who runs code", async () => {
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
  const { error } = await executionOf({ envelope, memory: null, printed, files: [], filesCut: false });
  assert.deepEqual(error, {
    kind: "timeout",
    message: "the code ran longer than its timeout of 1s; raise `limits.timeout` or give it less to do",
  });
});

test("memory that is too little is said in those words, too", async () => {
  const said = '"main" needs more than its `ram` of 33,554,432 bytes';
  for (const more of ["", ", which is what `max_ram` of the policy leaves of it"])
    assert.equal(
      words.ofCode(`${said}${more}\nInternalError: out of memory`),
      "the code needs more than its `limits.ram` of 33,554,432 bytes\nInternalError: out of memory",
    );
});

test("the notice that output was cut is no output", async () => {
  const passed: string[] = [];
  const printed = new Printed(({ text }) => passed.push(text));
  const output = (stream: "stdout" | "stderr", text: string) =>
    printed.take({ stream, bytes: Buffer.from(text), task: "main", path: "0" });
  output("stdout", "a");
  output("stderr", "b");
  output("stderr", '\ncapsule: "main" printed more than 8,388,608 bytes; the rest is dropped\n');
  assert.deepEqual([printed.stdout, printed.stderr, printed.cut, passed], ["a", "b", true, ["a", "b"]]);
});
