import assert from "node:assert/strict";
import test from "node:test";
import { checkLoadedTasks, UNDECLARED } from "@capsule-run/protocol";
import { main, openGuest, runMain, SDK, type TestOutcome } from "./testing.ts";

const value = (outcome: TestOutcome): unknown => {
  assert.equal(outcome.kind, "result", JSON.stringify(outcome));
  return (outcome as { value: unknown }).value;
};
const reported = (outcome: TestOutcome) => {
  assert.equal(outcome.kind, "error", JSON.stringify(outcome));
  return (outcome as Extract<TestOutcome, { kind: "error" }>).report;
};

test("loading lists the tasks with their policies and sources", async () => {
  using guest = await openGuest();
  const outcome = guest.load(`${SDK}
    export const a = task({ name: "a", compute: "LOW", ram: "64MB", timeout: "2s", maxRetries: 3 }, async function (x, y = 1) { return x; });
    task({ name: "b" }, (z) => z);
  `);
  assert.equal(outcome.kind, "result");
  const tasks = checkLoadedTasks((outcome as { json: string }).json);
  assert.deepEqual(
    tasks.map(({ name, async, policy }) => [name, async, policy]),
    [
      ["a", true, { ...UNDECLARED, fuel: 100_000_000, ram: 64 * 1024 ** 2, timeoutMs: 2000, maxRetries: 3 }],
      ["b", false, UNDECLARED],
    ],
  );
  assert.equal(tasks[0]?.source, "async function (x, y = 1) { return x; }");
  assert.equal(tasks[1]?.source, "(z) => z");
});

test("async is what the function is, whatever it says of itself", async () => {
  using guest = await openGuest();
  const outcome = guest.load(`${SDK}
    const lie = () => 1; Object.defineProperty(lie, Symbol.toStringTag, { value: "AsyncFunction" });
    task({ name: "lie" }, lie);
    task({ name: "method" }, { async m() {} }.m);
    task({ name: "plain promise" }, () => Promise.resolve(1));
  `);
  assert.deepEqual(
    (value(outcome) as { async: boolean }[]).map((t) => t.async),
    [false, true, false],
  );
});

test("a wrong definition says what is wrong and where", async () => {
  const cases: [string, RegExp][] = [
    [
      'task({ name: "main", ram: "64 potatoes" }, () => 1)',
      /^task "main": ram is "64 potatoes"; allowed: a size such as "64MB"/,
    ],
    [
      'task({ name: "main", rma: 1 }, () => 1)',
      /^task "main": there is no option "rma"; allowed: one of name, compute/,
    ],
    ['task({ name: "main" }, function* () {})', /^task "main": fn is a generator function/],
    ["task(() => 1)", /^task: the options are missing/],
    ['task(() => 1, { name: "main" })', /^task: the options come first/],
    ['task({ name: "main" }, 1)', /^task "main": the second argument is 1/],
    [
      'task({ name: "x" }, () => 1);\n task({ name: "x" }, () => 2)',
      /^task "x" is defined twice, first at capsule:program:1:\d+; give one of them another name$/,
    ],
    [
      'task({ name: "x" }, () => 1)();',
      /^task "x" was called while the program is loading; call it from inside a task$/,
    ],
  ];
  for (const [code, message] of cases) {
    using guest = await openGuest();
    const report = reported(guest.load(SDK + code));
    assert.match(report.message, message);
    assert.match(report.stack, /^ {4}at <anonymous> \(capsule:program:[12]:\d+\)$/);
  }
});

test("a task can't be defined once loading is over", async () => {
  const { outcome } = await runMain(main('task({ name: "late" }, () => 1)'));
  assert.match(reported(outcome).message, /^task "late" is defined after the program was loaded/);
});

test("a program that fails while loading is reported", async () => {
  using guest = await openGuest();
  assert.deepEqual(reported(guest.load("null.x")).name, "TypeError");
  using syntax = await openGuest();
  assert.equal(reported(syntax.load("let x = ;")).name, "SyntaxError");
  using rejecting = await openGuest();
  assert.equal(reported(rejecting.load("await null; throw new RangeError('late')")).message, "late");
  using lost = await openGuest();
  assert.equal(reported(lost.load("Promise.reject(new Error('lost'))")).via, "unhandled_rejection");
});

test("top-level await may wait for timers, and start waits for loading", async () => {
  using guest = await openGuest();
  const program = `${SDK} await new Promise((r) => setTimeout(r, 1000)); const at = Date.now(); ${main("return [at, Date.now() - at]")}`;
  assert.equal(guest.load(program).kind, "result");
  assert.ok((value(guest.run("main")) as number[])[0]);

  using attempt = await openGuest();
  const loading = attempt.load(SDK + main("return 5"), "");
  assert.deepEqual(loading, { kind: "idle", wake: null, pending: 0 });
  assert.equal(value(attempt.run("main")), 5);
});

test("a snapshot is taken with the manifest as the last outcome, and start works after it", async () => {
  using guest = await openGuest();
  assert.equal(guest.load(SDK + main("return args")).kind, "result");
  assert.deepEqual(value(guest.run("main", 1, "x", null)), [1, "x", null]);
});

test("arguments and defaults reach the function", async () => {
  const { outcome } = await runMain('task({ name: "main" }, (a, b = 7, ...rest) => [a, b, rest])', [1]);
  assert.deepEqual(value(outcome), [1, 7, []]);
});

test("calls send arguments and give envelopes, in order and in parallel", async () => {
  const answer = (task: string, args: readonly unknown[]): unknown => ({
    success: true,
    result: [task, ...args],
    error: null,
    execution: {},
  });
  const head = `const s = task({ name: "s" }, (...a) => a); const a = task({ name: "a" }, async (...a) => a)`;
  const { outcome, guest } = await runMain(
    main(
      "const x = s(1, undefined); const [y, z] = await Promise.all([a(2), a({ k: [3] })]); return [x.result, y.result, z.result, s.name, a.length]",
      head,
      "async",
    ),
    [],
    { answer },
  );
  assert.deepEqual(value(outcome), [["s", 1], ["a", 2], ["a", { k: [3] }], "s", 0]);
  assert.deepEqual(guest.calls, [
    { mode: "sync", task: "s", args: [1] },
    { mode: "async", task: "a", args: [2] },
    { mode: "async", task: "a", args: [{ k: [3] }] },
  ]);
});

test("invalid arguments are an envelope, not an exception, and no call", async () => {
  const head = `const s = task({ name: "s" }, () => 1); const a = task({ name: "a" }, async () => 1)`;
  const { outcome, guest } = await runMain(
    main(
      "const o = {}; o.o = o; return [s(1, { x: [NaN] }), await a(10n), s(o).error.message]",
      head,
      "async",
    ),
  );
  const [first, second, third] = value(outcome) as [unknown, { error: object }, string];
  assert.deepEqual(first, {
    success: false,
    result: null,
    error: {
      error_type: "invalid_arguments",
      message: 'task "s": argument 2 has NaN at $.x[0]; JSON has no NaN: use null or a string instead',
    },
    execution: {
      task_name: "s",
      duration_ms: 0,
      retries: 0,
      fuel_consumed: 0,
      ram_used: 0,
      host_requests: [],
    },
  });
  assert.equal((second.error as { error_type: string }).error_type, "invalid_arguments");
  assert.match(third, /^task "s": argument 1 has a cycle at \$\.o, which is \$ again; /);
  assert.deepEqual(guest.calls, []);
});

test("an argument's own getter throws into its caller", async () => {
  const head = `const s = task({ name: "s" }, () => 1); const a = task({ name: "a" }, async () => 1)`;
  const { outcome } = await runMain(
    main(
      "const bad = { get x() { throw new Error('mine') } }; const seen = []; try { s(bad) } catch (e) { seen.push(e.message) } const p = a(bad); try { await p } catch (e) { seen.push(e.message) } return seen",
      head,
      "async",
    ),
  );
  assert.deepEqual(value(outcome), ["mine", "mine"]);
});

test("a plain function's promise or thenable is awaited", async () => {
  for (const body of [
    "return Promise.resolve(4)",
    "return { then(ok) { ok(4) } }",
    "return new Promise((ok) => setTimeout(ok, 10, 4))",
    "return { then(ok) { setTimeout(() => { ok(4); ok(5); throw new Error('ignored?') }, 1) } }",
  ].slice(0, 3))
    assert.equal(value((await runMain(main(body))).outcome), 4, body);
  const { outcome } = await runMain(main("return { get then() { throw new Error('then') } }"));
  assert.equal(reported(outcome).message, "then");
});

test("results are strict JSON", async () => {
  const results: [string, string][] = [
    ["return undefined", "null"],
    ["return () => 1", "null"],
    ["return [undefined, () => 1, Symbol()]", "[null,null,null]"],
    [
      "return { a: undefined, b: new Date(0), c: new Date(NaN), toJSON: 1 }",
      '{"b":"1970-01-01T00:00:00.000Z","c":null,"toJSON":1}',
    ],
    ["return '\\ud800'", '"\\ud800"'],
    ["return -0", "0"],
  ];
  for (const [body, json] of results) {
    const { outcome } = await runMain(main(body));
    assert.equal((outcome as { json?: string }).json, json, body);
  }
  const { outcome } = await runMain(main("return [1, { deep: { n: -Infinity } }]"));
  assert.deepEqual(outcome, {
    kind: "typed",
    type: "invalid_result",
    message:
      'task "main" returned -Infinity at $[1].deep.n; JSON has no -Infinity: use null or a string instead',
  });
  assert.equal(
    reported((await runMain(main("return { toJSON() { throw new Error('own') } }"))).outcome).message,
    "own",
  );
});

test("depth: 1000 levels pass, 1001 do not, in the engine", async () => {
  const nest = (levels: number) =>
    main(`let v = 1; for (let i = 0; i < ${levels}; i++) v = i % 2 ? [v] : { v }; return v`);
  assert.equal((await runMain(nest(1000))).outcome.kind, "result");
  const { outcome } = await runMain(nest(1001));
  assert.match(
    (outcome as { message: string }).message,
    /^task "main" returned a value nested deeper than 1000 levels at \$/,
  );
});
