/** Code that somebody else wrote runs in sandboxes as in a REPL, and reaches nothing else. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import type { CodeOptions, Execution } from "@capsule-run/code";
import type { ToolHost } from "@capsule-run/runtime";
import { javascript, python, RUNTIME_BUNDLE, runtime, traceOf } from "./support/code.ts";

test("Python: the value of the last expression", async () => {
  const table: [code: string, value: unknown, text: string | null][] = [
    ["1 + 1", 2, "2"],
    ["x = 5", null, null],
    ["x = 5\nx * 2  # ten", 10, "10"],
    ["(1, [None, {'a': True}])", [1, [null, { a: true }]], "(1, [None, {'a': True}])"],
    ["'text'", "text", "'text'"],
    ["'a docstring'\n", "a docstring", "'a docstring'"],
    ["None", null, null],
    ["if True:\n  5", null, null],
    ["{1: 2}", null, "{1: 2}"],
    ["float('inf')", null, "inf"],
    ["{3}", null, "{3}"],
    ["2 ** 70", 2 ** 70, "1180591620717411303424"],
    ["import asyncio\nawait asyncio.sleep(0, 'slept')", "slept", "'slept'"],
    ["import asyncio\nt = asyncio.create_task(asyncio.sleep(0, 7))\nawait t", 7, "7"],
    ["import asyncio\nasync def f(): return 3\nasyncio.run(f())", 3, "3"],
    ["[i async for i in g()]\n".replace(/^/, "async def g():\n  yield 1\n"), [1], "[1]"],
    ["__name__", "__main__", "'__main__'"],
    [
      "from dataclasses import dataclass\nimport pickle\n@dataclass\nclass P:\n  x: int\npickle.loads(pickle.dumps(P(3))).x",
      3,
      "3",
    ],
    ["import inspect\ndef f(): return 1\ninspect.getsource(f)", "def f(): return 1\n", null],
    ["exit()", null, null],
    [
      "from __future__ import annotations\ndef f(x: nothing): pass\nf.__annotations__['x']",
      "nothing",
      "'nothing'",
    ],
  ];
  const ended = await Promise.all(table.map(([code]) => python(code)));
  for (const [i, [code, value, text]] of table.entries()) {
    const { error, value: got, valueText, hasValue } = ended[i] as Execution;
    assert.equal(error, null, `${code}: ${JSON.stringify(error)}`);
    assert.deepEqual(got, value, code);
    if (text !== null) assert.equal(valueText, text, code);
    assert.equal(hasValue, value !== null || text !== null, code);
  }
  assert.equal(ended[11]?.valueJson, "1180591620717411303424");
});

test("JavaScript: the value of the last expression", async () => {
  const table: [code: string, value: unknown, text: string | null][] = [
    ["1 + 1", 2, "2"],
    ["let x = 5", null, null],
    ["let x = 5; x * 2 // ten", 10, "10"],
    ["({ a: [null, true] })", { a: [null, true] }, "{ a: [ null, true ] }"],
    ["{ a: 1 }", { a: 1 }, "{ a: 1 }"],
    ["{ a: 1 };", 1, "1"],
    ["{ let q = 1; q + 1 }", 2, "2"],
    ["'text'", "text", "'text'"],
    ["undefined", null, null],
    ["null", null, "null"],
    ["if (true) 5", 5, "5"],
    ["NaN", null, "NaN"],
    ["1n", null, "1n"],
    ["new Map([[1, 2]])", null, "Map(1) { 1 => 2 }"],
    ["class A { x = 1 }\nnew A()", null, "A { x: 1 }"],
    ["const { a, b: [c, ...d] } = { a: 1, b: [2, 3] };\n[a, c, d]", [1, 2, [3]], null],
    ["const { a, b: [c] } = { a: 1, b: [2] }\nawait 1\na + c", 3, "3"],
    [
      "await null\nfor (var i = 0; i < 3; i++) {}\nlet y\nfunction f() { return i }\n[f(), y ?? 'none']",
      [3, "none"],
      null,
    ],
    ["for await (const x of [1, 2]) var last = x\nlast", 2, "2"],
    ["const foo = 1\nawait 0\nfoo\nlet { z } = { z: 2 }\nz", 2, "2"],
    ["import { join as j } from 'node:path'; import * as p from 'path'\nj('a', 'b') + p.sep", "a/b/", null],
    ["const { EventEmitter } = await import('node:events'); typeof EventEmitter", "function", null],
    ["require('util').format('%d', 1)", "1", null],
    ["'use strict'; let s = 1; s", 1, "1"],
    ["async function f() { await 1; return 4 }\nf()", 4, "4"],
    ["export const e = 1\nexport default e + 1", 2, "2"],
    ["#!/usr/bin/env node\n7", 7, "7"],
    ["class C { static n = 1 }\nawait 1\nclass D extends C {}\nD.n", 1, "1"],
  ];
  const ended = await Promise.all(table.map(([code]) => javascript(code)));
  for (const [i, [code, value, text]] of table.entries()) {
    const { error, value: got, valueText, hasValue } = ended[i] as Execution;
    assert.equal(error, null, `${code}: ${JSON.stringify(error)}`);
    assert.deepEqual(got, value, code);
    if (text !== null) assert.equal(valueText, text, code);
    assert.equal(hasValue, value !== null || text !== null, code);
  }
});

test("exceptions come with the code's own lines, and keep what was printed", async () => {
  const raised = await python("print('a')\ndef f():\n    return 1 / 0\nf()");
  assert.equal(raised.stdout, "a\n");
  assert.equal(
    traceOf(raised),
    [
      "Traceback (most recent call last):",
      '  File "<code>", line 4, in <module>',
      "    f()",
      "    ~^^",
      '  File "<code>", line 3, in f',
      "    return 1 / 0",
      "           ~~^~~",
      "ZeroDivisionError: division by zero",
    ].join("\n"),
  );
  const wrong = await python("x = ");
  assert.match(traceOf(wrong), /^ {2}File "<code>", line 1\n {4}x = \n {8}\^\nSyntaxError: invalid syntax$/);
  const asks = await python("input('name? ')");
  assert.match(traceOf(asks), /EOFError: input\(\) has nobody to ask/);
  assert.doesNotMatch(traceOf(asks), /capsule|\/app/);
  assert.match(traceOf(await python("import nothing_at_all")), /No module named 'nothing_at_all'$/);
  const chained = await python("try:\n  1 / 0\nexcept ZeroDivisionError:\n  raise KeyError('k')");
  assert.match(traceOf(chained), /During handling of the above exception/);
  const exit = await python("import sys; sys.exit(3)");
  assert.deepEqual(exit.error, {
    kind: "exception",
    name: "SystemExit",
    message: "3",
    traceback: "SystemExit: 3",
  });
  assert.match(traceOf(await python("raise KeyboardInterrupt")), /KeyboardInterrupt$/);

  const thrown = await javascript("console.log('a')\nfunction f() { return null.x }\n\nf()");
  assert.equal(thrown.stdout, "a\n");
  assert.match(traceOf(thrown), /^TypeError: .*\n {4}at f \(code\.js:2:\d+\)\n {4}at code\.js:4:\d+$/);
  assert.equal(traceOf(await javascript("throw 5")), "Uncaught 5");
  assert.match(
    traceOf(await javascript("let a = 1\nlet b = ")),
    /^code\.js:2\nlet b = \n {8}\^\n\nSyntaxError: /,
  );
  assert.match(traceOf(await javascript("1 +* 2")), /^code\.js:1\n1 \+\* 2\n/);
  assert.match(traceOf(await javascript("Promise.reject(new Error('lost')); 1")), /lost/);
  // What belongs to the error stays where frames of ours are left out.
  const denied = traceOf(await javascript("await fetch('http://example.com')"));
  assert.match(denied, /\n {4}at code\.js:\d+:1 \{\n {2}\[cause\]: [\s\S]*\n\}$/);
  assert.match(traceOf(await javascript("require('zlib')")), /Cannot find module 'zlib'/);
});

test("rich outputs: display, HTML, figures, JSON; bounded", async () => {
  const { outputs, valueText } = await python(
    "class H:\n  def _repr_html_(self): return '<b>h</b>'\ndisplay({'text/html': '<i>d</i>'}, 5)\nH()",
  );
  assert.deepEqual(outputs, [
    { type: "text/html", data: "<i>d</i>" },
    { type: "text/plain", data: "5" },
    { type: "text/html", data: "<b>h</b>" },
  ]);
  assert.match(valueText ?? "", /H object/);
  const many = await python("for i in range(150): display(i)");
  assert.equal(many.outputs.length, 100);
  assert.ok(many.truncated);
  assert.match(many.notice ?? "", /50 rich outputs were left out/);
  const shown = await javascript("display({ 'image/png': new Uint8Array([1, 2]) }, { a: 1 })");
  assert.deepEqual(shown.outputs, [
    { type: "image/png", data: "AQI=" },
    { type: "text/plain", data: "{ a: 1 }" },
  ]);
  const long = await python("'a' * 200_000");
  assert.ok(long.truncated && (long.valueText?.length ?? 0) < 70_000);
  assert.equal(long.value, "a".repeat(200_000));
});

test("the scientific packages are there for code that names them", async () => {
  const { value, outputs, error } = await python(
    [
      "import numpy as np, pandas as pd, matplotlib.pyplot as plt",
      "plt.plot([1, 2])",
      "display(pd.DataFrame({'a': [1]}))",
      "np.arange(3, dtype='int64').sum()",
    ].join("\n"),
  );
  assert.equal(error, null);
  assert.equal(value, 3);
  assert.deepEqual(
    outputs.map(({ type }) => type),
    ["text/html", "image/png"],
  );
  assert.deepEqual(
    [...Buffer.from(outputs[1]?.data ?? "", "base64").subarray(1, 4)],
    [...Buffer.from("PNG")],
  );
});

test("files go into the workspace, and those that are written are listed", async () => {
  let taken = "";
  const { value, files } = await python(
    "import os\nos.makedirs('workspace/out')\nopen('workspace/out/b.txt', 'w').write(open('workspace/a.txt').read() * 2)\nos.listdir('workspace')",
    {
      files: { "a.txt": "ab", "deep/c.bin": new Uint8Array([1, 2, 3]) },
      async onWorkspace(workspace) {
        taken = Buffer.from(await workspace.readFile("out/b.txt")).toString();
      },
    },
  );
  assert.deepEqual((value as string[]).sort(), ["a.txt", "deep", "out"]);
  assert.deepEqual(files, [{ path: "out/b.txt", size: 4 }]);
  assert.equal(taken, "abab");
  const overwritten = await javascript(
    "require('fs').writeFileSync('workspace/a.txt', 'xy'); require('fs').rmSync('workspace/b.txt')",
    { files: { "a.txt": "ab", "b.txt": "" } },
  );
  assert.deepEqual(overwritten.files, [{ path: "a.txt", size: 2 }]);
  const left = readdirSync(tmpdir()).filter(
    (name) => name.startsWith("capsule-code-") && name.includes(`-${process.pid}-`),
  );
  assert.deepEqual(left, []);
});

test("limits hold, and their errors say which", async () => {
  const spins = await python("print('on')\nwhile True: pass", { limits: { timeout: "300ms" } });
  assert.equal(spins.error?.kind, "timeout");
  assert.match(spins.error?.message ?? "", /`limits.timeout`/);
  assert.equal(spins.stdout, "on\n");
  const burns = await javascript("for (;;);", { limits: { compute: "LOW" } });
  assert.equal(burns.error?.kind, "out_of_fuel");
  assert.match(burns.error?.message ?? "", /^the code .*`limits.compute`/);
  const eats = await python("x = []\nwhile True: x.append(bytearray(10**6))", { limits: { ram: "96MB" } });
  assert.match(traceOf(eats), /MemoryError/);
  const reaches = await javascript("await fetch('http://example.com')");
  assert.match(traceOf(reaches), /not among the hosts/);
  const looks = await python("import os\n[dict(os.environ), os.path.exists('/etc/passwd')]", {
    env: { KEY: "v" },
  });
  assert.deepEqual(looks.value, [{ KEY: "v" }, false]);
  assert.equal((await javascript("process.env.KEY", { env: { KEY: "v" } })).value, "v");
});

test("wrong use is said at once", async () => {
  for (const [options, expected] of [
    [{ language: "ruby" }, /language is "ruby"/],
    [{ limits: { memory: 1 } }, /limits has no "memory"/],
    [{ limits: { ram: "lots" } }, /limits\.ram is "lots"; it can be a size/],
    [
      { limits: { ram: "1MB" } },
      /^UsageError: limits\.ram is 1048576 bytes; an empty sandbox takes \d+ bytes already/,
    ],
    [{ env: { "a b": "c" } }, /can't be a variable/],
    [{ files: { "../x": "" } }, /can't be a file's name/],
    [{ files: { "a\0b": "" } }, /can't be a file's name/],
    [{ hosts: ["a.example", "not a host"] }, /hosts can't have "not a host"; it is a list of host names/],
  ] as const)
    await assert.rejects(runtime.execute("1", options as unknown as CodeOptions), expected);
  await assert.rejects(runtime.execute(5 as unknown as string), /the code must be a string/);
});

test("code that tampers with what runs it harms its own call only", async () => {
  const frames =
    "import sys\nf = sys._getframe()\nwhile f.f_back and 'repl' not in f.f_code.co_filename: f = f.f_back\n";
  const cases = [
    `${frames}f.f_globals['values'].answer = lambda *a: {'has': 1}`,
    `${frames}f.f_globals['values'].answer = lambda *a: 'x' * 10**6`,
    `${frames}f.f_globals['values'].answer = lambda *a: {'has': True, 'value': '{', 'text': None, 'long': False, 'outputs': [{'type': 5}], 'dropped': 0, 'error': None}`,
    "import builtins\nfor n in list(vars(builtins)):\n  if n[0] != '_': delattr(builtins, n)\n1/0",
    "class E(Exception):\n  def __str__(self): raise self\nraise E",
    "class R:\n  def __repr__(self): raise SystemExit(1)\nR()",
    "import json, traceback, sys\nsys.modules.clear()\njson.dumps = None\n1",
  ];
  for (const code of cases) {
    const { error, value } = await python(code);
    assert.ok(error !== null || value === 1, `${code}: ${JSON.stringify(value)}`);
  }
  const bad = await javascript(
    "JSON.stringify = () => 'x'; Array.prototype.push = null; Object.prototype.toJSON = () => 5; 1",
  );
  assert.ok(bad.error !== null || bad.valueText !== null);
  const deep = await python("x = []\nfor i in range(5000): x = [x]\nx");
  assert.equal(deep.value, null);
  assert.equal((await javascript("let x = []; for (let i = 0; i < 5000; i++) x = [x]; x")).value, null);
  const forged = await python(
    `${frames}f.f_globals['values'].answer = lambda *a: {'has': True, 'value': '[1', 'text': 't', 'long': False, 'outputs': [], 'dropped': 0, 'error': None}`,
  );
  assert.deepEqual([forged.value, forged.valueJson, forged.valueText], [null, null, "t"]);
  assert.equal((await python("1 + 1")).value, 2);
});

test("workspaces are gone when their process ends, and a home that can't be written is no need", () => {
  const folder = mkdtempSync(join(tmpdir(), "capsule-code-end-"));
  const script = `
    const { createCodeRuntime } = await import(${JSON.stringify(RUNTIME_BUNDLE.href)});
    const runtime = createCodeRuntime();
    const session = await runtime.openSession({ language: "javascript" });
    const { value } = await session.run("require('fs').writeFileSync('workspace/a', '1'); 1 + 1");
    console.log(JSON.stringify([value, session.workspace]));
    process.exit(0);`;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    cwd: folder,
    encoding: "utf8",
    // No folder can be made below a device, whoever asks.
    env: { ...process.env, HOME: "/dev/null", XDG_CACHE_HOME: "/dev/null", CAPSULE_CACHE_DIR: "/dev/null" },
  });
  const [value, workspace] = JSON.parse(stdout || "[]") as [number, string];
  assert.equal(value, 2, stderr);
  assert.ok(!existsSync(dirname(workspace)));
  assert.deepEqual(readdirSync(folder), []);
  rmSync(folder, { recursive: true });
});

test("code reaches the hosts and tools that it is given, and no others", async () => {
  const server = createServer((_, response) => response.end("served")).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const names: string[] = [];
  const tools: ToolHost = {
    names: ["add"],
    call: async ({ name, args }) => {
      names.push(name);
      const [a, b] = JSON.parse(args) as number[];
      return { ok: true, json: JSON.stringify((a ?? 0) + (b ?? 0)) };
    },
  };
  const given = { hosts: [`127.0.0.1:${port}`], tools };
  const url = `http://127.0.0.1:${port}/`;
  const got = await Promise.all([
    python(`import urllib.request\nurllib.request.urlopen("${url}").read().decode()`, given),
    javascript(`await (await fetch("${url}")).text()`, given),
    python("from capsule import tools\ntools.add(1, 2)", given),
    python("from capsule import tools\nawait tools.add(3, 4)", given),
    javascript("import { tools } from '@capsule-run/sdk'\nawait tools.add(5, 6)", given),
  ]);
  server.close();
  assert.deepEqual(
    got.map(({ value, error }) => value ?? error),
    ["served", "served", 3, 7, 11],
  );
  assert.deepEqual(names, ["add", "add", "add"]);
  assert.equal(got[1]?.metrics.hostRequests[0]?.status, 200);
  assert.match(traceOf(await python("from capsule import tools\ntools.sub(1, 2)", { tools })), /ToolError/);
  assert.match(traceOf(await python("from capsule import tools\ntools.add(1, 2)")), /ToolError/);
  // A session's own, or those of a call.
  await using session = await runtime.openSession({ language: "javascript", tools });
  await session.run("import { tools } from '@capsule-run/sdk'");
  assert.equal((await session.run("await tools.add(1, 1)")).value, 2);
  const other: ToolHost = { names: ["mul"], call: async () => ({ ok: true, json: '"other"' }) };
  assert.equal((await session.run("await tools.mul(1, 1)", { tools: other })).value, "other");
});

test("code has its limits once: what runs it can't be called as a task", async () => {
  const calls = [
    "import gc",
    "mains = [each for each in gc.get_objects() if callable(each) and getattr(each, '__name__', '') == 'main']",
    "limits = dict(outputs=1, outputBytes=1, valueCharacters=9, valueBytes=9)",
    "[answer['error'] for answer in (each('1', dict(env={}, limits=limits)) for each in mains) if 'success' in answer]",
  ].join("\n");
  await using session = await runtime.openSession({ language: "python" });
  for (const { value, error } of [await python(calls), await session.run(calls)]) {
    assert.equal(error, null);
    assert.match(JSON.stringify(value), /^\[\{"error_type":"limit_exceeded"/);
  }
  // Another engine for the same call is no second task. The program was made ready for a folder that is gone.
  assert.equal((await python("1")).value, 1);
  const moved = await python("__import__('num' + 'py').arange(3).sum()");
  assert.deepEqual([moved.error, moved.value], [null, 3]);
});
