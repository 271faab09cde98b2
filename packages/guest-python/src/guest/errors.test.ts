import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { ErrorReport, ErrorType } from "@capsule-run/protocol";
import { TestGuest } from "../drive/testing/guest.ts";
import { raised, value } from "./testing.ts";

const PROGRAM = `
import asyncio, json, sys
from capsule import task

class Bad(Exception):
    def __str__(self):
        raise RuntimeError("no str")

class Own(ValueError):
    pass

def recurse(n):
    return recurse(n + 1)

def one(n):
    return two(n)

def two(n):
    return one(n)

async def leaves():
    sys.exit(4)

async def fails(n):
    raise ValueError(n)

@task
def run(code):
    exec(compile(code, "/app/case.py", "exec"), globals())
    return result if "result" in globals() else None

@task
async def arun(code):
    exec(compile("async def case():\\n" + code, "/app/case.py", "exec"), globals())
    return await case()
`;

/** A second file, so that its lines can be printed. */
const CASES: Readonly<Record<string, string>> = {
  plain: 'def f():\n    values = {"a": [1]}\n    return values["a"][5]\n\nf()\n',
};

let guest: TestGuest;
let program: Awaited<ReturnType<TestGuest["load"]>>;
before(async () => {
  guest = new TestGuest();
  program = await guest.load(PROGRAM, { "plain.py": CASES.plain as string });
});

async function run(code: string, task = "run") {
  guest.reset(program);
  return guest.run(task, code);
}
const report = async (code: string, type: ErrorType = "task_error"): Promise<ErrorReport> =>
  raised(await run(code), type);

test("a traceback is CPython's, without our frames", async () => {
  const { name, message, stack } = await report("import plain");
  assert.deepEqual([name, message], ["IndexError", "IndexError: list index out of range"]);
  assert.equal(
    stack,
    `Traceback (most recent call last):
  File "/app/main.py", line 29, in run
    exec(compile(code, "/app/case.py", "exec"), globals())
    ~~~~^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/app/case.py", line 1, in <module>
  File "/app/plain.py", line 5, in <module>
    f()
    ~^^
  File "/app/plain.py", line 3, in f
    return values["a"][5]
           ~~~~~~~~~~~^^^
IndexError: list index out of range`,
  );
});

test("frames of the library stay", async () => {
  const { stack } = await report("json.loads('{bad')");
  assert.match(stack, /File "\/usr\/local\/lib\/python315.zip\/json\/decoder.py", line \d+, in raw_decode\n/);
  assert.match(stack, /\njson.decoder.JSONDecodeError: [^\n]*$/);
});

test("causes, contexts, notes and groups", async () => {
  const chained = await report(
    "try:\n  {}['k']\nexcept KeyError as e:\n  e.add_note('a note')\n  raise Own('outer') from e",
  );
  assert.deepEqual([chained.name, chained.message], ["Own", "main.Own: outer"]);
  assert.match(
    chained.stack,
    /KeyError: 'k'\na note\n\nThe above exception was the direct cause [\s\S]*\nmain.Own: outer$/,
  );
  const context = await report("try:\n  {}['k']\nexcept KeyError:\n  undefined_name");
  assert.match(
    context.stack,
    /During handling of the above exception[\s\S]*NameError: name 'undefined_name' is not/,
  );
  const group = await report("raise ExceptionGroup('several', [ValueError(1), TypeError(2)])");
  assert.equal(group.message, "ExceptionGroup: several (2 sub-exceptions)");
  assert.match(group.stack, /\+-+ 2 -+\n {4}\| TypeError: 2\n {4}\+-+$/);
});

test("recursion and memory have types of their own", async () => {
  const deep = await report("recurse(0)", "stack_overflow");
  assert.match(
    deep.stack,
    /\[Previous line repeated 99\d more times\]\nRecursionError: maximum recursion depth/,
  );
  assert.ok(guest.instance.fuelUsed < 60_000_000, `${guest.instance.fuelUsed}`);
  const mutual = await report("one(0)", "stack_overflow");
  assert.ok(mutual.stack.length <= 66_000, String(mutual.stack.length));
  const memory = await report("x = 'x' * (2**31 - 10)", "out_of_memory");
  assert.equal(memory.message, "MemoryError");
  guest.reset(program, { fuel: 50_000_000_000, ram: 64 * 1024 ** 2 });
  const full = await guest.start("run", "x = []\nwhile True: x.append(bytearray(100_000))");
  assert.equal(raised(full, "out_of_memory").name, "MemoryError");
});

test("syntax errors name file, line and column", async () => {
  const { stack } = await report("compile('def f(:', '/app/other.py', 'exec')");
  assert.match(
    stack,
    /\n {2}File "\/app\/other.py", line 1\n {4}def f\(:\n {10}\^\nSyntaxError: invalid syntax$/,
  );
});

test("exceptions that are hard to print", async () => {
  assert.equal((await report("raise Bad()")).message, "main.Bad: <exception str() failed>");
  const huge = await report("raise ValueError('x' * 1_000_000)");
  assert.ok(huge.message.length < 20_000 && huge.stack.length < 70_000);
  assert.match(huge.stack, /^Traceback[\s\S]*characters are left out[\s\S]*xxx$/);
  assert.equal((await report("raise ValueError('\\ud800 \\udc80')")).message, "ValueError: \\ud800 \\udc80");
  assert.equal((await report("e = ValueError(1)\ne.__cause__ = e\nraise e")).message, "ValueError: 1");
  assert.equal((await report("raise type('E' * 10_000, (Exception,), {})()")).name.length < 300, true);
  assert.equal((await report("raise KeyboardInterrupt")).message, "KeyboardInterrupt");
  assert.equal((await report("raise BaseException('base')")).message, "BaseException: base");
  const missing = await report("import nope_module");
  assert.equal(missing.message, "ModuleNotFoundError: No module named 'nope_module'");
});

test("sys.exit", async () => {
  for (const code of ["sys.exit()", "sys.exit(0)", "sys.exit(None)", "raise SystemExit"])
    assert.equal(value(await run(code)), null);
  assert.equal(value(await run("  sys.exit(0)", "arun")), null);
  const three = await report("sys.exit(3)");
  assert.deepEqual(
    [three.name, three.message, three.stack],
    ["SystemExit", "SystemExit: 3", "SystemExit: 3"],
  );
  assert.equal((await report("sys.exit('because')")).message, "SystemExit: because");
  assert.equal(guest.output, "because\n");
  assert.equal(raised(await run("  await asyncio.create_task(leaves())", "arun")).message, "SystemExit: 4");
});

test("exceptions of async tasks", async () => {
  const group = raised(
    await run(
      "  async with asyncio.TaskGroup() as g:\n    g.create_task(fails(1))\n    g.create_task(fails(2))",
      "arun",
    ),
  );
  assert.equal(group.message, "ExceptionGroup: unhandled errors in a TaskGroup (2 sub-exceptions)");
  assert.doesNotMatch(group.stack, /<capsule/);
  const cancelled = raised(await run("  asyncio.current_task().cancel(); await asyncio.sleep(1)", "arun"));
  assert.equal(cancelled.message, "asyncio.exceptions.CancelledError");
});

test("what can't be raised is printed", async () => {
  assert.equal(value(await run("class D:\n  def __del__(self): 1/0\nD()\nresult = 1")), 1);
  assert.match(guest.output, /^Exception ignored [\s\S]*ZeroDivisionError: division by zero\n$/);
});

test("whatever a program does to its own interpreter, its failure is a report", async () => {
  const hostile = [
    "import builtins; builtins.len = builtins.isinstance = builtins.type = builtins.str = None",
    "import builtins; vars(builtins).clear()",
    "import sys; sys.modules.clear()",
    "import json; json.JSONEncoder.encode = json.loads = None",
    "import traceback; traceback.TracebackException = traceback.StackSummary = None",
    "import linecache; linecache.getline = linecache.checkcache = None",
    "import sys; sys.settrace(lambda *a: 1 / 0)",
    "import sys\nf = sys._getframe()\nwhile f:\n  f.f_globals.pop('running', None)\n  f = f.f_back",
  ];
  for (const code of hostile) {
    const report = raised(await run(`${code}\nraise ValueError('after')`));
    assert.match(report.message, /^\w+Error: /, code);
  }
  const classes = [
    "class M(type):\n  def __getattribute__(c, n): raise RuntimeError\nclass E(Exception, metaclass=M): pass\nraise E(1)",
    "class E(Exception):\n  @property\n  def __traceback__(self): raise RuntimeError\nraise E(1)",
    "e = ValueError(1)\ne.__notes__ = 5\nraise e",
    "class S(str):\n  def encode(self, *a): raise RuntimeError\nclass E(Exception):\n  def __str__(self): return S('x')\nraise E",
  ];
  for (const code of classes) assert.notEqual((await report(code)).message, "", code);
});
