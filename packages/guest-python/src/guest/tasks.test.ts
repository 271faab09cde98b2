import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, test } from "node:test";
import { LIMITS, type LoadedTask, TOOL_FAILED, TOOL_REFUSALS, UNDECLARED } from "@capsule-run/protocol";
import { bundleOf, NOW, success, TestGuest } from "../drive/testing/guest.ts";
import { raised, refused, value } from "./testing.ts";

const PROGRAM = `
import asyncio, sys
import capsule
from capsule import task

COMPUTE = "LOW"

@task
def add(a, b=2, *, c=3):
    return [a, b, c]

@capsule.task(name="slow", compute=COMPUTE, ram="64MB", timeout="2s", max_retries=2)
async def wait(n):
    await asyncio.sleep(n)
    return n

@task
def rest(first, /, *args, d=1, **more):
    return [first, args, d, more]

@task
async def calls():
    one = add(1, c=2)
    two, three = await asyncio.gather(wait(5), wait(n=6))
    async with asyncio.TaskGroup() as group:
        four = group.create_task(wait(7))
    return [one["result"], two["result"], three["result"], four.result()["result"]]

@task
async def wrong():
    return [add()["error"], add(1, {"x": [float("nan")]})["error"], (await wait(1, 2))["error"]]

@task
async def gives_up():
    waiting = asyncio.create_task(wait(1))
    await asyncio.sleep(0)
    waiting.cancel()
    try:
        await asyncio.wait_for(wait(2), 0.5)
    except TimeoutError:
        return "timeout"

@task
def blocks():
    async def inner():
        return [envelope["result"] for envelope in await asyncio.gather(wait(1), wait(2))]
    return asyncio.run(inner())

@task
def big(n):
    return [n, 10**n, {"a": -(10**5000)}]

@task
def returns(code):
    return eval(code)

@task
def of_coroutine():
    return wait.__wrapped__(3)

@task
def late():
    task(lambda: 1, name="late one")
`;

let guest: TestGuest;
let program: Awaited<ReturnType<TestGuest["load"]>>;
before(async () => {
  guest = new TestGuest();
  program = await guest.load(PROGRAM);
});

async function run(task: string, ...args: readonly unknown[]) {
  guest.reset(program);
  return guest.run(task, ...args);
}

test("loading lists the tasks with their policies and parameters", async () => {
  guest.reset(null);
  const loaded = await guest.instance.load(bundleOf(PROGRAM));
  assert.ok("tasks" in loaded);
  const tasks = JSON.parse(loaded.tasks) as LoadedTask[];
  assert.deepEqual(tasks.slice(0, 3), [
    {
      ...{
        name: "add",
        policy: UNDECLARED,
        async: false,
        source: "",
      },
      parameters: { names: ["a", "b"], required: 1, rest: false },
    },
    {
      ...{
        name: "slow",
        policy: { ...UNDECLARED, fuel: 100_000_000, ram: 64 * 1024 ** 2, timeoutMs: 2000, maxRetries: 2 },
        async: true,
        source: "",
      },
      parameters: { names: ["n"], required: 1, rest: false },
    },
    {
      ...{
        name: "rest",
        policy: UNDECLARED,
        async: false,
        source: "",
      },
      parameters: { names: ["first"], required: 1, rest: true },
    },
  ]);
  assert.deepEqual([loaded.entry, loaded.snapshot], ["add", "after"]);
  assert.match(loaded.notice, /^there is no task or function "main": the entry point is "add"/);
});

test("arguments by position, by name and defaults reach the function", async () => {
  assert.deepEqual(value(await run("add", 1)), [1, 2, 3]);
  assert.deepEqual(value(await run("rest", 1, 2, 3)), [1, [2, 3], 1, {}]);
  guest.reset(program);
  const named = await guest.instance.start("rest", Buffer.from('{"args":[1,2],"kwargs":{"d":5,"e":{}}}'));
  assert.deepEqual(value(named), [1, [2], 5, { e: {} }]);
});

test("wrong arguments are refused, by the sandbox that gets them and by the one that calls", async () => {
  assert.equal(
    refused(await run("add"), "invalid_arguments"),
    'task "add": argument "a" missing; it takes (a, b=…, *, c=…)',
  );
  assert.match(
    refused(await run("add", 1, 2, 3), "invalid_arguments"),
    /^task "add": 3 arguments by position, 1 more than it can take; /,
  );
  const errors = value(await run("wrong")) as { error_type: string; message: string }[];
  assert.deepEqual(
    errors.map(({ error_type, message }) => [error_type, message.slice(0, 44)]),
    [
      ["invalid_arguments", 'task "add": argument "a" missing; it takes ('],
      ["invalid_arguments", 'task "add": argument 2 has NaN at $.x[0]; JS'],
      ["invalid_arguments", 'task "slow": 2 arguments by position, 1 more'],
    ],
  );
  assert.deepEqual(guest.calls, []);
});

test("calls send arguments and give envelopes, one after another and in parallel", async () => {
  guest.onWait = async () => ({ envelope: success("sync"), now: NOW });
  assert.deepEqual(value(await run("calls")), ["sync", 1, 2, 3]);
  assert.deepEqual(guest.calls, [
    { mode: "sync", task: "add", args: '{"args":[1],"kwargs":{"c":2}}' },
    { mode: "async", task: "slow", args: "[5]" },
    { mode: "async", task: "slow", args: '{"args":[],"kwargs":{"n":6}}' },
    { mode: "async", task: "slow", args: "[7]" },
  ]);
});

test("a call that is cancelled or takes too long is given up", async () => {
  guest.reset(program);
  const end = await guest.start("gives_up");
  assert.deepEqual([end.state, guest.revoked], ["idle", [1]]);
  const { wake } = end as { wake: number };
  assert.ok(Math.abs(wake - NOW - 500) < 50, String(wake));
  assert.equal(value(await guest.instance.wake(wake)), "timeout");
  assert.deepEqual(guest.revoked, [1, 2]);
});

test("asyncio.run in a sync task blocks until calls are complete", async () => {
  let completed = 0;
  guest.onRest = (_wake, pending) => {
    assert.equal(pending, 2 - completed);
    completed++;
    return { type: "complete", call: completed, envelope: success(completed * 10), now: NOW + completed };
  };
  assert.deepEqual(value(await run("blocks")), [10, 20]);
});

test("big integers stay exact, up to a limit", async () => {
  const end = await run("big", 5000);
  assert.equal(end.state, "result");
  const text = Buffer.from((end as { json: Uint8Array }).json).toString();
  assert.equal(text, `[5000,1${"0".repeat(5000)},{"a":-1${"0".repeat(5000)}}]`);
  guest.reset(program);
  const argument = await guest.instance.start("returns", Buffer.from('["1+1"]'));
  assert.equal(value(argument), 2);
  assert.match(refused(await run("big", 100_000), "invalid_result"), /more than 100000 digits at \$\[1\]/);
});

test("results are strict JSON", async () => {
  assert.deepEqual(value(await run("returns", "(1, {'a': (True, None)})")), [1, { a: [true, null] }]);
  assert.equal(
    refused(await run("returns", "[1, {'deep': {'n': float('-inf')}}]"), "invalid_result"),
    'task "returns" returned -Infinity at $[1].deep.n; JSON has no -Infinity: use None or a string instead',
  );
  for (const [code, advice] of [
    ["b'x'", "base64.b64encode"],
    ["{1}", "sorted"],
    ["__import__('datetime').date.today()", "isoformat"],
    ["__import__('decimal').Decimal(1)", "str(value)"],
    ["{1: 2}", "str(key)"],
  ] as const)
    assert.ok(refused(await run("returns", code), "invalid_result").includes(advice), code);
});

test("a plain function's coroutine is awaited", async () => {
  assert.equal(value(await run("of_coroutine")), 3);
});

test("a task can't be defined once loading is over", async () => {
  assert.match(
    raised(await run("late")).message,
    /^RuntimeError: task "late one" is defined after the program/,
  );
});

test("the package's own tests of values hold in the engine", async () => {
  const values = readFileSync(
    new URL("../../../../python/capsule-run/tests/test_values.py", import.meta.url),
    "utf8",
  );
  const source = `
import io, unittest
import test_values
# It takes the stack that a cell is started with.
del test_values.Plain.test_depth
def main():
    out = io.StringIO()
    suite = unittest.defaultTestLoader.loadTestsFromModule(test_values)
    result = unittest.TextTestRunner(stream=out).run(suite)
    return [result.wasSuccessful(), result.testsRun > 5, out.getvalue()]
`;
  const own = new TestGuest();
  own.reset(await own.load(source, { "test_values.py": values }));
  const [passed, several, printed] = value(await own.run("main")) as [boolean, boolean, string];
  assert.ok(passed && several, printed);
});

test("a trivial call costs little", async () => {
  await run("add", 1);
  assert.ok(guest.instance.fuelUsed < 500_000, String(guest.instance.fuelUsed));
});

test("what a refused call of a tool is called is what the protocol says", async () => {
  const source = readFileSync(new URL("tooling.py", import.meta.url), "utf8");
  const [, types = ""] = /^TYPES = (.*)$/m.exec(source) ?? [];
  assert.deepEqual(JSON.parse(types), TOOL_REFUSALS);
  assert.match(source, new RegExp(`^TOOL_FAILED = "${TOOL_FAILED}"$`, "m"));
  assert.match(source, new RegExp(`^HEAD_BYTES = ${LIMITS.effectHeadBytes / 1024} \\* 1024$`, "m"));
});
