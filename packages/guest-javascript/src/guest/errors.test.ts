import assert from "node:assert/strict";
import test from "node:test";
import { type ErrorReport, LIMITS } from "@capsule-run/protocol";
import { main, runMain } from "./testing.ts";

async function failing(body: string, head = "", async = ""): Promise<ErrorReport> {
  const { outcome, guest } = await runMain(main(body, head, async));
  guest[Symbol.dispose]();
  assert.equal(outcome.kind, "error", JSON.stringify(outcome));
  const { report } = outcome as { report: ErrorReport };
  assert.ok(JSON.stringify(report).length <= 2 * LIMITS.errorCharacters);
  return report;
}

test("what is thrown is described", async () => {
  const cases: [string, string, RegExp][] = [
    ["throw new TypeError('t')", "TypeError", /^t$/],
    ["null.x", "TypeError", /^cannot read property 'x' of null$/],
    ["undefined_()", "ReferenceError", /undefined_/],
    ["throw new DOMException('d', 'AbortError')", "AbortError", /^d$/],
    ["class NotFound extends Error {} throw new NotFound('n')", "NotFound", /^n$/],
    ["const e = new Error('m'); e.name = 'Renamed'; throw e", "Renamed", /^m$/],
    ["throw 'text'", "", /^"text" was thrown, which is not an Error$/],
    ["throw null", "", /^null was thrown/],
    ["throw undefined", "", /^undefined was thrown/],
    ["throw 5n", "", /^5n was thrown/],
    ["throw Symbol('s')", "", /^a symbol was thrown/],
    ["throw { a: 1 }", "", /^\{"a":1\} was thrown/],
    ["throw () => 1", "", /^a function was thrown/],
    ["const o = {}; o.o = o; throw o", "", /^an object was thrown/],
    ["throw new Proxy({}, { get() { throw 1 } })", "", /was thrown/],
    ["throw { get message() { throw new Error('x') }, get stack() { throw 1 } }", "", /was thrown/],
    [
      "const e = new Error('m'); Object.defineProperty(e, 'message', { get() { throw e } }); throw e",
      "Error",
      /^$/,
    ],
    ["const e = new Error('m'); Object.defineProperty(e, 'name', { value: 5 }); throw e", "Error", /^m$/],
    ["const e = new Error(); e.message = { toString() { throw 1 } }; throw e", "Error", /^\{\}$/],
    [
      "throw new AggregateError([new RangeError('r'), 'two'], 'all')",
      "AggregateError",
      /^all\n {2}\[1\] RangeError: r\n {2}\[2\] "two"$/,
    ],
    ["const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); throw proxy", "", /was thrown/],
    [
      "throw { name: 'Like', message: 'an error', stack: 'Like: an error\\n    at f (x:1:2)' }",
      "Like",
      /^an error$/,
    ],
  ];
  for (const [body, name, message] of cases) {
    const report = await failing(body);
    assert.equal(report.name, name, body);
    assert.match(report.message, message, body);
  }
});

test("stacks hold the program's frames only", async () => {
  const { stack } = await failing("[1].map(() => inner())", "function inner() { throw new Error('x') }");
  assert.match(
    stack,
    /^ {4}at inner \(capsule:program:1:\d+\)\n {4}at <anonymous> \(capsule:program:1:\d+\)\n {4}at map \(native\)\n {4}at <anonymous> \(capsule:program:1:\d+\)$/,
  );
  const url = await failing("new URL('nope')");
  assert.equal(url.name, "TypeError");
  assert.match(url.stack, /^ {4}at <anonymous> \(capsule:program:1:\d+\)$/);
  const evaluated = await failing("eval('throw new Error(1)')");
  assert.match(evaluated.stack, /<input>:1:\d+/);
});

test("causes are followed to a limit, and sizes are bounded", async () => {
  const chain = await failing(
    "let e = new Error('0'); for (let i = 1; i < 50; i++) e = new Error(i, { cause: e }); throw e",
  );
  let depth = 0;
  for (let at: ErrorReport | undefined = chain; at; at = at.cause) depth++;
  assert.equal(depth, 6);
  const self = await failing("const e = new Error('self'); e.cause = e; throw e");
  assert.equal(self.cause?.message, "self");
  const huge = await failing("throw new Error('x'.repeat(1_000_000))");
  assert.match(huge.message, /^x+… \(\d+ more characters\)$/);
  const escaped = await failing(
    "throw new Error('\\u0001'.repeat(1_000_000), { cause: new Error('\\u0002'.repeat(1_000_000)) })",
  );
  assert.match(escaped.message, /more characters/);
  assert.equal(
    (await failing("throw new Error('a', { cause: null })")).cause?.message,
    "null was thrown, which is not an Error",
  );
});

test("a stack overflow and exhausted memory reach the host by name", async () => {
  const overflow = await failing("f()", "function f() { return f() + 1 }");
  assert.deepEqual([overflow.name, overflow.message], ["RangeError", "Maximum call stack size exceeded"]);
  assert.match(overflow.stack, /^ {4}at f \(capsule:program:/);
  const caught = await runMain(
    main("try { f() } catch (e) { return e instanceof RangeError }", "function f() { return f() + 1 }"),
  );
  assert.equal((caught.outcome as { value: unknown }).value, true);
  for (const body of [
    "const a = []; for (;;) a.push(new Array(1e4).fill(1))",
    "'x'.repeat(5e8)",
    "const a = []; for (;;) a.push({ a: [1], b: 'x' + a.length })",
    "const m = new Map(); for (let i = 0; ; i++) m.set(i, [i])",
    "new Uint8Array(1e9)",
  ]) {
    const { outcome } = await runMain(main(body), [], { memory: 16 * 1024 ** 2 });
    assert.equal(outcome.kind, "error", body);
    const { report } = outcome as { report: ErrorReport };
    assert.deepEqual([report.name, report.message], ["InternalError", "out of memory"], body);
  }
});

test("uncaught exceptions of callbacks fail the attempt", async () => {
  const forever = "await new Promise(() => {})";
  for (const [body, message] of [
    [`setTimeout(() => { throw new Error('timer') }, 5); ${forever}`, "timer"],
    [`setInterval(() => { throw new Error('interval') }, 5); ${forever}`, "interval"],
    [`setImmediate(() => { throw new Error('immediate') }); ${forever}`, "immediate"],
    [`queueMicrotask(() => { throw new Error('microtask') }); ${forever}`, "microtask"],
    [
      `const t = new EventTarget(); t.addEventListener('x', () => { throw new Error('listener') }); t.dispatchEvent(new Event('x')); ${forever}`,
      "listener",
    ],
    [
      `const t = new EventTarget(); t.addEventListener('x', async () => { throw new Error('async listener') }); t.dispatchEvent(new Event('x')); ${forever}`,
      "async listener",
    ],
  ] as const) {
    const report = await failing(body, "", "async");
    assert.deepEqual([report.message, report.via], [message, undefined], body);
  }
});

test("unhandled rejections fail the attempt, handled ones do not", async () => {
  const lost = await failing(
    "Promise.reject(new Error('lost')); await new Promise((r) => setTimeout(r, 10)); return 1",
    "",
    "async",
  );
  assert.deepEqual([lost.message, lost.via], ["lost", "unhandled_rejection"]);
  const beside = await failing("Promise.reject(new Error('beside')); return 1");
  assert.equal(beside.via, "unhandled_rejection");
  const { outcome } = await runMain(
    main(
      "const p = Promise.reject(new Error('x')); p.catch(() => {}); const q = (async () => { throw 1 })(); try { await q } catch {} return 'ok'",
      "",
      "async",
    ),
  );
  assert.equal((outcome as { value: unknown }).value, "ok");
  const own = await failing("throw new Error('own')", "", "async");
  assert.equal(own.via, undefined);
});

test("a program can't bend the answers by changing the realm", async () => {
  const hostile = `
    Object.prototype.toJSON = () => 'bent'; Array.prototype.toJSON = () => 'bent'; String.prototype.toJSON = () => 'bent';
    JSON.stringify = JSON.parse = () => 'bent'; Array.prototype.push = Array.prototype.join = String.prototype.slice = () => { throw 1 };
    Array.prototype[Symbol.iterator] = function* () {}; Object.keys = Object.defineProperty = () => { throw 1 };
    Promise.prototype.then = () => { throw 1 }; Promise.resolve = () => { throw 1 }; Map.prototype.get = WeakMap.prototype.get = () => { throw 1 };
    Date.now = () => NaN; Math.floor = Math.min = Math.max = () => NaN; Function.prototype.call = Function.prototype.apply = Reflect.apply = () => { throw 1 };
    globalThis.setTimeout = undefined; globalThis.eval = undefined; globalThis.Promise = undefined; Error.prototype.name = 'Bent'; Number.isFinite = () => true;
  `;
  const timer = "const st = setTimeout;";
  const thrown = await failing(`${hostile} throw new TypeError('still')`);
  assert.deepEqual([thrown.name, thrown.message], ["TypeError", "still"]);
  const { outcome } = await runMain(
    main(`await new Promise((r) => st(r, 5)); return 7`, `${timer} ${hostile}`, "async"),
  );
  assert.ok(outcome.kind === "result" || outcome.kind === "error", JSON.stringify(outcome));
  const inherited = await failing("Object.prototype.cause = { x: 1 }; Object.prototype.via = 'x'; throw 5");
  assert.equal(inherited.cause, undefined);
  const indexed = await runMain(
    main(
      "Object.defineProperty(Object.prototype, '0', { set() {}, get() { return 1 } }); setTimeout(() => {}, 5); await new Promise(() => {})",
      "",
      "async",
    ),
  );
  assert.ok(indexed.outcome.kind === "error" || indexed.outcome.kind === "idle");
  const poisoned = await runMain(
    main(
      "Object.defineProperty(Object.prototype, 'then', { get() { throw new Error('then') }, configurable: true }); return { a: 1 }",
    ),
  );
  assert.equal(poisoned.outcome.kind, "error");
  const bent = await runMain(main("Object.prototype.toJSON = () => 'mine'; return { a: 1 }"));
  assert.equal((bent.outcome as { json?: string }).json, '"mine"');
});
