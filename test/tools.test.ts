/** Functions of the host that programs call, in both languages: what they promise, and attacks by either side. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { LIMITS } from "@capsule-run/protocol";
import {
  createRuntime,
  type RunEvent,
  type RunRequest,
  type Runtime,
  type ToolAnswer,
  type ToolCall,
  type ToolHost,
} from "@capsule-run/runtime";
import { capsule, folder } from "./support/capsule.ts";
import { cellsOf, onLinux } from "./support/processes.ts";

const TYPESCRIPT = `
import { task, tools, ToolError } from "@capsule-run/sdk";
const told = (e) => [e instanceof ToolError, e.name, e.type, e.tool, e.message];
const child = task({ name: "child" }, async () => tools.echo("child"));
const spin = task({ name: "spin", compute: "1000000" }, async () => { tools.hang().catch(() => {}); await tools.echo(); for (;;); });
export const slow = task({ name: "slow", timeout: "300ms" }, async () => tools.hang());
export const main = task({ name: "main", compute: "HIGH" }, async (what: string, n = 0) => {
  switch (what) {
    case "plain": return [await tools.echo("a", 1, { b: null }), await tools.echo(), (await child()).result];
    case "sequence": return [await tools.echo("a"), await tools.echo(n), await tools.fail().catch(told)];
    case "together": return await Promise.all(Array.from({ length: n }, (_, i) => tools.wait(i)));
    case "errors": return await Promise.all(["fail", "reject", "throw", "nonsense", "huge", "deep", "nope"].map((name) => tools[name]().catch(told)));
    case "bad": return await tools.echo({ a: [Number.NaN] }).catch((e) => [e.name, e.message]);
    case "spin": return (await spin()).error.error_type;
    case "slow": return (await slow()).error.error_type;
    case "hang": return await tools.hang();
    case "drop": tools.hang().catch(() => {}); await tools.echo(); return "done";
    case "flood": return (await Promise.all(Array.from({ length: n }, () => tools.echo()))).length;
    case "names": return await Promise.all(["__x", "a".repeat(1000), "\\u0000", "hasOwnProperty", ""].map((name) => (tools[name] ?? (async () => "none"))().then(String, (e) => [e.type, e.message.length < 200])));
    case "uncaught": return await tools.fail();
  }
});
`;

const PYTHON = `
import asyncio
from capsule import task, tools, ToolError

def told(e):
    return [isinstance(e, ToolError), type(e).__name__, e.type, e.tool, str(e)]

@task
def child():
    return tools.echo("child")

@task(compute="50000000")
async def spin():
    asyncio.ensure_future(tools.hang())
    await asyncio.sleep(0)
    await tools.echo()
    while True: pass

@task(timeout="300ms")
def slow():
    return tools.hang()

async def caught(name):
    try:
        return await getattr(tools, name)()
    except ToolError as e:
        return told(e)

def caught_sync(name):
    try:
        return getattr(tools, name)()
    except ToolError as e:
        return told(e)

async def given_up():
    waiting = asyncio.ensure_future(tools.hang())
    await tools.echo()
    waiting.cancel()
    try:
        await waiting
    except asyncio.CancelledError:
        pass
    try:
        await asyncio.wait_for(tools.hang(), 0.05)
    except TimeoutError:
        return "timeout"

async def together(n):
    return await asyncio.gather(*[tools.wait(i) for i in range(n)])

NAMES = ["fail", "reject", "throw", "nonsense", "huge", "deep", "nope"]

@task(compute="HIGH")
def main(what, n=0):
    if what == "plain":
        return [tools.echo("a", 1, {"b": None}), tools.echo(), child()["result"]]
    if what == "sequence":
        return [tools.echo("a"), tools.echo(n), caught_sync("fail")]
    if what == "named":
        return [tools.echo(1, limit=5), asyncio.run(asyncio.wait_for(tools_async(), 5)), 2**70 == tools.echo(2**70)["args"][0]]
    if what == "together":
        return asyncio.run(together(n))
    if what == "errors":
        return [caught_sync(name) for name in NAMES[:4]] + asyncio.run(many(NAMES[4:]))
    if what == "bad":
        try:
            tools.echo({"a": [float("nan")]})
        except TypeError as e:
            return [type(e).__name__, str(e)]
    if what == "spin":
        return spin_it()
    if what == "slow":
        return slow()["error"]["error_type"]
    if what == "hang":
        return tools.hang()
    if what == "drop":
        return asyncio.run(dropped())
    if what == "cancel":
        return asyncio.run(given_up())
    if what == "harmless":
        seen = [repr(tools), hasattr(tools, "__len__"), hasattr(tools, "_repr_html_"), tools.echo.__name__]
        for name in ["__class__", "__dict__"]:
            try:
                seen.append(callable(getattr(tools, name)))
            except AttributeError:
                seen.append("none")
        return seen
    if what == "names":
        return [caught_sync(name)[2] for name in ["a" * 1000, "a" * 600_000, "\\0", "\\ud800"]]
    if what == "uncaught":
        return tools.fail()

async def tools_async():
    return await tools.echo(x={"y": "é"})

async def many(names):
    return await asyncio.gather(*map(caught, names))

async def dropped():
    asyncio.ensure_future(tools.hang())
    await asyncio.sleep(0.01)
    return "done"

def spin_it():
    async def run():
        return (await spin())["error"]["error_type"]
    return asyncio.run(run())
`;

const DEEP = LIMITS.valueDepth + 100;
const SECRET = "/home/me/secret";

/** A host of tools that misbehave, and what it saw. */
class Host implements ToolHost {
  readonly names = ["echo", "wait", "fail", "reject", "throw", "nonsense", "huge", "deep", "hang"];
  readonly calls: ToolCall[] = [];
  most = 0;
  stopped = 0;
  #now = 0;

  call(call: ToolCall, stop: AbortSignal): Promise<ToolAnswer> {
    this.calls.push(call);
    const { name, args, kwargs } = call;
    switch (name) {
      case "echo":
        return Promise.resolve({ ok: true, json: `{"args":${args},"kwargs":${kwargs ?? null}}` });
      case "wait":
        return this.#wait(args);
      case "fail":
        return Promise.resolve({ ok: false, type: "NotFound", message: "no such item" });
      case "reject":
        return Promise.reject(new Error(SECRET));
      case "throw":
        throw SECRET;
      case "huge":
        return Promise.resolve({ ok: true, json: `"${"x".repeat(LIMITS.effectBytes)}"` });
      case "deep":
        return Promise.resolve({ ok: true, json: "[".repeat(DEEP) + "]".repeat(DEEP) });
      case "hang":
        stop.addEventListener("abort", () => this.stopped++);
        return new Promise(() => {});
      default:
        return 7 as unknown as Promise<ToolAnswer>;
    }
  }

  async #wait(args: string): Promise<ToolAnswer> {
    this.most = Math.max(this.most, ++this.#now);
    await sleep(20);
    this.#now--;
    return { ok: true, json: args };
  }
}

const cwd = folder({ "capsule.toml": "", "tools.ts": TYPESCRIPT, "tools.py": PYTHON });
let runtime: Promise<Runtime> | null = null;
after(async () => (await runtime)?.close());

interface Ran {
  readonly host: Host;
  readonly events: readonly RunEvent[];
  /** The result, or the error of the envelope. */
  readonly outcome: unknown;
  readonly fuel: number;
}

async function run(file: string, args: readonly unknown[], more: Partial<RunRequest> = {}): Promise<Ran> {
  runtime ??= createRuntime({ cwd, cells: 2 });
  const host = new Host();
  const events: RunEvent[] = [];
  const onEvent = (event: RunEvent): unknown => events.push(event);
  const { envelope } = await (await runtime).run({ file, args, tools: host, onEvent, ...more });
  const outcome = envelope.success ? JSON.parse(envelope.resultJson) : envelope.error;
  return { host, events, outcome, fuel: envelope.execution.fuel_consumed };
}

const echoed = (args: unknown[], kwargs: unknown = null): object => ({ args, kwargs });
const FAILED = "the tool % failed";
const ERRORS: readonly (readonly [name: string, type: string, message: string])[] = [
  ["fail", "NotFound", "no such item"],
  ...["reject", "throw", "nonsense"].map((name) => [name, "ToolFailed", FAILED.replace("%", name)] as const),
  [
    ...["huge", "LimitExceeded"],
    "the result of the tool huge takes more than the 33,554,432 bytes of JSON that are allowed",
  ] as unknown as [string, string, string],
  ["deep", "InvalidResult", "the result of the tool deep is no JSON, or nested deeper than 1,000 levels"],
  [
    ...["nope", "UnknownTool"],
    'there is no tool "nope"; there are: echo, wait, fail, reject, throw, nonsense, huge, deep, hang',
  ] as unknown as [string, string, string],
];

for (const file of ["tools.ts", "tools.py"])
  describe(file, () => {
    const name = file === "tools.ts" ? "TypeScript" : "Python";

    test("arguments and results are JSON; calls have paths, and are told of as sub-tasks are", async () => {
      const { outcome, host, events } = await run(file, ["plain"]);
      assert.deepEqual(outcome, [echoed(["a", 1, { b: null }]), echoed([]), echoed(["child"])]);
      assert.deepEqual(
        host.calls.map(({ task, path, args }) => [task, path, JSON.parse(args).length]),
        [
          ["main", "0.1", 3],
          ["main", "0.2", 0],
          ["child", "0.3.1", 1],
        ],
      );
      const tools = events.flatMap((event) => ("tool" in event ? [event] : []));
      assert.deepEqual(
        tools.map(({ type, path, task, tool }) => [type, path, task, tool].join(" ")),
        ["0.1 main", "0.2 main", "0.3.1 child"].flatMap((at) =>
          ["tool_called", "tool_ended"].map((type) => `${type} ${at} echo`),
        ),
      );
    });

    test("calls go on together, so many at once", async () => {
      const { outcome, host } = await run(file, ["together", 50]);
      assert.deepEqual(
        outcome,
        Array.from({ length: 50 }, (_, i) => [i]),
      );
      assert.equal(host.most, LIMITS.toolCallsAtOnce);
    });

    test("what goes wrong is a ToolError; nothing of the host's is in it", async () => {
      const { outcome, events } = await run(file, ["errors"]);
      assert.deepEqual(
        outcome,
        ERRORS.map(([tool, type, message]) => [true, "ToolError", type, tool, message]),
      );
      assert.doesNotMatch(JSON.stringify(events), /secret/);
      const { outcome: error } = await run(file, ["uncaught"]);
      const { error_type, message } = error as { error_type: string; message: string };
      assert.equal(error_type, "task_error");
      assert.match(message, /ToolError: no such item/);
      assert.match(message, /tools\.(ts|py)/, name);
    });

    test("arguments that JSON can't hold are refused before anything is sent", async () => {
      const { outcome, host } = await run(file, ["bad"]);
      const [kind, message] = outcome as [string, string];
      assert.equal(kind, "TypeError");
      assert.match(message, /^tool "echo": argument 1 has NaN at \$\.a\[0\]; JSON has no NaN/);
      assert.equal(host.calls.length, 0);
    });

    test("the end of who calls ends the call: fuel, time, a result, a cancelled run", async () => {
      for (const [what, outcome] of [
        ["spin", "out_of_fuel"],
        ["slow", "timeout"],
        ["drop", "done"],
      ] as const) {
        const { outcome: seen, host, events } = await run(file, [what]);
        assert.deepEqual([seen, host.stopped], [outcome, 1], what);
        const ended = events.find((event) => event.type === "tool_ended" && event.tool === "hang");
        assert.equal(ended?.type === "tool_ended" && ended.error?.type, "Cancelled");
      }
      const { outcome, host } = await run(file, ["hang"], { signal: AbortSignal.timeout(500) });
      assert.equal((outcome as { error_type: string }).error_type, "cancelled");
      assert.equal(host.stopped, 1);
    });

    test("a run without tools says so", async () => {
      const { outcome } = await run(file, ["uncaught"], { tools: undefined });
      assert.match(
        (outcome as { message: string }).message,
        /there is no tool "fail": this run was given no/,
      );
    });

    test("the same run takes the same fuel, and calls the same", async () => {
      const runs = await Promise.all([1, 2, 3, 4].map(() => run(file, ["sequence", 7])));
      const [first, ...others] = runs.map(({ outcome, host }) => {
        return [outcome, host.calls.map(({ run: _, ...call }) => call)];
      });
      for (const other of others) assert.deepEqual(other, first);
      // Python seeds its generators in each attempt: a few units more or less, as the seed is.
      const most = file === "tools.py" ? 64 : 0;
      const fuel = runs.map((each) => each.fuel);
      assert.ok(Math.max(...fuel) - Math.min(...fuel) <= most, `${fuel}`);
    });
  });

test("names of no tools, in Python and TypeScript", async () => {
  const { outcome, host } = await run("tools.ts", ["names"]);
  assert.deepEqual(outcome, ["none", ...Array(2).fill(["UnknownTool", true]), "none", ["UnknownTool", true]]);
  const python = await run("tools.py", ["names"]);
  assert.deepEqual(python.outcome, ["UnknownTool", "LimitExceeded", "UnknownTool", "UnknownTool"]);
  assert.deepEqual([...host.calls, ...python.host.calls], []);
});

test("Python: arguments by name, awaited or not; big integers stay exact", async () => {
  const { outcome, host } = await run("tools.py", ["named"]);
  assert.deepEqual(outcome, [echoed([1], { limit: 5 }), echoed([], { x: { y: "é" } }), true]);
  assert.equal(host.calls[2]?.args, `[${2n ** 70n}]`);
});

test("Python: what is cancelled is given up on the host's side", async () => {
  const { outcome, host } = await run("tools.py", ["cancel"]);
  assert.deepEqual([outcome, host.stopped], ["timeout", 2]);
});

test("Python: the object of all tools is harmless", async () => {
  const { outcome } = await run("tools.py", ["harmless"]);
  assert.deepEqual(outcome, ["<tools>", false, false, "echo", true, "none"]);
});

test("the death of a sandbox's process ends its calls", { skip: !onLinux }, async () => {
  const killed: number[] = [];
  const host = new Host();
  const tools: ToolHost = {
    names: host.names,
    call: (call, stop) => {
      killed.push(...cellsOf(process.pid));
      for (const cell of killed) process.kill(cell, "SIGKILL");
      return host.call(call, stop);
    },
  };
  const { outcome } = await run("tools.ts", ["hang"], { tools });
  assert.equal((outcome as { error_type: string }).error_type, "internal_error");
  assert.equal(host.stopped, 1);
  // Cells that were idle died, too: the next run must not begin in one before that is known.
  while (killed.some((cell) => existsSync(`/proc/${cell}`))) await sleep(1);
  assert.deepEqual((await run("tools.ts", ["sequence"])).host.calls.length, 3);
});

test("thousands of calls that are asked for together are all made", async () => {
  const { outcome, host } = await run("tools.ts", ["flood", 5000]);
  assert.deepEqual([outcome, host.calls.length], [5000, 5000]);
});

test("calls of tools are rows of the record, with how long they took and how they failed", async () => {
  const { events } = await run("tools.ts", ["errors"], { runId: "recorded" });
  assert.ok(events.length > 0);
  await (await runtime)?.close();
  runtime = null;
  const inspect = async (...more: string[]): Promise<string> =>
    (await capsule(["inspect", "recorded", ...more], { cwd })).stdout;
  const text = await inspect();
  assert.match(text, / {4}tools\.fail \[0\.1\] failed \(NotFound\) · [\d.]+ m?s: no such item\n/);
  assert.match(text, / 1 task · /);
  const { tasks } = JSON.parse(await inspect("--json")) as { tasks: { kind: string; task: string }[] };
  assert.deepEqual(
    tasks.map(({ kind, task }) => `${kind} ${task}`),
    ["task main", ...ERRORS.slice(0, -1).map(([tool]) => `tool ${tool}`)],
  );
});
