import assert from "node:assert/strict";
import test from "node:test";
import { ToolError, task, tools } from "./index.ts";

test("a sync function gives an envelope, an async one a promise of it", async () => {
  const add = task({ name: "add" }, (a: number, b = 10) => a + b);
  const later = task({ name: "later" }, async (text: string) => ({ text }));
  const sum = add(1);
  assert.equal(sum.success, true);
  assert.equal(sum.result, 11);
  assert.equal(sum.error, null);
  assert.equal(sum.execution.task_name, "add");
  assert.deepEqual(
    { ...sum.execution, duration_ms: 0 },
    { task_name: "add", duration_ms: 0, retries: 0, fuel_consumed: 0, ram_used: 0, host_requests: [] },
  );
  assert.equal(add(1, 2).result, 3);
  assert.equal(add.name, "add");
  const promise = later("x");
  assert.ok(promise instanceof Promise);
  assert.deepEqual((await promise).result, { text: "x" });
});

test("values go through JSON, both ways", () => {
  let seen: unknown;
  const echo = task({ name: "echo" }, (value: unknown) => {
    seen = value;
    return new Date(0);
  });
  assert.equal(echo({ a: undefined, b: new Date(1) }).result, "1970-01-01T00:00:00.000Z");
  assert.deepEqual(seen, { b: "1970-01-01T00:00:00.001Z" });
  assert.equal(task({ name: "nothing" }, () => {})().result, null);
});

test("what JSON can't hold is named with its place", async () => {
  const echo = task({ name: "echo" }, (value: unknown) => value);
  const sent = echo({ list: [1, { big: 1n }] });
  assert.equal(sent.error?.error_type, "invalid_arguments");
  assert.match(sent.error.message, /^task "echo": argument 1 has a BigInt at \$\.list\[1\]\.big; /);
  const given = await task({ name: "nan" }, async () => [Number.NaN])();
  assert.equal(given.error?.error_type, "invalid_result");
  assert.match(given.error.message, /^task "nan" returned NaN at \$\[0\]; /);
  assert.equal(given.result, null);
});

test("an exception is in the envelope, with its stack and causes", async () => {
  const failing = task({ name: "failing" }, (): number => {
    throw new TypeError("no", { cause: new Error("deeper") });
  });
  const { success, error } = failing();
  assert.equal(success, false);
  assert.equal(error?.error_type, "task_error");
  assert.match(
    error.message,
    /^TypeError: no\n {4}at .*index\.test\.ts:\d+:\d+.*\n[\s\S]*Caused by: Error: deeper\n/,
  );
  const odd = await task({ name: "odd" }, async () => {
    throw null;
  })();
  assert.equal(odd.error?.message, "null was thrown, which is not an Error");
});

test("retries count attempts that threw, and nothing else", async () => {
  let attempts = 0;
  const flaky = task({ name: "flaky", maxRetries: 3 }, async () => {
    attempts++;
    if (attempts < 3) throw new Error("not yet");
    return attempts;
  });
  const result = await flaky();
  assert.deepEqual([result.result, result.execution.retries], [3, 2]);
  attempts = 0;
  const invalid = task({ name: "invalid", maxRetries: 3 }, () => {
    attempts++;
    return 1n;
  });
  assert.equal(invalid().execution.retries, 0);
  assert.equal(attempts, 1);
});

test("options are checked as in a sandbox", () => {
  const wrong = (options: unknown, fn: unknown): string => {
    try {
      (task as unknown as (options: unknown, fn: unknown) => unknown)(options, fn);
    } catch (error) {
      assert.ok(error instanceof TypeError);
      return error.message;
    }
    return "";
  };
  const fn = (): number => 1;
  assert.match(
    wrong({ name: "main", ram: "64 potatoes" }, fn),
    /^task "main": ram is "64 potatoes"; allowed: a size such as "64MB"/,
  );
  assert.match(
    wrong({ name: "main", rma: 1 }, fn),
    /^task "main": there is no option "rma"; allowed: one of name, compute, ram/,
  );
  assert.match(wrong({ nmae: "main" }, fn), /^task: name is undefined; allowed: a non-empty string/);
  assert.match(wrong({ name: 7n }, fn), /^task: name is 7n; /);
  assert.match(wrong("main", fn), /^task: options is "main"; allowed: an object such as/);
  assert.match(wrong(fn, { name: "main" }), /^task: the options come first/);
  assert.match(wrong(fn, undefined), /^task: the options are missing/);
  assert.match(wrong({ name: "main" }, 5), /^task "main": the second argument is 5; allowed: a function/);
  assert.match(
    wrong({ name: "main" }, function* () {}),
    /^task "main": fn is a generator function/,
  );
  assert.match(
    wrong({ name: "main" }, async function* () {}),
    /fn is an async generator function/,
  );
  assert.match(
    wrong({ name: "main", allowedHosts: ["a/b"] }, fn),
    /^task "main": allowedHosts is \["a\/b"\]; allowed: a list of host names/,
  );
});

test("a plain function that returns a promise says what to do", () => {
  const promising = task({ name: "promising" }, () => Promise.reject(new Error("unseen")));
  const result = promising() as unknown as { error: { error_type: string; message: string } };
  assert.equal(result.error.error_type, "invalid_result");
  assert.match(result.error.message, /make the function async/);
});

test("tools outside a sandbox: each call says what to do, after the checks of a sandbox", async () => {
  const { search } = tools;
  assert.ok(search);
  await assert.rejects(search("x"), (error: unknown) => {
    assert.ok(error instanceof ToolError);
    assert.deepEqual([error.tool, error.type], ["search", "Unavailable"]);
    assert.match(error.message, /"search" was called outside a sandbox.*run\(\{ file, tools: \{ … \} \}\)/);
    return true;
  });
  await assert.rejects(search(0, { a: [Number.NaN] }), {
    name: "TypeError",
    message: /^tool "search": argument 2 has NaN at \$\.a\[0\]/,
  });
  assert.equal(await tools, tools);
  assert.deepEqual(
    [JSON.stringify({ tools }), `${tools}`, Object.keys(tools)],
    ['{"tools":{}}', "[tools]", []],
  );
  for (const name of ["then", "toJSON", "constructor", "__proto__"]) assert.equal(tools[name], undefined);
});
