/** A program that attacks its own engine loses at most its task, and says so by a type of the closed set. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { caught, EXECUTOR, kindOf, messageOf, resultOf, TestGuest } from "./testing/guest.ts";
import { ATTACKS } from "./testing/hostile.ts";
import { type Traced, traced } from "./testing/trace.ts";

const MB = 1024 ** 2;

describe("attacks", async () => {
  const limits = { fuel: 2_000_000_000, ram: 256 * MB };
  const seen = await traced({ cases: ATTACKS, limits });

  test("end in a result or an error of the task's", () => {
    const fits = [
      "result",
      "task_error",
      "out_of_fuel",
      "out_of_memory",
      "stack_overflow",
      "deadlock",
      "invalid_result",
    ];
    for (const [name, { kind, message }] of Object.entries(seen))
      assert.ok(fits.includes(kind), `${name}: ${kind}: ${message}`);
  });

  const EXPECTED: Readonly<Record<string, RegExp>> = {
    exit: /^task_error the program ended itself by os\._exit\(7\)$/,
    abort: /^task_error .*os\.abort/,
    kill: /^task_error AttributeError/,
    raiseTerm: /^task_error .*aborted/,
    segfault: /^task_error .*aborted/,
    opcodes: /^task_error .*crashed/,
    paths: /^result \[\]$/,
    links: /^result \[(0,)+1,(0,)+0\]$/,
    environment: /^result \[0,\["app",("dev",)?"tmp","usr"\]\]$/,
    fullTmp: /^result \[51,true\]$/,
    manyFiles: /^result (33|51|24)$/,
    manyNodes: /^result \[51,\d+\]$/,
    doorHuge: /^result "refused"$/,
    resultIntLies: /^result 5$/,
    resultStrLies: /^result "a"$/,
    resultNan: /^invalid_result/,
    input: /^result "EOF"$/,
    hugeUrandom: /^result "refused"$/,
    hugeRead: /^(task_error OSError|result "refused")/,
    deadlock: /^deadlock/,
    threads: /^task_error RuntimeError: can't start new thread/,
    fork: /^task_error AttributeError/,
    excepthook: /^task_error ValueError: plain$/,
    jsonReplaced: /^result \[1,\{"a":2\}\]$/,
    allClasses: /^result true$/,
  };
  for (const [name, wanted] of Object.entries(EXPECTED))
    test(`have a defined outcome: ${name}`, () => {
      const { kind, message } = seen[name] as Traced;
      assert.match(`${kind} ${message}`, wanted);
    });

  test("end the same in the baseline compiler", async () => {
    const other = await traced({ cases: ATTACKS, limits }, "--liftoff-only");
    for (const [name, each] of Object.entries(seen)) assert.deepEqual(other[name], each, name);
  });
});

describe("a trap at any moment", () => {
  /** Goes through much of the interpreter, host calls and files. */
  const MIXED = `
import json, re, collections, asyncio, time, os, sqlite3
from __main__ import __dict__ as _
d = collections.OrderedDict((str(i), [i] * 10) for i in range(200))
json.loads(json.dumps(d))
re.sub(r"(\\d+)", lambda m: m.group() * 2, "a1b22c333" * 50)
class A:
    def __del__(self): self.x = [self]
for i in range(50): A()
with open("/tmp/x", "w") as f: f.write("line\\n" * 1000)
async def work(i):
    await asyncio.sleep(0.01)
    return i
async def m(): return await asyncio.gather(*(work(i) for i in range(20)))
asyncio.run(m())
time.sleep(0.1)
c = sqlite3.connect(":memory:")
c.execute("select 1").fetchall()
try: 1 / 0
except ZeroDivisionError as e: str(e)
l = [bytes(100_000) for _ in range(100)]
print("x" * 1000)
result = "whole"
`.replace("from __main__ import __dict__ as _\n", "");

  test("for want of fuel is out_of_fuel, and the next attempt is whole", async () => {
    const guest = new TestGuest();
    const program = await guest.load(EXECUTOR);
    guest.reset(program);
    const whole = await guest.run("run", MIXED);
    assert.equal(resultOf(whole), "whole", messageOf(whole));
    const { fuelUsed } = guest.instance;
    const { digest } = guest;
    let state = 12_345;
    for (let i = 0; i < 60; i++) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      const fuel = 1 + Math.floor((state / 2 ** 32) * fuelUsed * 0.98);
      guest.reset(program, { fuel, ram: null });
      const end = await guest.run("run", MIXED);
      assert.equal(kindOf(end), "out_of_fuel", `at ${fuel}: ${messageOf(end)}`);
    }
    guest.reset(program);
    assert.equal(resultOf(await guest.run("run", MIXED)), "whole");
    assert.deepEqual([guest.instance.fuelUsed, guest.digest], [fuelUsed, digest]);
  });

  test("for want of memory is out_of_memory, or a MemoryError that is caught", async () => {
    const guest = new TestGuest();
    const program = await guest.load(EXECUTOR);
    for (let ram = program.length; ram < program.length + 14 * MB; ram += 7 * 65_536) {
      for (const code of [MIXED, caught(MIXED)]) {
        guest.reset(program, { fuel: 2_000_000_000, ram });
        const end = await guest.run("run", code);
        assert.ok(
          ["result", "out_of_memory"].includes(kindOf(end)),
          `${ram}: ${kindOf(end)}: ${messageOf(end)}`,
        );
        assert.ok(guest.instance.ramUsed <= ram);
      }
    }
  });
});
