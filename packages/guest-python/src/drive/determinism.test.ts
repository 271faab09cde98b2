/** Same program, arguments and seed: the same result, fuel and memory, in every tier, for every slice, in any instance. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type TraceJob, traced } from "./testing/trace.ts";

const CASES: Readonly<Record<string, string>> = {
  work: "words = {}\nh = 0\nfor i in range(30000):\n  h = ((h ^ i) * 16777619 + (h >> 3)) & 0xFFFFFFFF\n  k = 'k%d' % (h % 997)\n  words[k] = words.get(k, 0) + h\nresult = [h, sorted(words.items())[:5]]",
  floats:
    "import math, struct, cmath\nl = [math.nan, -math.nan, math.inf - math.inf, -0.0, 5e-324]\nfor i in range(300):\n  a = l[i % len(l)]\n  l += [a * -l[(i * 7) % len(l)], math.sin(i), math.pow(i, 0.37), math.fmod(i, 0.3), math.exp(i / 100)]\n  l = l[-400:]\nresult = [struct.pack('<%dd' % len(l), *l).hex(), struct.pack('<%df' % 20, *l[:5] * 4).hex(), repr(cmath.sqrt(-1 + 1e-300j))]",
  nanBits:
    "import struct, array\nn = [struct.unpack('<d', struct.pack('<Q', b))[0] for b in (0x7FF8000000000001, 0xFFF8000000000000, 0x7FF0000000000001, 0x7FFFFFFFFFFFFFFF)]\nresult = [struct.pack('<d', x + y).hex() for x in n for y in n] + [struct.pack('<f', x).hex() for x in n]",
  integers: "result = str(pow(7, 12345, 10 ** 200)) + str(3 ** 5000 // 7 ** 900)",
  sets: "s = {('a', i) for i in range(500)} | {str(i) for i in range(500)} | {i * 0.5 for i in range(500)} | {frozenset([i]) for i in range(50)}\nresult = [repr(x) for x in s]",
  identity:
    "class A: pass\nresult = [id(A()) for _ in range(20)] + [hash(A()) for _ in range(20)] + [repr(object())]",
  exceptions:
    "def f(n):\n  try:\n    if n: f(n - 1)\n    else: {}[1]\n  except KeyError as e: raise ValueError(n) from e\n  except ValueError as e:\n    e.add_note('n')\n    raise\nimport traceback\ntry: f(50)\nexcept ValueError as e: result = traceback.format_exc()",
  collector:
    "import gc, weakref\nlog = []\nclass N:\n  def __init__(s, i): s.i, s.me = i, s\n  def __del__(s): log.append(s.i)\nfor i in range(5000): N(i)\nresult = [log, gc.get_count(), gc.get_stats()[0]['collections']]",
  asyncio:
    "import asyncio, time\nlog = []\nasync def f(i):\n  await asyncio.sleep((i * 37 % 11) / 1000)\n  log.append((i, asyncio.get_running_loop().time()))\nasync def m():\n  q = asyncio.Queue(3)\n  async def put():\n    for i in range(20): await q.put(i)\n  async with asyncio.TaskGroup() as g:\n    g.create_task(put())\n    for i in range(40): g.create_task(f(i))\n    for i in range(20): log.append(await q.get())\n  try: await asyncio.wait_for(asyncio.sleep(1000), 5)\n  except TimeoutError: log.append('timeout')\nasyncio.run(m())\nresult = [log, time.time(), time.monotonic()]",
  random:
    "import random, uuid, secrets, tempfile, os, sqlite3\nresult = [random.random(), random.sample(range(1000), 10), str(uuid.uuid4()), str(uuid.uuid1()), secrets.token_hex(8), random.SystemRandom().random(), os.urandom(4).hex(), tempfile.mktemp(), sqlite3.connect(':memory:').execute('select random()').fetchone()]",
  time: "import time, datetime\nl = []\nfor i in range(50):\n  sum(range(1000))\n  l.append(time.perf_counter_ns())\ntime.sleep(0.25)\nresult = [l, time.time_ns(), datetime.datetime.now().isoformat()]",
  recursion:
    "import json\ndepth = 0\ndef f():\n  global depth\n  depth += 1\n  f()\ncaught = []\nfor g in (f, lambda: json.loads('[' * 100000), lambda: eval('(' * 500 + ')' * 500)):\n  try: g()\n  except (RecursionError, MemoryError) as e: caught.append(str(e))\nresult = [depth, caught]",
  memory:
    "kept = []\nfor i in range(60):\n  kept.append(bytearray(100000 + i * 1000))\n  if i % 20 == 19: kept = kept[10:]\nresult = sum(map(len, kept))",
  exhausted: "l = []\nwhile True: l.append('x' * 1000 + str(len(l)))",
  endless: "x = 0\nwhile True: x += 1",
  files:
    "import os\nfor i in range(50):\n  with open('/tmp/%d' % (i * 7 % 50), 'w') as f: f.write('x' * i)\nresult = [(n, os.stat('/tmp/' + n).st_mtime_ns, os.stat('/tmp/' + n).st_ino) for n in os.listdir('/tmp')]",
  printing:
    "import sys\nfor i in range(500): print(i, file=sys.stderr if i % 3 else sys.stdout)\nresult = None",
  compiled:
    "scope = {}\nexec('\\n'.join(f'def f{i}(a, b={i}): return a * {i} + b if a else [f{i}(x) for x in range(b % 7 + 1)]' for i in range(1, 100)), scope)\nresult = [scope[f'f{i}'](1) for i in range(1, 100)]",
  regex: "import re\nresult = re.findall(r'(\\w+?)(?=\\d|$)(?:\\d*)', 'abc123def456 ' * 200)[:50]",
};

const JOB: TraceJob = { cases: CASES, limits: { fuel: 1_500_000_000, ram: 96 * 1024 ** 2 }, seed: "a" };
const reference = await traced(JOB);

test("the programs do what they are there for", () => {
  for (const [name, { kind, message }] of Object.entries(reference))
    assert.equal(
      kind,
      { exhausted: "out_of_memory", endless: "out_of_fuel" }[name] ?? "result",
      `${name}: ${message}`,
    );
});

/** A choice of programs for what starts slowly. */
const FEW = "work floats nanBits exceptions recursion asyncio".split(" ");
const few = Object.fromEntries(FEW.map((name) => [name, CASES[name] as string]));

const OTHERS: Readonly<Record<string, readonly [TraceJob, ...string[]]>> = {
  "another process": [JOB],
  "the baseline compiler only": [JOB, "--liftoff-only"],
  "the optimising compiler only": [{ ...JOB, cases: few }, "--no-liftoff"],
  "slices of 1,000,000": [{ ...JOB, slice: 1_000_000 }],
  "slices of 77,777": [{ ...JOB, slice: 77_777 }],
  "a new instance for each": [{ ...JOB, fresh: true }],
  "the reverse order": [{ ...JOB, cases: Object.fromEntries(Object.entries(CASES).reverse()) }],
};

for (const [what, [job, ...flags]] of Object.entries(OTHERS))
  test(`result, fuel and memory are the same: ${what}`, async () => {
    const other = await traced(job, ...flags);
    assert.deepEqual(Object.keys(other), Object.keys(job.cases));
    for (const [name, each] of Object.entries(other)) assert.deepEqual(each, reference[name], name);
  });

test("with another seed only what draws on it differs", async () => {
  const other = await traced({ ...JOB, seed: "b" });
  assert.notEqual(other.random?.message, reference.random?.message);
  for (const name of Object.keys(CASES).filter(
    (name) => !["random", "time", "asyncio", "files"].includes(name),
  )) {
    assert.equal(other[name]?.message, reference[name]?.message, name);
    assert.equal(other[name]?.kind, reference[name]?.kind, name);
  }
});
