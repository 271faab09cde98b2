/** `maxRetries`: each retry is a fresh sandbox, costs are summed, and what can't be mended is not tried again. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { capsule, type Envelope, folder, program, runSource } from "./support/capsule.ts";

describe("a task with maxRetries", () => {
  let rows: Record<string, Envelope> = {};
  before(async () => {
    const { envelope } = await runSource<Record<string, Envelope>>(`
      let state = 0;
      const work = () => { let x = 0; for (let i = 0; i < 100_000; i++) x += i; return x; };
      const always = task({ name: "always", maxRetries: 3 }, () => { work(); throw new Error("state " + ++state); });
      const once = task({ name: "once" }, () => { work(); throw new Error("once"); });
      const lucky = task({ name: "lucky", maxRetries: 50 }, () => {
        if (Math.random() < 0.5) throw new Error("unlucky");
        return ++state;
      });
      const slow = task({ name: "slow", maxRetries: 1, timeout: "100ms" }, async () => { await new Promise((r) => setTimeout(r, 60_000)); });
      const spins = task({ name: "spins", maxRetries: 5, compute: "LOW" }, () => { while (true) {} });
      const hungry = task({ name: "hungry", maxRetries: 1, ram: "8MB" }, () => { const a = []; while (true) a.push(new Uint8Array(1 << 20)); });
      const deep = task({ name: "deep", maxRetries: 5 }, () => { const f = (): number => f() + 1; return f(); });
      const nan = task({ name: "nan", maxRetries: 5 }, () => NaN);
      const never = task({ name: "never", maxRetries: 5 }, async () => { await new Promise(() => {}); });
      const given = task({ name: "given", maxRetries: 5 }, (x: unknown) => x);
      const floating = task({ name: "floating", maxRetries: 2 }, async () => { Promise.reject(new Error("x")); await null; });
      const child = task({ name: "child" }, () => { throw new Error("the child fails"); });
      const parent = task({ name: "parent", maxRetries: 5 }, () => child().error?.error_type);
      export const main = task({ name: "main", compute: "HIGH" }, async () => ({
        always: always(), once: once(), lucky: lucky(), slow: await slow(), spins: spins(), hungry: hungry(), deep: deep(),
        nan: nan(), never: await never(), given: given(1n), floating: await floating(), parent: parent(),
      }));`);
    assert.ok(envelope.success, envelope.error?.message ?? "");
    rows = envelope.result;
  });
  const row = (name: string): Envelope => rows[name] as Envelope;

  test("starts each retry with the state of the freshly loaded module", () => {
    assert.match(row("always").error?.message ?? "", /^Error: state 1\n/);
    assert.equal(row("always").execution.retries, 3);
  });

  test("sums fuel over its attempts, and takes the peak of memory", () => {
    const [all, one] = [row("always").execution, row("once").execution];
    assert.ok(all.fuel_consumed > 3.5 * one.fuel_consumed, `${all.fuel_consumed} of ${one.fuel_consumed}`);
    assert.ok(all.fuel_consumed < 4.5 * one.fuel_consumed, `${all.fuel_consumed} of ${one.fuel_consumed}`);
    assert.ok(all.ram_used < 2 * one.ram_used);
  });

  test("succeeds when one attempt does", () => {
    const { success, result, error, execution } = row("lucky");
    assert.ok(success);
    assert.equal(result, 1);
    assert.equal(error, null);
    assert.ok(execution.retries < 50);
  });

  test("is tried again after an error, a timeout, missing memory", () => {
    for (const [name, type, retries] of [
      ["always", "task_error", 3],
      ["slow", "timeout", 1],
      ["hungry", "out_of_memory", 1],
      ["floating", "task_error", 2],
    ] as const) {
      assert.equal(row(name).error?.error_type, type, name);
      assert.equal(row(name).execution.retries, retries, name);
    }
  });

  test("is not tried again where another attempt would meet the same", () => {
    for (const [name, type] of [
      ["spins", "out_of_fuel"],
      ["deep", "stack_overflow"],
      ["nan", "invalid_result"],
      ["never", "deadlock"],
      ["given", "invalid_arguments"],
    ] as const) {
      assert.equal(row(name).error?.error_type, type, name);
      assert.equal(row(name).execution.retries, 0, name);
    }
  });

  test("is not tried again because a task it called failed", () => {
    assert.deepEqual([row("parent").result, row("parent").execution.retries], ["task_error", 0]);
  });

  test("without maxRetries is tried once", () => assert.equal(row("once").execution.retries, 0));
});

test("main is tried again too, after a wait, and the summary says so", async () => {
  const cwd = folder({
    "main.ts": program(`export const main = task({ name: "main", maxRetries: 2 }, () => {
      console.log("attempt");
      throw new Error("fails");
    });`),
  });
  const { code, stdout, stderr } = await capsule(["run", "--verbose", "main.ts"], { cwd });
  assert.equal(code, 1);
  assert.equal(stdout, "attempt\n".repeat(3));
  const waits = [...stderr.matchAll(/retry in (\d+) ms/g)].map(([, ms]) => Number(ms));
  assert.equal(waits.length, 2, stderr);
  const [first, second] = waits as [number, number];
  assert.ok(first >= 50 && first <= 100, `the first wait is ${first} ms`);
  assert.ok(second >= 100 && second <= 200, `the second wait is ${second} ms`);
  const starts = [...stderr.matchAll(/([\d,]+) ms\s+main \[0\] started/g)].map(([, ms]) =>
    Number(ms?.replaceAll(",", "")),
  );
  assert.equal(starts.length, 3, stderr);
  assert.ok((starts[1] ?? 0) - (starts[0] ?? 0) >= 49, `${starts}`);
  assert.match(stderr, /2 retries/);
});

test("a run that is interrupted while it waits for a retry ends at once", async () => {
  const cwd = folder({
    "main.ts":
      program(`const failing = task({ name: "failing", maxRetries: 1000 }, () => { throw new Error("x"); });
      export const main = task({ name: "main", timeout: "1500ms" }, () => failing().success);`),
  });
  const { code, stderr, ms } = await capsule(["run", "main.ts"], { cwd });
  assert.equal(code, 1);
  assert.match(stderr, /timeout of 1500ms/);
  assert.ok(ms < 15_000);
});
