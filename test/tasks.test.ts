/** Tasks call tasks: each in a sandbox of its own, no failure throws into its caller, nothing deadlocks. */
import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { describe, test } from "node:test";
import {
  capsule,
  type Envelope,
  folder,
  program,
  programs,
  readEnvelope,
  runFile,
  runSource,
  startCapsule,
} from "./support/capsule.ts";
import { onLinux, peakMemory } from "./support/processes.ts";

const MB = 1024 ** 2;
const tree = programs("tree.ts");

async function tasks(what: string): Promise<unknown> {
  const { envelope } = await runFile(tree, "tree.ts", [what]);
  assert.ok(envelope.success, envelope.error?.message ?? "");
  return envelope.result;
}

describe("a tree of tasks that wait for each other", () => {
  test("of sync calls ends", async () => assert.deepEqual(await tasks("sync"), [1093, 41]));
  test("of async calls ends", async () => assert.deepEqual(await tasks("async"), [1093, 41]));
  test("is at most 100 levels deep, and the envelope names the limit", async () => {
    const error = { error_type: "limit_exceeded", message: "tasks may call tasks to a depth of 100" };
    assert.deepEqual(await tasks("depth"), {
      at: "bottom",
      beyond: error,
      atAsync: "bottom",
      beyondAsync: error,
    });
  });
});

test("a failing task never throws into its caller", async () => {
  const rows = (await tasks("failing")) as string[];
  assert.equal(rows[0], "task_error: TypeError: the child's own");
  assert.equal(rows[1], "task_error: TypeError: the child's own");
  assert.match(rows[2] ?? "", /^out_of_fuel: "starves" used up its 1,000,000 units/);
  assert.match(rows[3] ?? "", /^stack_overflow: /);
});

test("default and rest parameters apply", async () => {
  assert.deepEqual(await tasks("arguments"), [
    [1, 20, []],
    [1, 20, []],
    [1, null, [3]],
    [1, 2, [3, 4]],
    [1, null, []],
    [1, 2, 3],
    [1, 5, 6],
    [1, 2, 3],
  ]);
});

test("a plain function's promise is awaited in its own sandbox", async () => {
  assert.deepEqual(await tasks("blocking"), [30, 30]);
});

test("timers, microtasks and calls happen in order", async () => {
  const seen = (await tasks("order")) as string[];
  assert.deepEqual(seen.slice(0, 2), ["start", "after the sync call"], "a sync call blocks everything else");
  const at = (what: string): number => seen.indexOf(what);
  for (const [first, second] of [
    ["after the sync call", "microtask"],
    ["microtask", "then"],
    ["then", "timeout 0"],
    ["then", "immediate"],
    ["timeout 0", "timeout 5"],
    ["timeout 5", "after a sleep"],
    ["call 60", "end"],
  ] as const)
    assert.ok(at(first) >= 0 && at(first) < at(second), `${first} before ${second}: ${seen.join(", ")}`);
});

test("intervals stop when they are cleared, and keep nobody", async () => {
  assert.deepEqual(await tasks("intervals"), [[3, true, true], "ended"]);
});

test("rejections, causes and aggregates are told whole", async () => {
  const [unhandled, late, then, cause, aggregate] = (await tasks("errors")) as string[];
  assert.match(unhandled ?? "", /^Uncaught \(in promise\) Error: floating\n {4}at .*tree\.ts:\d+:\d+/);
  assert.equal(late, "fine");
  assert.match(then ?? "", /^Error: inside then\n {4}at .*tree\.ts/);
  assert.match(cause ?? "", /^Error: outer\n[\s\S]*\[cause\]: RangeError: inner/);
  assert.match(aggregate ?? "", /^AggregateError[\s\S]*Error: first[\s\S]*TypeError: second/);
});

describe("when a parent ends", () => {
  test("its children are cancelled and print nothing more", async () => {
    const cwd = folder({
      "main.ts": program(`
        const nap = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
        const spinning = task({ name: "spinning", compute: "HIGH" }, async () => {
          console.log("spinning starts");
          const until = Date.now() + 400;
          while (Date.now() < until) await nap(1);
          while (true) {}
        });
        const grandchild = task({ name: "grandchild" }, async () => { await nap(700); console.log("grandchild late"); });
        const sleeping = task({ name: "sleeping" }, async () => {
          console.log("sleeping starts");
          void grandchild();
          await nap(700);
          console.log("sleeping late");
        });
        const parent = task({ name: "parent" }, async () => {
          void spinning();
          void sleeping();
          for (let i = 0; i < 20; i++) void sleeping();
          await nap(200);
          return "parent ended";
        });
        const throws = task({ name: "throws" }, async () => { void sleeping(); await nap(100); throw new Error("gone"); });
        const late = task({ name: "late", timeout: "200ms" }, async () => { void sleeping(); await nap(5000); });
        export const main = task({ name: "main", compute: "HIGH" }, async () => {
          const ended = [await parent(), await throws(), await late()].map((e) => e.result ?? e.error?.error_type);
          console.log("parents ended");
          await nap(1500);
          return ended;
        });`),
    });
    const { code, stdout, stderr } = await capsule(["run", "main.ts"], { cwd });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /sleeping starts/);
    assert.doesNotMatch(stdout, /late/);
    assert.ok(stdout.endsWith('parents ended\n["parent ended","task_error","timeout"]\n'), stdout);
  });

  test("the run ends with main, whatever goes on", async () => {
    const cwd = folder({
      "main.ts": program(`
        const forever = task({ name: "forever", compute: "HIGH" }, async () => { while (true) {} });
        export const main = task({ name: "main" }, async () => {
          for (let i = 0; i < 8; i++) void forever();
          await new Promise((resolve) => setTimeout(resolve, 200));
          return "done";
        });`),
    });
    const { code, stdout, ms } = await capsule(["run", "main.ts"], { cwd });
    assert.equal(code, 0);
    assert.equal(stdout, "done\n");
    assert.ok(ms < 20_000, `${ms} ms`);
  });
});

describe("many tasks", () => {
  test("10,000 from one Promise.all give the right results in bounded memory", async () => {
    const source = `
      const square = task({ name: "square" }, async (n: number) => n * n);
      export const main = task({ name: "main", compute: "HIGH" }, async () => {
        const all = await Promise.all(Array.from({ length: 10_000 }, (_, i) => square(i)));
        const wrong = all.findIndex((e, i) => e.result !== i * i);
        return [all.length, wrong, new Set(all.map((e) => e.execution.task_name)).size];
      });`;
    const cwd = folder({ "main.ts": program(source) });
    const { ended, pid } = startCapsule(["run", "--json", "main.ts"], { cwd });
    const { value, hostBytes, cellBytes } = await peakMemory(pid, ended);
    const envelope = readEnvelope(value);
    assert.deepEqual(envelope.result, [10_000, -1, 1], envelope.error?.message ?? "");
    if (!onLinux) return;
    assert.ok(hostBytes < 600 * MB, `the host took ${hostBytes} bytes`);
    assert.ok(cellBytes < 900 * MB, `a cell took ${cellBytes} bytes`);
  });

  test("that all wait are admitted a part at a time, and all end", async () => {
    const { envelope } = await runSource(`
      const inner = task({ name: "inner" }, async (n: number) => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        return n;
      });
      const outer = task({ name: "outer" }, async (n: number) =>
        (await Promise.all([inner(n), inner(n + 1)])).reduce((sum, e) => sum + (e.result ?? NaN), 0));
      export const main = task({ name: "main", compute: "HIGH" }, async () => {
        const all = await Promise.all(Array.from({ length: 300 }, (_, i) => outer(i)));
        return all.reduce((sum, e) => sum + (e.result ?? NaN), 0);
      });`);
    assert.equal(envelope.result, 300 * 300, envelope.error?.message ?? "");
  });
});

describe("calls in parallel", () => {
  const source = program(`
    const work = (n: number) => { let x = 0; for (let i = 0; i < n; i++) x = (x * 31 + i) % 1000003; return x; };
    const sync = task({ name: "sync", compute: "HIGH" }, (n: number) => work(n));
    const async = task({ name: "async", compute: "HIGH" }, async (n: number) => work(n));
    export const main = task({ name: "main", compute: "HIGH" }, async (how: string, given: string) => {
      const n = Number(given);
      const all = how === "sync" ? await Promise.all([sync(n), sync(n)]) : await Promise.all([async(n), async(n)]);
      return all.map(({ success, execution }) => [success, execution.duration_ms]);
    });`);

  test("overlap when they are async, and follow each other when they are sync", async () => {
    const cwd = folder({ "main.ts": source });
    type Rows = [boolean, number][];
    const overlap = async (how: string): Promise<number> => {
      const { envelope } = await runFile<Rows>(cwd, "main.ts", [how, "6000000"]);
      assert.ok(envelope.success, envelope.error?.message ?? "");
      const [[first, one], [second, two]] = envelope.result as [Rows[0], Rows[0]] & Rows;
      assert.ok(first && second);
      return (one + two) / envelope.execution.duration_ms;
    };
    // The sum of their times against the time of all: 1 when one follows the other, up to 2 when they overlap.
    assert.ok((await overlap("sync")) < 1.15);
    if (availableParallelism() > 1) assert.ok((await overlap("async")) > 1.3);
  });
});

describe("arguments of main", () => {
  const cwd = folder({
    "main.ts": program(
      `export const main = task({ name: "main" }, (first: string, second: string, third = "3") => [first, second, third]);`,
    ),
    "rest.ts": program(`export const main = task({ name: "main" }, (...all: string[]) => all);`),
    "none.ts": program(`export const main = task({ name: "main" }, () => "ran");`),
  });

  test("that are too few or too many fail, naming them", async () => {
    for (const args of [[], ["1"], ["1", "2", "3", "4"]]) {
      const { code, stdout, stderr } = await capsule(["run", "main.ts", ...args], { cwd });
      assert.equal(code, 1);
      assert.equal(stdout, "");
      assert.match(stderr, /main takes 2 to 3 \(first, second, third\?\); it was given \d/);
      assert.match(stderr, /invalid_arguments/);
    }
    const { envelope } = await runFile(cwd, "none.ts", ["extra"]);
    assert.equal(envelope.error?.error_type, "invalid_arguments");
    assert.match(envelope.error.message, /main takes no arguments; it was given 1/);
  });

  test("reach it as they were written", async () => {
    assert.deepEqual((await runFile(cwd, "main.ts", ["1", "2"])).envelope.result, ["1", "2", "3"]);
    const odd = ["", " ", "--json", "é𝄞", "a\nb", '{"x":1}', "-", "--"];
    assert.deepEqual((await runFile(cwd, "rest.ts", odd)).envelope.result, odd);
  });
});

test("a task can call itself, and main", async () => {
  const { envelope } = await runSource<unknown[]>(`
    const fib = task({ name: "fib" }, (n: number): number => n < 2 ? n : (fib(n - 1).result ?? NaN) + (fib(n - 2).result ?? NaN));
    export const main = task({ name: "main" }, (left: string | number = 3): unknown =>
      Number(left) > 0 ? [left, main(Number(left) - 1).result] : fib(7).result);`);
  assert.deepEqual(envelope.result, [3, [2, [1, 13]]], envelope.error?.message ?? "");
});

test("envelopes that a program sees have the documented shape", async () => {
  const { envelope } = await runSource<Envelope[]>(`
    const good = task({ name: "good" }, () => 1);
    const bad = task({ name: "bad" }, () => { throw new Error("x"); });
    export const main = task({ name: "main" }, () => [good(), bad()]);`);
  for (const each of [envelope, ...envelope.result]) {
    assert.deepEqual(Object.keys(each), ["success", "result", "error", "execution"]);
    assert.deepEqual(Object.keys(each.execution), [
      "task_name",
      "duration_ms",
      "retries",
      "fuel_consumed",
      "ram_used",
      "host_requests",
    ]);
    assert.ok(Number.isInteger(each.execution.fuel_consumed) && each.execution.fuel_consumed > 0);
    assert.ok(each.execution.ram_used > 500_000);
    assert.deepEqual(each.execution.host_requests, []);
  }
  const [good, bad] = envelope.result as [Envelope, Envelope];
  assert.deepEqual([good.success, good.result, good.error], [true, 1, null]);
  assert.deepEqual([bad.success, bad.result], [false, null]);
});
