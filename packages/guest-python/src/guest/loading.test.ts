import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { Loaded, TurnEnd } from "@capsule-run/protocol";
import { AMPLE, bundleOf, NOW, TestGuest } from "../drive/testing/guest.ts";
import { packFiles } from "../files.ts";
import { raised, value } from "./testing.ts";

let guest: TestGuest;
before(() => {
  guest = new TestGuest();
});

async function load(source: string, files: Readonly<Record<string, string>> = {}): Promise<Loaded | TurnEnd> {
  guest.instance.reset(null, AMPLE, NOW);
  return guest.instance.load(bundleOf(source, files));
}

async function loaded(source: string, files: Readonly<Record<string, string>> = {}): Promise<Loaded> {
  const end = await load(source, files);
  assert.ok("tasks" in end, JSON.stringify(end));
  return end;
}

const failed = async (source: string, files: Readonly<Record<string, string>> = {}) =>
  raised((await load(source, files)) as TurnEnd);

async function result(source: string, files: Readonly<Record<string, string>> = {}): Promise<unknown> {
  const program = await guest.load(source, files);
  guest.reset(program);
  return value(await guest.run("main"));
}

const TASK = "from capsule import task\n";

test("the entry: a task main, a function main, else the first task defined", async () => {
  const task = await loaded(`${TASK}@task\ndef a(): pass\n@task(name="main")\ndef b(): pass\n`);
  assert.deepEqual([task.entry, task.notice], ["main", ""]);
  const plain = await loaded(`${TASK}@task\ndef a(): pass\nasync def main(x, y=1): pass\n`);
  assert.equal(plain.entry, "main");
  const main = JSON.parse(plain.tasks).at(-1);
  assert.deepEqual([main.name, main.async, main.parameters.required], ["main", true, 1]);
  const first = await loaded(`${TASK}@task\ndef b(): pass\n@task\ndef a(): pass\n`);
  assert.deepEqual([first.entry, first.notice.includes('"b", the first task defined')], ["b", true]);
  const none = await loaded("x = 1\n");
  assert.deepEqual([none.tasks, none.entry, none.notice], ["[]", "", ""]);
  const imported = await loaded("from helper import *\n", { "helper.py": `${TASK}@task\ndef sub(): pass\n` });
  assert.equal(imported.entry, "sub");
});

test("a program that fails while loading is reported as CPython prints it", async () => {
  const syntax = await failed("def main()\n    pass\n");
  assert.deepEqual(
    [syntax.name, syntax.message, syntax.stack],
    [
      "SyntaxError",
      "SyntaxError: expected ':'",
      "  File \"/app/main.py\", line 1\n    def main()\n              ^\nSyntaxError: expected ':'",
    ],
  );
  const nested = await failed("\nimport helper\n", { "helper.py": "x = {}['k']\n" });
  assert.equal(
    nested.stack,
    'Traceback (most recent call last):\n  File "/app/main.py", line 2, in <module>\n    import helper\n' +
      "  File \"/app/helper.py\", line 1, in <module>\n    x = {}['k']\n        ~~^^^^^\nKeyError: 'k'",
  );
  const missing = await failed("import nope_module\n");
  assert.equal(missing.message, "ModuleNotFoundError: No module named 'nope_module'");
  const left = await failed("import sys\nsys.exit(0)\n");
  assert.match(left.stack, /line 2, in <module>[\s\S]*SystemExit: 0$/);
});

test("a wrong definition says what is wrong and where", async () => {
  const cases: [string, string, RegExp][] = [
    [
      "@task(ram='64 potatoes')\ndef main(): pass",
      "TaskOptionError",
      /task "main": ram is "64 potatoes"; allowed: /,
    ],
    ["@task(rma=1)\ndef main(): pass", "TaskOptionError", /no option "rma" \(did you mean "ram"\?\)/],
    [
      "@task(allowed_hosts=['a/b'])\ndef main(): pass",
      "TaskOptionError",
      /allowed_hosts is \['a\/b'\]; allowed: a list of host names/,
    ],
    ["@task\nclass A: pass", "TaskOptionError", /A is a class/],
    ["@task\ndef main():\n  yield 1", "TaskOptionError", /a generator function/],
    [
      "@task\ndef a(): pass\n@task(name='a')\ndef b(): pass",
      "DuplicateTaskError",
      /task "a" is defined twice, first at \/app\/main.py:2; give one of them another name/,
    ],
    ["@task\ndef a(): pass\na()", "RuntimeError", /task "a" was called while the program is loading/],
    ["@task\nasync def a(): pass\na()", "RuntimeError", /task "a" was called while the program is loading/],
  ];
  for (const [code, name, message] of cases) {
    const report = await failed(TASK + code);
    assert.equal(report.name, name, code);
    assert.match(report.message, message);
    assert.match(report.stack, /^Traceback[\s\S]*File "\/app\/main.py", line \d/);
    assert.doesNotMatch(report.stack, /<capsule/);
  }
  const main = await failed("\ndef main():\n  yield 1\n");
  assert.match(main.stack, /\n {2}File "\/app\/main.py", line 2, in main$/);
});

test("modules, packages and data beside the program", async () => {
  const files = {
    "helper/__init__.py":
      "from pathlib import Path\nfrom importlib import resources\nhere = Path(__file__).with_name('d.txt').read_text()\n" +
      "there = resources.files(__name__).joinpath('d.txt').read_text()\n",
    "helper/d.txt": "data",
    "statistics.py": "mine = True\n",
    "top.txt": "from the root",
  };
  const source = `${TASK}
import helper, statistics
@task
def main():
    import late
    return [helper.here, helper.there, statistics.mine, late.x, open("top.txt").read(), __name__, __file__]
`;
  assert.deepEqual(await result(source, { ...files, "late.py": "x = 5\n" }), [
    ...["data", "data", true, 5, "from the root", "main", "/app/main.py"],
  ]);
});

test("what the top-level code asks for makes the snapshot before, what the library asks does not", async () => {
  const before = [
    "import time; t = time.time()",
    "import time; t = time.perf_counter()",
    "import datetime; t = datetime.datetime.now()",
    "import uuid; u = uuid.uuid4()",
    "import os; u = os.urandom(3)",
    "import random; random.seed(42)",
    "import random; r = random.random()",
    "import random; r = random.Random()",
    "import secrets; s = secrets.token_hex()",
    "import logging; logging.warning('x')",
  ];
  for (const code of before) {
    const { snapshot, reasons } = await loaded(`${code}\ndef main(): pass\n`);
    assert.equal(snapshot, "before", code);
    assert.equal(reasons.length, 1, `${code}: ${reasons}`);
  }
  const after = [
    "import random, logging, uuid, tempfile, threading, asyncio, email.message, unittest.mock, http.server, yaml",
    "import gc; x = [[i] for i in range(20000)]; gc.collect()",
    "import logging; logging.getLogger('x').debug('y'); import re; re.compile('a+')",
    "import random; r = random.Random(5).random()",
    "import asyncio; q = asyncio.Queue(); import threading; l = threading.RLock()",
    "import zoneinfo; z = zoneinfo.ZoneInfo('Asia/Tokyo')",
  ];
  for (const code of after) {
    const { snapshot, reasons } = await loaded(`${code}\ndef main(): pass\n`);
    assert.equal(snapshot, "after", `${code}: ${reasons}`);
  }
});

test("a program that seeds its generator gets what it seeded, others get fresh randomness", async () => {
  const seeded = await guest.load("import random\nrandom.seed(42)\ndef main(): return random.random()\n");
  const fresh = await guest.load(
    "import random, uuid, tempfile, sqlite3\n" +
      "def main():\n" +
      "    row = sqlite3.connect(':memory:').execute('select random()').fetchone()\n" +
      "    return [random.random(), uuid.uuid1().hex[-12:], tempfile.mktemp(), str(row[0])]\n",
  );
  const run = async (program: typeof seeded, seed: string): Promise<unknown> => {
    guest.seed = seed;
    guest.reset(program);
    return value(await guest.run("main"));
  };
  assert.equal(await run(seeded, "a"), 0.6394267984578837);
  const [one, again, other] = [await run(fresh, "a"), await run(fresh, "a"), await run(fresh, "b")];
  assert.deepEqual(one, again);
  for (const [i, part] of (one as string[]).entries())
    assert.notEqual(part, (other as string[])[i], String(i));
});

test("nothing of ours lies around", async () => {
  const source = `
import sys, os
def main():
    names = [name for name in sys.modules if name.startswith("_capsule")]
    return [names, sorted(vars(sys.modules["__main__"])), os.listdir("/tmp"), dict(os.environ), sys.argv, os.getcwd()]
`;
  assert.deepEqual(await result(source), [
    [],
    ["__builtins__", "__doc__", "__loader__", "__name__", "__package__", "__spec__"],
    ...[[], {}, ["/app/main.py"], "/app"],
  ]);
});

test("a program named like a module of the library does not take its place", async () => {
  const bundle = packFiles({
    entry: "/app/json.py",
    variant: "core",
    files: [
      {
        path: "/app/json.py",
        bytes: Buffer.from("import json\ndef main(): return json.dumps([__name__])\n"),
      },
    ],
  });
  guest.instance.reset(null, AMPLE, NOW);
  const end = await guest.instance.load(bundle);
  assert.ok("tasks" in end, JSON.stringify(end));
});
