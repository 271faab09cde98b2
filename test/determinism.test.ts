/** The same program and arguments use the same fuel, wherever and beside whatever they run. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import {
  CAPSULE,
  capsule,
  type Envelope,
  folder,
  program,
  programs,
  readEnvelope,
  runFile,
  start,
} from "./support/capsule.ts";

interface Row {
  readonly result: unknown;
  readonly fuel: number;
  readonly ram: number;
}

describe("fuel", () => {
  const cwd = programs("compute.ts", "compute-cases.ts");
  const rowsOf = (envelope: Envelope<Record<string, Row>>): Record<string, Row> => {
    assert.ok(envelope.success, envelope.error?.message ?? "");
    return envelope.result;
  };
  let first: Record<string, Row> = {};
  before(async () => {
    first = rowsOf((await runFile<Record<string, Row>>(cwd, "compute.ts")).envelope);
    assert.ok(Object.keys(first).length >= 8);
    for (const [name, { fuel, result }] of Object.entries(first)) {
      assert.ok(fuel > 100_000, name);
      assert.notEqual(result, null, name);
    }
  });

  test("is the same in another process, from the cache", async () => {
    assert.deepEqual(rowsOf((await runFile<Record<string, Row>>(cwd, "compute.ts")).envelope), first);
  });

  test("is the same in another folder, compiled anew", async () => {
    const { envelope } = await runFile<Record<string, Row>>(
      programs("compute.ts", "compute-cases.ts"),
      "compute.ts",
    );
    assert.deepEqual(rowsOf(envelope), first);
  });

  test("is the same beside others that use all cores", async () => {
    const all = await Promise.all([1, 2, 3].map(() => runFile<Record<string, Row>>(cwd, "compute.ts")));
    for (const { envelope } of all) assert.deepEqual(rowsOf(envelope), first);
  });

  test("is the same when its tasks share the cells in parallel", async () => {
    const { envelope } = await runFile<Record<string, Row>>(cwd, "compute.ts", ["parallel"]);
    assert.deepEqual(rowsOf(envelope), first);
  });

  test("is the same when it runs out", async () => {
    const dies = folder({
      "main.ts": program(`export const main = task({ name: "main", compute: 12_345_678 }, () => {
        const seen: unknown[] = [];
        for (let i = 0; ; i++) seen.push({ i, text: "number " + i });
      });`),
    });
    const runs = [
      await runFile(dies, "main.ts"),
      await runFile(dies, "main.ts"),
      await runFile(dies, "main.ts"),
    ];
    const [one, ...more] = runs.map(({ envelope }) => {
      assert.equal(envelope.error?.error_type, "out_of_fuel");
      return [envelope.execution.fuel_consumed, envelope.execution.ram_used];
    });
    for (const each of more) assert.deepEqual(each, one);
  });

  test("does not depend on how fast its output is read", async () => {
    const prints = folder({
      "main.ts": program(`export const main = task({ name: "main" }, () => {
        for (let i = 0; i < 3000; i++) console.error("line " + i, "x".repeat(300));
        return "ended";
      });`),
    });
    const fast = readEnvelope(await capsule(["run", "--json", "main.ts"], { cwd: prints }));
    const slow = await start(
      "bash",
      ["-c", '"$0" "$1" run --json main.ts 2> >(sleep 0.5; cat > /dev/null)', process.execPath, CAPSULE],
      { cwd: prints },
    ).ended;
    assert.equal(readEnvelope(slow).execution.fuel_consumed, fast.execution.fuel_consumed);
  });

  test("of a parent leaves out that of its children", async () => {
    const cwd = folder({
      "main.ts": program(`
        const work = task({ name: "work", compute: "HIGH" }, (n: number) => { let x = 0; for (let i = 0; i < n; i++) x += i; return x; });
        export const main = task({ name: "main", compute: "LOW" }, (n: string) => work(Number(n)).execution.fuel_consumed);`),
    });
    const small = await runFile<number>(cwd, "main.ts", ["1"]);
    const large = await runFile<number>(cwd, "main.ts", ["5000000"]);
    assert.ok(large.envelope.success, large.envelope.error?.message ?? "");
    assert.ok(large.envelope.result > 100_000_000);
    const [one, other] = [small, large].map(({ envelope }) => envelope.execution.fuel_consumed) as [
      number,
      number,
    ];
    assert.ok(Math.abs(one - other) < 100_000, `${one} and ${other}`);
  });
});

test("results that need no clock and no chance are the same as plain Node's", async () => {
  const { envelope } = await runFile<Record<string, Row>>(
    programs("compute.ts", "compute-cases.ts"),
    "compute.ts",
  );
  const { cases } = (await import("./programs/compute-cases.ts")) as { cases: Record<string, () => unknown> };
  assert.deepEqual(Object.keys(envelope.result), Object.keys(cases));
  for (const [name, compute] of Object.entries(cases))
    assert.deepEqual(envelope.result[name]?.result, JSON.parse(JSON.stringify(compute())), name);
});

describe("fuel of a task that reads files", () => {
  const PROGRAMS: Readonly<Record<string, string>> = {
    "reach.ts": `
      import { readdirSync, readFileSync } from "node:fs";
      import { readFile } from "node:fs/promises";
      import { task } from "@capsule-run/sdk";
      const look = task({ name: "look", allowedFiles: ["data"] }, async () => {
        const names = readdirSync("data").sort();
        const texts = [];
        for (const name of names) texts.push(await readFile("data/" + name, "utf8"));
        const again = names.map((name) => readFileSync("data/" + name, "utf8")).join("");
        return [names, texts.join("") === again, again.length];
      });
      export const main = task({ name: "main" }, async () => {
        const { result, execution } = await look();
        return { result, fuel: execution.fuel_consumed, ram: execution.ram_used };
      });`,
    "reach.py": `
import os
from capsule import task

@task(allowed_files=["data"])
def look():
    names = sorted(os.listdir("data"))
    texts = [open(f"data/{name}").read() for name in names]
    return [names, True, len("".join(texts))]

@task
def main():
    envelope = look()
    execution = envelope["execution"]
    return {"result": envelope["result"], "fuel": execution["fuel_consumed"], "ram": execution["ram_used"]}
`,
  };
  for (const [file, source] of Object.entries(PROGRAMS))
    test(`${file}: is the same each time, beside others too`, async () => {
      const data = Object.fromEntries(
        [1, 2, 3].map((n) => [`data/${n}.txt`, `line ${n}\n`.repeat(n * 5000)]),
      );
      const cwd = folder({ ...data, [file]: source });
      const first = (await runFile<Row>(cwd, file)).envelope;
      assert.deepEqual(first.result.result, [["1.txt", "2.txt", "3.txt"], true, 210_000]);
      const more = await Promise.all([1, 2, 3].map(() => runFile<Row>(cwd, file)));
      for (const { envelope } of more) {
        const { result, fuel, ram } = envelope.result;
        assert.deepEqual([result, ram], [first.result.result, first.result.ram]);
        // Python seeds its generators anew for each attempt, which takes some units more or less by what it draws.
        assert.ok(Math.abs(fuel - first.result.fuel) <= (file.endsWith(".py") ? 64 : 0), `${fuel}`);
      }
    });
});
