/** Python programs: tasks, their arguments and envelopes, asyncio, what a run prints, how programs end. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { capsule, folder, startCapsule } from "./support/capsule.ts";
import { pythonProgram, refusalOf, resultOf, runIn, runPython } from "./support/python.ts";

describe("a task", () => {
  test("gets positional, keyword, default and keyword-only arguments", async () => {
    const result = await resultOf(`
@task
def show(a, b=2, *rest, c, d=4, **more):
    return [a, b, list(rest), c, d, more]

@task()
def main():
    return [show(1, c=3)["result"], show(1, 5, 6, 7, c=8, d=9, e=10)["result"], show(a=1, b=0, c=[{}])["result"]]
`);
    assert.deepEqual(result, [
      [1, 2, [], 3, 4, {}],
      [1, 5, [6, 7], 8, 9, { e: 10 }],
      [1, 0, [], [{}], 4, {}],
    ]);
  });

  test("gives its caller an envelope, whatever becomes of it", async () => {
    const result = await resultOf<Record<string, unknown>[]>(`
import capsule

@capsule.task(name="renamed", compute="LOW", ram="64MB", timeout="5s", max_retries=1)
def fails():
    raise KeyError("mine")

@task(compute=5_000_000)
def spins():
    while True: pass

@task
def unfit():
    return {1, 2}

@task
def main():
    return [fails(), spins(), unfit(), fails(1)]
`);
    const [fails, spins, unfit, wrong] = result as {
      success: boolean;
      result: null;
      error: { error_type: string; message: string };
      execution: Record<string, unknown>;
    }[];
    assert.deepEqual(Object.keys(fails ?? {}), ["success", "result", "error", "execution"]);
    assert.equal(fails?.success, false);
    assert.equal(fails?.error.error_type, "task_error");
    assert.match(fails?.error.message ?? "", /KeyError: 'mine'$/);
    assert.equal(fails?.execution.task_name, "renamed");
    assert.equal(fails?.execution.retries, 1);
    assert.equal(spins?.error.error_type, "out_of_fuel");
    assert.equal(unfit?.error.error_type, "invalid_result");
    assert.equal(wrong?.error.error_type, "invalid_arguments");
    assert.match(wrong?.error.message ?? "", /fails\(\)|renamed/);
  });

  test("keeps big integers exact", async () => {
    const { stdout } = await capsule(["run", "main.py"], {
      cwd: pythonProgram(`
@task
def double(n): return 2 * n
@task
def main(): return double(2**200)["result"] + 1
`),
    });
    assert.equal(stdout, `${2n ** 201n + 1n}\n`);
  });

  test("is found in options that are variables, in functions of other files, and by its attribute", async () => {
    const cwd = pythonProgram(
      `
from helpers.work import work
LIMITS = {"compute": "LOW", "ram": "96MB"}
@task(**LIMITS)
def main(): return work(20)["result"]
`,
      { "helpers/work.py": "import capsule\n@capsule.task(name='work')\ndef work(n): return n + 1\n" },
    );
    assert.equal((await runIn(cwd)).envelope.result, 21);
  });
});

describe("the entry point", () => {
  test("is a plain function main, with defaults", async () => {
    assert.equal(await resultOf("def main(): return 1"), 1);
  });

  test("is the first task where there is no main, and a line says so", async () => {
    const { envelope, stderr } = await runPython("@task\ndef one(): return 1\n@task\ndef two(): return 2\n");
    assert.equal(envelope.result, 1);
    assert.equal(envelope.execution.task_name, "one");
    assert.match(stderr, /one/);
    assert.match(stderr, /main/);
  });

  test("takes arguments as strings; too few or too many are named", async () => {
    const source = "@task\ndef main(a, b='x'): return [a, b]\n";
    assert.deepEqual(await resultOf(source, ["1", "2"]), ["1", "2"]);
    assert.deepEqual(await resultOf(source, ["1"]), ["1", "x"]);
    const { envelope, code } = await runPython(source, ["1", "2", "3"]);
    assert.equal(code, 1);
    assert.equal(envelope.error?.error_type, "invalid_arguments");
    assert.match(envelope.error?.message ?? "", /main takes 1 to 2 \(a, b\?\); it was given 3/);
  });

  test("is missed where there is no task at all", async () => {
    assert.match(await refusalOf("x = 1"), /defines no task.*@task/s);
  });
});

describe("wrong options", () => {
  const cases: Readonly<Record<string, readonly [string, RegExp]>> = {
    "an unknown one": ["@task(computes='LOW')\ndef main(): pass", /computes.*compute/s],
    "a wrong value": ["@task(ram='64XB')\ndef main(): pass", /ram.*64XB/s],
    "what is no host": [
      "@task(allowed_hosts=['https://a.example'])\ndef main(): pass",
      /allowed_hosts.*a list of host names/s,
    ],
    "a name that is taken": [
      "@task(name='a')\ndef f(): pass\n@task(name='a')\ndef main(): pass",
      /"a".*twice/s,
    ],
  };
  for (const [what, [source, message]] of Object.entries(cases))
    test(`${what}: exit 2, with the place in the file`, async () => {
      const said = await refusalOf(source);
      assert.match(said, message);
      assert.match(said, /main\.py:\d+/);
    });
});

describe("asyncio", () => {
  test("gather, TaskGroup, wait_for, timeout, queues, async generators, context variables", async () => {
    const result = await resultOf(`
import contextvars
name = contextvars.ContextVar("name", default="none")

@task
async def add(a, b):
    await asyncio.sleep(0.01)
    return a + b

async def numbers():
    for i in range(3):
        await asyncio.sleep(0)
        yield i

@task
async def main():
    many = await asyncio.gather(*(add(i, 1) for i in range(5)))
    async with asyncio.TaskGroup() as group:
        one = group.create_task(add(1, b=2))
        two = group.create_task(asyncio.sleep(0.01, "slept"))
    try:
        await asyncio.wait_for(asyncio.Event().wait(), 0.02)
    except TimeoutError:
        late = "late"
    try:
        async with asyncio.timeout(0.02):
            await asyncio.sleep(10)
    except TimeoutError:
        late += " twice"
    queue = asyncio.Queue()
    async def produce():
        for i in range(3): await queue.put(i)
        await queue.join()
    producer = asyncio.create_task(produce())
    got = []
    while len(got) < 3:
        got.append(await queue.get())
        queue.task_done()
    await producer
    name.set("outer")
    async def inner():
        name.set("inner")
        return name.get()
    return [[e["result"] for e in many], one.result()["result"], two.result(), late, got,
            [n async for n in numbers()], await asyncio.create_task(inner()), name.get(),
            await asyncio.to_thread(len, "abc")]
`);
    assert.deepEqual(result, [
      [1, 2, 3, 4, 5],
      3,
      "slept",
      "late twice",
      [0, 1, 2],
      [0, 1, 2],
      "inner",
      "outer",
      3,
    ]);
  });

  test("asyncio.run in a sync task blocks its sandbox only, and calls tasks", async () => {
    const result = await resultOf(`
@task
async def wait(n):
    await asyncio.sleep(0.2)
    return n

@task
def main():
    async def all():
        return await asyncio.gather(wait(1), wait(2), asyncio.sleep(0.1, "slept"))
    one, two, slept = asyncio.run(all())
    return [one["result"], two["result"], slept]
`);
    assert.deepEqual(result, [1, 2, "slept"]);
  });

  test("sandboxes that sleep, by asyncio or by time.sleep, take no core from others", async () => {
    const { envelope } = await runPython(`
import time

@task
async def nap(n):
    time.sleep(0.5)
    await asyncio.sleep(0.5)
    return n

@task
async def main():
    return sum(e["result"] for e in await asyncio.gather(*(nap(i) for i in range(20))))
`);
    assert.equal(envelope.result, 190);
    assert.ok(
      envelope.execution.duration_ms < 8000,
      `${envelope.execution.duration_ms} ms for 20 naps of 1 s`,
    );
  });

  test("a call that is cancelled or too late is cancelled where it runs", async () => {
    const { envelope, stderr } = await runPython(`
@task
async def long(n):
    await asyncio.sleep(30)

@task
async def main():
    try:
        await asyncio.wait_for(long(1), 0.3)
    except TimeoutError:
        pass
    call = asyncio.create_task(long(2))
    await asyncio.sleep(0.1)
    call.cancel()
    try:
        await call
    except asyncio.CancelledError:
        return "both cancelled"
`);
    assert.equal(envelope.result, "both cancelled", stderr);
    assert.ok(envelope.execution.duration_ms < 20_000);
  });

  test("what can never come is a deadlock", async () => {
    const { envelope } = await runPython("@task\nasync def main(): await asyncio.Event().wait()");
    assert.equal(envelope.error?.error_type, "deadlock");
    const locked = await runPython(
      "import threading\n@task\ndef main():\n    l = threading.Lock(); l.acquire(); l.acquire()",
    );
    assert.equal(locked.envelope.error?.error_type, "deadlock");
  });
});

describe("what a program prints", () => {
  test("comes while it runs, stdout and stderr apart", async () => {
    const run = startCapsule(["run", "main.py"], {
      cwd: pythonProgram(
        "import time, sys\n@task\ndef main():\n    print('first')\n    time.sleep(1)\n    print('last', file=sys.stderr)\n    return 'end'",
      ),
    });
    const began = performance.now();
    await run.printed("first");
    const { stdout, stderr, ms } = await run.ended;
    assert.ok(ms - (performance.now() - began) < ms, "it was heard before the end");
    assert.equal(stdout, "first\nend\n");
    assert.match(stderr, /^last\nmain ok/);
  });

  test("survives what can't be encoded, and a closed stdout", async () => {
    const { envelope } = await runPython(
      "import sys\n@task\ndef main():\n    print('\\ud800 €')\n    sys.stdout.close()\n    return 1",
    );
    assert.equal(envelope.result, 1);
  });

  test("input() is at its end", async () => {
    const { envelope } = await runPython("@task\ndef main(): return input()");
    assert.match(envelope.error?.message ?? "", /EOFError/);
  });
});

describe("the end of a program", () => {
  const ends: Readonly<Record<string, readonly [string, string | null, RegExp]>> = {
    "sys.exit()": ["import sys; sys.exit()", null, /^$/],
    "sys.exit(0)": ["import sys; sys.exit(0)", null, /^$/],
    "sys.exit(3)": ["import sys; sys.exit(3)", "task_error", /SystemExit: 3$/],
    "sys.exit with words": ["import sys; sys.exit('no luck')", "task_error", /no luck/],
    KeyboardInterrupt: ["raise KeyboardInterrupt", "task_error", /KeyboardInterrupt$/],
    "os._exit": ["import os; os._exit(4)", "task_error", /os\._exit\(4\)/],
    "os.abort": ["import os; os.abort()", "task_error", /aborted/],
    "an uncaught MemoryError": ["raise MemoryError('mine')", "out_of_memory", /MemoryError: mine/],
    "an uncaught RecursionError": ["f = lambda: f(); f()", "stack_overflow", /RecursionError/],
  };
  for (const [what, [code, type, message]] of Object.entries(ends))
    test(what, async () => {
      const { envelope } = await runPython(`@task\ndef main():\n    ${code}\n`);
      assert.equal(envelope.error?.error_type ?? null, type);
      assert.match(envelope.error?.message ?? "", message);
    });

  test("a traceback is what CPython prints, with the user's files and none of ours", async () => {
    const cwd = folder({
      "src/main.py":
        "from capsule import task\nfrom lib import fail\n\n@task\ndef main():\n    return fail(0)\n",
      "src/lib.py": "def fail(n):\n    return 1 / n\n",
    });
    const { stderr, code } = await capsule(["run", "src/main.py"], { cwd, extra: { NO_COLOR: "1" } });
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^Traceback \(most recent call last\):\n {2}File "src\/main\.py", line 6, in main\n {4}return fail\(0\)\n(?: {4}.*\n)? {2}File "src\/lib\.py", line 2, in fail\n {4}return 1 \/ n\n(?: {4}.*\n)?ZeroDivisionError: division by zero\nmain failed/,
    );
  });

  test("a syntax error is exit 2, with the place", async () => {
    const said = await refusalOf("def main(:\n    pass\n");
    assert.match(said, /main\.py:3/);
    assert.match(said, /SyntaxError/);
  });

  test("an exception at the top level is exit 2, with the place", async () => {
    const said = await refusalOf("\n\nimport nothing_of_this_name\n");
    assert.match(said, /main\.py:5/);
    assert.match(said, /ModuleNotFoundError: No module named 'nothing_of_this_name'/);
  });
});

test("what a sandbox has not says so", async () => {
  const result = await resultOf<string[]>(`
def attempt(work):
    try:
        work()
        return "worked"
    except BaseException as error:
        return f"{type(error).__name__}: {error}"

@task
def main():
    import subprocess, os, socket, threading, ctypes
    return [attempt(w) for w in (
        lambda: threading.Thread(target=print).start(),
        lambda: subprocess.run(["ls"]),
        lambda: os.fork(),
        lambda: socket.create_connection(("example.com", 80)),
        lambda: ctypes.CDLL("libc.so.6"),
        lambda: os.system("ls"),
    )]
`);
  for (const line of result)
    assert.match(
      line,
      /^(RuntimeError|OSError|NotImplementedError|AttributeError|\w+Error): .*sandbox/i,
      line,
    );
});

test("random numbers differ between runs, and within one", async () => {
  const source = `
import random, uuid, secrets, tempfile
random.seed  # imported at the top: seeded in the snapshot, and anew after it
@task
def main():
    return [random.random(), str(uuid.uuid4()), secrets.token_hex(8), tempfile.mktemp(), random.Random().random()]
`;
  const cwd = pythonProgram(source);
  const [one, two] = [
    (await runIn<unknown[]>(cwd)).envelope.result,
    (await runIn<unknown[]>(cwd)).envelope.result,
  ];
  for (const [i, value] of one.entries()) assert.notEqual(value, two[i], `value ${i}`);
});

describe("an engine without the scientific packages", () => {
  const late = (before: string): string => `
@task
def main():
    ${before}
    import importlib
    numpy = importlib.import_module("num" + "py")
    return int(numpy.arange(4).sum())
`;

  test("is exchanged for the whole one where a task needs them, before anybody has seen of it", async () => {
    const cwd = pythonProgram(late("pass"));
    assert.equal((await runIn(cwd)).envelope.result, 6);
    assert.equal((await runIn(cwd)).envelope.result, 6);
  });

  test("fails a task that has printed, names the package, and is exchanged for the next run", async () => {
    const cwd = pythonProgram(late("print('seen')"));
    const { envelope, stderr } = await runIn(cwd);
    assert.match(stderr, /seen/);
    assert.equal(envelope.error?.error_type, "internal_error");
    assert.match(envelope.error?.message ?? "", /"main" got to numpy, /);
    assert.equal((await runIn(cwd)).envelope.result, 6);
  });
});
