/** Whatever a program does, it meets its own limits, not those of V8, and the same ones in every tier. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { caught } from "./testing/guest.ts";
import { ENDLESS, HOGS } from "./testing/hostile.ts";
import { freed, RECURSION, type RecursionCase, UNCHECKED_RECURSION } from "./testing/recursion.ts";
import { type Traced, traced } from "./testing/trace.ts";

const MB = 1024 ** 2;

const codes = (table: Readonly<Record<string, RecursionCase>>): Record<string, string> =>
  Object.fromEntries(Object.entries(table).map(([name, { code }]) => [name, code]));
const say = (name: string, { kind, message }: Traced): string => `${name}: ${kind}: ${message}`;
/** What only a host can say of a guest that it lost. */
const BROKEN = /engine's stack|interpreter (crashed|was aborted)|no answer/;

describe("recursion", async () => {
  const limits = { fuel: 1_000_000_000, ram: 512 * MB };
  const cases = codes(RECURSION);
  const seen = await traced({ cases, limits });

  test("without end is an error that the guest itself raises", () => {
    const endless = Object.entries(RECURSION).filter(([, each]) => each.endless);
    assert.ok(endless.length > 80);
    for (const [name] of endless) {
      const each = seen[name] as Traced;
      assert.ok(
        ["stack_overflow", "out_of_memory", "out_of_fuel", "task_error"].includes(each.kind),
        say(name, each),
      );
      assert.doesNotMatch(each.message, BROKEN, name);
    }
  });

  test("too deep for any stack is such an error, or a success", () => {
    for (const [name, each] of Object.entries(seen)) {
      assert.notEqual(each.kind, "internal_error", say(name, each));
      assert.doesNotMatch(each.message, BROKEN, name);
    }
  });

  test("ends the same in the baseline compiler: outcome, fuel, memory", async () => {
    const other = await traced({ cases, limits }, "--liftoff-only");
    for (const [name, each] of Object.entries(seen)) assert.deepEqual(other[name], each, name);
  });

  test("ends the same in the optimising compiler", async () => {
    const names =
      "function repr sortKey jsonLoadsList reprList equalLists deepcopyList compileParentheses".split(" ");
    const some = Object.fromEntries(names.map((name) => [name, cases[name] as string]));
    const other = await traced({ cases: some, limits }, "--no-liftoff");
    assert.equal(Object.keys(other).length, names.length);
    for (const [name, each] of Object.entries(other)) assert.deepEqual(each, seen[name], name);
  });

  test("is caught, and the program goes on", async () => {
    const some = Object.entries(cases).filter(([name]) => seen[name]?.kind === "stack_overflow");
    const survived = await traced({
      cases: Object.fromEntries(some.map(([n, code]) => [n, caught(code)])),
      limits,
    });
    assert.ok(some.length > 100);
    for (const [name, each] of Object.entries(survived))
      assert.equal(each.message, '["RecursionError",4950,290]', say(name, each));
  });

  test("that CPython does not check costs no more than the task", async () => {
    const unchecked = await traced({ cases: codes(UNCHECKED_RECURSION), limits });
    for (const [name, each] of Object.entries(unchecked))
      assert.ok(
        ["stack_overflow", "result", "out_of_memory", "out_of_fuel", "task_error"].includes(each.kind),
        say(name, each),
      );
  });

  test("of ordinary depth succeeds", async () => {
    const ordinary: Readonly<Record<string, string>> = {
      json: "import json\nresult = len(json.dumps(json.loads('[' * 5000 + ']' * 5000)))",
      memoised:
        "import functools\n@functools.lru_cache(None)\ndef f(n): return 1 if n < 2 else f(n - 1) + f(n - 2)\nresult = f(800) > 0",
      tree: "def size(t): return 1 + sum(map(size, t))\na = []\nfor _ in range(400): a = [a]\nresult = size(a)",
      repr: "import dataclasses\n@dataclasses.dataclass\nclass A:\n  c: object\na = None\nfor _ in range(400): a = A(a)\nresult = len(repr(a))",
      sum: "result = eval('+'.join(['1'] * 3000))",
      getattr:
        "class A:\n  def __getattr__(s, n): return 1 if len(n) > 500 else getattr(s, n + 'a')\nresult = A().a",
    };
    for (const [name, each] of Object.entries(await traced({ cases: ordinary, limits })))
      assert.equal(each.kind, "result", say(name, each));
  });
});

test("what is nested however deep can be freed", async () => {
  const limits = { fuel: 20_000_000_000, ram: 1024 * MB };
  const { lists, objects } = codes(freed(2_000_000));
  const all = {
    ...codes(freed(100_000)),
    "two million lists": lists as string,
    "two million objects": objects as string,
  };
  for (const [name, each] of Object.entries(await traced({ cases: all, limits })))
    assert.equal(each.kind, "result", say(name, each));
});

test("work without end uses up its fuel, whatever it does", async () => {
  const limits = { fuel: 1_000_000_000, ram: 256 * MB };
  for (const [name, each] of Object.entries(await traced({ cases: ENDLESS, limits }))) {
    assert.equal(each.kind, "out_of_fuel", say(name, each));
    assert.ok(each.fuel >= limits.fuel && each.fuel < 1.1 * limits.fuel, `${name}: ${each.fuel}`);
  }
});

describe("memory", async () => {
  const limits = { fuel: 20_000_000_000, ram: 64 * MB };
  /** Slower than they are hungry, or refused for what they are. */
  const OTHERS: Readonly<Record<string, string>> = {
    code: "out_of_fuel",
    regex: "out_of_fuel",
    asyncTasks: "out_of_fuel",
    readAll: "task_error",
  };
  const seen = await traced({ cases: HOGS, limits });

  test("never grows beyond ram", () => {
    for (const [name, { ram }] of Object.entries(seen)) assert.ok(ram <= limits.ram, `${name}: ${ram}`);
  });

  test("that is used up is out_of_memory", () => {
    for (const [name, each] of Object.entries(seen))
      assert.ok(["out_of_memory", OTHERS[name]].includes(each.kind), say(name, each));
  });

  test("that is used up is a MemoryError, and the program goes on", async () => {
    const cases = Object.fromEntries(
      Object.entries(HOGS)
        .filter(([name]) => !OTHERS[name])
        .map(([name, code]) => [name, caught(code)]),
    );
    const lost: string[] = [];
    for (const [name, each] of Object.entries(await traced({ cases, limits })))
      if (each.message !== '["MemoryError",4950,290]') {
        assert.ok(["out_of_memory", "out_of_fuel"].includes(each.kind), say(name, each));
        lost.push(name);
      }
    // What is still held leaves no room to go on in, takes room to be freed, or fills it again then.
    assert.ok(lost.length <= 5, lost.join(" "));
  });

  test("of 64 MB is enough for ordinary programs", async () => {
    const cases: Readonly<Record<string, string>> = {
      json: "import json\nresult = len(json.loads(json.dumps([{'id': i, 'name': 'n%d' % i} for i in range(20000)])))",
      csv: "import csv, io\ns = io.StringIO()\nw = csv.writer(s)\nfor i in range(20000): w.writerow([i, 'n', i / 7])\ns.seek(0)\nresult = sum(1 for _ in csv.reader(s))",
      dataclasses:
        "import dataclasses\n@dataclasses.dataclass\nclass A:\n  x: int\n  y: str = 'a'\nresult = sum(a.x for a in [A(i) for i in range(50000)])",
      asyncio:
        "import asyncio\nasync def f(i):\n  await asyncio.sleep(0.001)\n  return i\nasync def m(): return sum(await asyncio.gather(*(f(i) for i in range(2000))))\nresult = asyncio.run(m())",
      sqlite:
        "import sqlite3\nc = sqlite3.connect(':memory:')\nc.execute('create table t(a, b)')\nc.executemany('insert into t values (?, ?)', ((i, 'x' * 50) for i in range(50000)))\nresult = c.execute('select count(*), sum(a) from t').fetchone()",
      bytes: "b = bytearray(16_000_000)\nb[::1000] = b'x' * 16000\nresult = b.count(b'x')",
      files:
        "import os\nwith open('/tmp/x', 'wb') as f:\n  for _ in range(40): f.write(bytes(1_000_000))\nresult = os.stat('/tmp/x').st_size",
      library:
        "import argparse, decimal, statistics, zoneinfo, unittest, logging, datetime, html.parser, http.cookies, email.message, xml.dom.minidom, graphlib, typing, pprint, configparser\nresult = statistics.stdev(range(1000)) > 0",
      traceback:
        "def f(n):\n  if n: f(n - 1)\n  raise ValueError('x')\ntry: f(200)\nexcept ValueError:\n  import traceback\n  result = len(traceback.format_exc())",
    };
    for (const [name, each] of Object.entries(await traced({ cases, limits })))
      assert.equal(each.kind, "result", say(name, each));
  });
});
