import assert from "node:assert/strict";
import { test } from "node:test";
import { checkFromCell, checkLoadedTasks } from "./check.ts";
import { FrameError } from "./codec.ts";
import { LIMITS } from "./limits.ts";
import type { FromCell, LoadedTask } from "./messages.ts";
import { UNDECLARED } from "./policy.ts";

const EMPTY = new Uint8Array(0);
const json = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

type Fields = Record<string, unknown>;

const GOOD: Readonly<Record<FromCell["type"], Fields>> = {
  ready: { engine: "abc", body: EMPTY },
  pong: { n: 3, body: EMPTY },
  loaded: {
    sandbox: 1,
    tasks: "[]",
    entry: "main",
    notice: "",
    snapshot: "after",
    reasons: "[]",
    output: "[]",
    globals: [1, -2],
    fuel: 10,
    ram: 65_536,
    body: json("x"),
  },
  call: { sandbox: 1, call: 1, mode: "async", task: "t", body: json("[1]") },
  effect: { sandbox: 1, call: 1, mode: "async", name: "file.stat", body: json("x") },
  revoke: { sandbox: 1, call: 1, body: EMPTY },
  output: { sandbox: 1, stream: 1, body: json("hello") },
  idle: { sandbox: 1, wake: -1, pending: 0, body: EMPTY },
  grown: { sandbox: 1, ram: 65_536, body: EMPTY },
  used: { sandbox: 1, fuel: 200_000_000, body: EMPTY },
  took: { sandbox: 1, bytes: 4_194_304, body: EMPTY },
  ended: {
    ...{ sandbox: 1, ok: true, error: "", plain: false, lacks: "", memory: "", parked: 0, image: 0 },
    ...{ fuel: 1, ram: 1, body: json("null") },
  },
};

const HOSTILE: readonly unknown[] = [
  undefined,
  null,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  -2,
  0.5,
  2 ** 53,
  "-1",
  "constructor",
  "x".repeat(300),
  true,
  [],
  ["sync"],
  {},
  { length: 0 },
  [0.5],
  [2 ** 31],
  new Array(1001).fill(0),
  new Uint8Array(1),
  () => 1,
];

/** Hostile values that are fine after all. */
const FINE: Readonly<Record<string, (value: unknown) => boolean>> = {
  "effect.body": (value) => value instanceof Uint8Array,
  "ready.engine": (value) => value === "-1" || value === "constructor",
  "call.task": (value) => value === "-1" || value === "constructor",
  "loaded.entry": (value) => value === "-1" || value === "constructor",
  "loaded.notice": (value) => typeof value === "string",
  "loaded.tasks": (value) => typeof value === "string",
  "loaded.reasons": (value) => typeof value === "string",
  "loaded.output": (value) => typeof value === "string",
  "loaded.globals": (value) => Array.isArray(value) && value.length === 0,
  "loaded.body": (value) => value instanceof Uint8Array,
  "output.body": (value) => value instanceof Uint8Array,
  "ended.plain": (value) => value === true,
  "idle.wake": (value) => value === 0.5,
  "ended.ok": (value) => value === true,
};

for (const [type, fields] of Object.entries(GOOD)) {
  test(`${type}: a good one passes as it is`, () => {
    const message = { type, ...fields };
    assert.equal(checkFromCell(message), message);
  });

  for (const field of Object.keys(fields)) {
    test(`${type}: without ${field}`, () => {
      const { [field]: _, ...rest } = fields;
      assert.throws(() => checkFromCell({ type, ...rest }), FrameError);
    });
    test(`${type}: ${field} of another kind`, () => {
      for (const value of HOSTILE) {
        const check = (): unknown => checkFromCell({ type, ...fields, [field]: value });
        if (FINE[`${type}.${field}`]?.(value)) check();
        else assert.throws(check, FrameError, `${field}: ${String(value)}`);
      }
    });
  }

  test(`${type}: with a field too many`, () => {
    for (const extra of ["x", "toString", "then", "constructor"])
      assert.throws(() => checkFromCell({ type, ...fields, [extra]: 1 }), FrameError);
    const own = JSON.parse(`{"__proto__":1}`);
    assert.throws(() => checkFromCell({ type, ...fields, ...own }), FrameError);
  });
}

test("types that there are not", () => {
  for (const type of [
    undefined,
    null,
    1,
    "",
    "open",
    "stop",
    "constructor",
    "__proto__",
    "toString",
    ["ready"],
  ])
    assert.throws(() => checkFromCell({ type, body: EMPTY }), FrameError);
});

test("sizes end where the limits say", () => {
  const large = new Uint8Array(LIMITS.attemptOutputBytes);
  checkFromCell({ type: "output", ...GOOD.output, body: large });
  assert.throws(
    () => checkFromCell({ type: "output", ...GOOD.output, body: new Uint8Array(large.length + 1) }),
    FrameError,
  );
  const report = new Uint8Array(LIMITS.reportBytes + 1);
  const failed = { type: "ended", ...GOOD.ended, ok: false, error: "task_error" };
  checkFromCell({ ...failed, body: report.subarray(1) });
  assert.throws(() => checkFromCell({ ...failed, body: report }), FrameError);
  assert.throws(
    () =>
      checkFromCell({
        type: "ended",
        ...GOOD.ended,
        body: new Uint8Array(LIMITS.resultBytes + 1).fill(0x31),
      }),
    FrameError,
  );
});

test("what stays of a session: memory only where it was kept, and changes only of what ended by itself", () => {
  const ended = { type: "ended", ...GOOD.ended };
  const failed = { ...ended, ok: false, error: "timeout" };
  checkFromCell({ ...ended, memory: "kept", parked: LIMITS.memoryBytes, image: 5 });
  checkFromCell({ ...failed, memory: "rolled_back", parked: 1, image: 5 });
  checkFromCell({ ...failed, memory: "lost" });
  for (const lie of [
    { ...ended, parked: 1 },
    { ...ended, image: 1 },
    { ...ended, memory: "rolled_back" },
    { ...ended, memory: "lost" },
    { ...ended, memory: "forgotten" },
    { ...failed, memory: "lost", image: 1 },
    { ...failed, memory: "kept", parked: LIMITS.memoryBytes + 1 },
  ])
    assert.throws(() => checkFromCell(lie), FrameError);
});

test("times that a date can hold", () => {
  checkFromCell({ type: "idle", ...GOOD.idle, wake: 8.64e15 });
  for (const wake of [8.64e15 + 2, -0.5, -3, Number.MIN_SAFE_INTEGER])
    assert.throws(() => checkFromCell({ type: "idle", ...GOOD.idle, wake }), FrameError);
});

test("a result is JSON and has no error; a failure has one", () => {
  for (const body of ["", "{", '1,"success":true', "1\n2", "NaN", "undefined"])
    assert.throws(() => checkFromCell({ type: "ended", ...GOOD.ended, body: json(body) }), FrameError);
  assert.throws(() => checkFromCell({ type: "ended", ...GOOD.ended, error: "timeout" }), FrameError);
  assert.throws(() => checkFromCell({ type: "ended", ...GOOD.ended, ok: false }), FrameError);
  assert.throws(() => checkFromCell({ type: "ended", ...GOOD.ended, ok: false, error: "mine" }), FrameError);
});

test("arguments are a JSON array or object, or nothing where they were too many", () => {
  checkFromCell({ type: "call", ...GOOD.call, body: EMPTY });
  for (const body of ["1", "{", "[", "[]]"])
    assert.throws(() => checkFromCell({ type: "call", ...GOOD.call, body: json(body) }), FrameError);
});

const TASK: LoadedTask = {
  name: "main",
  policy: { ...UNDECLARED, fuel: 1, files: [{ path: "data", mode: "read-only" }], hosts: ["*.a.com"] },
  async: true,
  source: "() => 1",
};

test("tasks: what an honest cell sends", () => {
  assert.deepEqual(checkLoadedTasks(JSON.stringify([TASK])), [TASK]);
  assert.deepEqual(checkLoadedTasks("[]"), []);
});

test("tasks: each field missing or wrong", () => {
  for (const field of Object.keys(TASK)) {
    const { [field as keyof LoadedTask]: _, ...rest } = TASK;
    assert.throws(() => checkLoadedTasks(JSON.stringify([rest])), FrameError, field);
    for (const value of [-1, 0.5, {}, [], [1], "", "x".repeat(1_000_001), 1e300, "a\u001b[2J", "\ud800"]) {
      const fine = field === "source" && typeof value === "string" && value.length < 1000;
      const check = (): unknown => checkLoadedTasks(JSON.stringify([{ ...TASK, [field]: value }]));
      if (fine) check();
      else assert.throws(check, FrameError, `${field}: ${String(value)}`);
    }
  }
});

test("tasks: no list, or too long a one", () => {
  for (const text of ["", "{", "{}", "null", "[null]", "[[]]", "[1]", '"x"'])
    assert.throws(() => checkLoadedTasks(text), FrameError, text);
  assert.throws(() => checkLoadedTasks(JSON.stringify(new Array(LIMITS.tasks + 1).fill(TASK))), FrameError);
});
