/** Code runs call by call in sessions as in a REPL: what it defines stays, and what ends it from outside is undone. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { test } from "node:test";
import type { Execution } from "@capsule-run/code";
import { runtime, traceOf } from "./support/code.ts";

/** What one call of a session gave, in short. */
interface Step {
  readonly stdout: string;
  readonly value: string | null;
  /** The last line of the traceback. */
  readonly error: string | null;
}

const stepOf = ({ stdout, valueText, error }: Execution): Step => ({
  ...{ stdout, value: valueText },
  error: error?.kind === "exception" ? (error.traceback.split("\n").at(-1) ?? "") : (error?.kind ?? null),
});

/** Sequences of pieces that mean the same in every version of CPython since 3.10. */
const PYTHON_SEQUENCES: readonly (readonly string[])[] = [
  ["x = 5", "x * 2", "def f(n):\n    return n + x", "f(1)", "x = 10", "f(1)"],
  [
    "def make():\n    n = 0\n    def inc():\n        nonlocal n\n        n += 1\n        return n\n    return inc",
    "a, b = make(), make()",
    "a(), a(), b()",
  ],
  [
    "def count():\n    n = 0\n    while True:\n        yield n\n        n += 1",
    "it = count()",
    "next(it), next(it)",
    "next(it)",
  ],
  [
    "class A:\n    v = 1\n    def __repr__(self): return f'A({self.v})'",
    "a = A()",
    "a",
    "A.v = 7",
    "a",
    "class B(A): pass",
    "B()",
  ],
  ["import math", "math.floor(2.5)", "from collections import Counter as C", "C('aab')"],
  ["y = 1\nprint('before')\n1 / 0\ny = 2", "y", "undefined", "int('x')", "raise SystemExit(3)", "y"],
  ["x = ", "x", "def f(:\n  pass", "if True:\n    z = 3\nz", "z;"],
  ["for i in range(3):\n    print(i, end=' ')", "i", "[j for j in 'ab']", "print(*_)"],
  ["from __future__ import annotations", "def f(a: missing): pass", "f.__annotations__"],
  [
    "from dataclasses import dataclass\nimport pickle, copy",
    "@dataclass\nclass P:\n    x: int",
    "pickle.loads(pickle.dumps(P(2)))",
    "copy.deepcopy(P(3)), P.__module__",
  ],
  ["try:\n    raise KeyError('k')\nexcept KeyError as e:\n    saved = e", "saved", "raise saved from None"],
  ["_ = 4", "5", "_"],
  ["del print", "print('still')", "__name__, __doc__"],
  ["'a' 'b'", "lambda: 1 and None", "None", "...", "{3: (1,)}", "b'x', 1.5, 2j"],
];

/** Runs sequences in the machine's own Python: a fresh namespace each, `eval` for a last expression. */
const REFERENCE = `
import ast, builtins, contextlib, io, json, sys, traceback, types
out = []
for pieces in json.load(sys.stdin):
    module = types.ModuleType("__main__")
    module.__builtins__ = builtins
    sys.modules["__main__"] = module
    space, steps, flags = module.__dict__, [], 0
    for code in pieces:
        printed, value, error = io.StringIO(), None, None
        with contextlib.redirect_stdout(printed):
            try:
                tree = compile(code, "<code>", "exec", ast.PyCF_ONLY_AST | flags, dont_inherit=True)
                last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
                first = compile(tree, "<code>", "exec", flags, dont_inherit=True)
                flags |= first.co_flags & 0x1000000
                exec(first, space)
                if last:
                    value = eval(compile(ast.Expression(last.value), "<code>", "eval", flags, dont_inherit=True), space)
            except BaseException as e:
                error = traceback.format_exception_only(type(e), e)[-1].strip()
        if error is None and value is not None: builtins._ = value
        steps.append({"stdout": printed.getvalue(), "value": None if value is None else repr(value), "error": error})
    out.append(steps)
print(json.dumps(out))
`;

test("Python sessions mean what CPython means", async (context) => {
  const python3 = spawnSync("python3", ["-c", REFERENCE], {
    input: JSON.stringify(PYTHON_SEQUENCES),
    encoding: "utf8",
  });
  if (python3.error) return context.skip("there is no python3");
  const expected = JSON.parse(python3.stdout) as Step[][];
  await using session = await runtime.openSession({ language: "python" });
  const plain = (text: string | null): string | null => text?.replace(/ at 0x[0-9a-f]+/g, "") ?? null;
  for (const [i, pieces] of PYTHON_SEQUENCES.entries()) {
    await session.reset();
    for (const [j, code] of pieces.entries()) {
      const { stdout, value, error } = stepOf(await session.run(code));
      const { stdout: printed, value: shown, error: raised } = (expected[i] as Step[])[j] as Step;
      assert.deepEqual(
        [stdout, plain(value), error?.split(":")[0]],
        [printed, plain(shown), raised?.split(":")[0]],
        code,
      );
    }
  }
});

test("JavaScript sessions keep what pieces define", async () => {
  await using session = await runtime.openSession({ language: "javascript" });
  const table: [code: string, value: unknown][] = [
    ["let x = 5", null],
    ["const f = (n) => n + x", null],
    ["f(1)", 6],
    ["let x = 9; f(1)", 10],
    ["function* g() { let n = 0; while (true) yield n++ }\nconst it = g()", null],
    ["[it.next().value, it.next().value]", [0, 1]],
    ["await 1; class C { v = x }", null],
    ["new C().v", 9],
    ["import { join } from 'node:path'", null],
    ["join('a', 'b')", "a/b"],
    ["const pending = new Promise((r) => { globalThis.open = r })", null],
    ["open(3); await pending", 3],
    ["setTimeout(() => { globalThis.late = x }, 1)\n0", 0],
    ["await new Promise((r) => setTimeout(r, 20)); late", 9],
  ];
  for (const [code, value] of table) {
    const got = await session.run(code);
    assert.equal(got.error, null, `${code}: ${JSON.stringify(got.error)}`);
    assert.deepEqual(got.value, value, code);
    assert.equal(got.memory, "kept");
  }
  const failed = await session.run("let y = 1; null.z");
  assert.match(traceOf(failed), /^TypeError/);
  assert.equal((await session.run("y")).value, 1);
  const lost = await session.run("y = 2; Promise.reject(new RangeError('lost')); 1");
  assert.deepEqual([lost.error?.kind, lost.memory], ["exception", "kept"]);
  assert.match(traceOf(lost), /RangeError: lost/);
  assert.equal((await session.run("y")).value, 2);
});

test("a call that ends from outside is rolled back, and says so; files stay", async () => {
  for (const [language, spins, bomb] of [
    [
      "python",
      "y = 2\nopen('workspace/f', 'w').write('w')\nwhile True: pass",
      "y = 3\nz = [0]\nwhile True: z += z",
    ],
    [
      "javascript",
      "y = 2; require('fs').writeFileSync('workspace/f', 'w'); for (;;);",
      "y = 3; const z = []; for (;;) z.push(new Uint8Array(1e7).fill(1))",
    ],
  ] as const) {
    await using session = await runtime.openSession({ language, limits: { timeout: "2s", ram: "256MB" } });
    await session.run("y = 1");
    const ended = await session.run(spins);
    assert.deepEqual([ended.error?.kind, ended.memory], ["timeout", "rolled_back"]);
    assert.match(ended.notice ?? "", /memory is as it was before this call.*Files in workspace/);
    assert.deepEqual(ended.files, [{ path: "f", size: 1 }]);
    assert.equal((await session.run("y")).value, 1);
    // Who runs out of memory hears of it where it happens; what was done before stays.
    const full = await session.run(bomb);
    assert.ok(full.error !== null, language);
    assert.equal((await session.run("y")).value, full.memory === "kept" ? 3 : 1);
    const cancelled = await session.run("y = 4", { signal: AbortSignal.abort() });
    assert.equal(cancelled.error?.kind, "cancelled");
  }
});

test("a session's scientific packages, figures and background work", async () => {
  await using session = await runtime.openSession();
  await session.run("x = 1");
  assert.deepEqual((await session.run("import numpy as np\n(np.arange(3) + x).tolist()")).value, [1, 2, 3]);
  assert.equal(
    (await session.run("import matplotlib.pyplot as plt\n_ = plt.plot([1, 2])")).outputs.length,
    1,
  );
  assert.equal((await session.run("plt.get_fignums()")).valueText, "[]");
  await session.run("import asyncio\nqueue = asyncio.Queue()\nawait queue.put('kept')");
  assert.equal((await session.run("await queue.get()")).value, "kept");
});

test("a session's files, and its end", async () => {
  const session = await runtime.openSession({ files: { "in/a.txt": "a" }, env: { KEY: "v" } });
  const { workspace } = session;
  assert.equal(
    (await session.run("import os\nopen('workspace/in/a.txt').read() + os.environ['KEY']")).value,
    "av",
  );
  const { files } = await session.run("open('workspace/b.txt', 'w').write('b' * 3)");
  assert.deepEqual(files, [{ path: "b.txt", size: 3 }]);
  await session.writeFile("c.py", "value = 8");
  assert.equal((await session.run("import c\nc.value")).value, 8);
  await session.reset();
  assert.equal((await session.run("'os' in globals()")).value, false);
  assert.deepEqual(
    (await session.listFiles()).map(({ path }) => path),
    ["b.txt", "c.py", "in/a.txt"],
  );
  const both = await Promise.all([session.run("n = 1"), session.run("n + 1")]);
  assert.equal(both[1]?.value, 2);
  await session.close();
  assert.ok(!existsSync(workspace));
  await assert.rejects(session.run("1"), /was closed/);
  await assert.rejects(session.writeFile("x", ""), /was closed/);
  assert.ok(!existsSync(workspace));
});
