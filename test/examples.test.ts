/** The examples do what they say, each run by its command as a user would. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  countChunk,
  generateLog,
  type LogParameters,
  mergeTotals,
  type Totals,
} from "../examples/lib/access-log.ts";
import { capsule, type Envelope, readEnvelope } from "./support/capsule.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

async function runExample<T>(...args: readonly string[]): Promise<Envelope<T>> {
  const ended = await capsule(["run", "--json", ...args], { cwd: root });
  const envelope = readEnvelope<T>(ended);
  assert.equal(envelope.error, null, ended.stderr);
  assert.equal(ended.code, 0);
  return envelope;
}

/** The regions of the sales that both reports draw. */
function regions(): ReadonlySet<string> {
  const rows = readFileSync(`${root}/examples/data/sales.csv`, "utf8").trim().split("\n").slice(1);
  const found = new Set(rows.map((row) => row.split(",")[1] ?? ""));
  assert.ok(found.size > 1);
  return found;
}

interface Analysis {
  readonly totals: Totals;
  readonly chunks: number;
  readonly retried: number;
  readonly outOfFuel: number;
  readonly parts: number;
}

describe("analyze.ts", () => {
  const argsFile = "examples/analyze.args.json";
  const [parameters] = JSON.parse(readFileSync(`${root}/${argsFile}`, "utf8")) as [LogParameters];
  const chunks = generateLog(parameters);

  test("its log has five megabytes in a hundred chunks", () => {
    const bytes = Buffer.byteLength(chunks.join(""));
    assert.ok(bytes > 5_000_000, `${bytes} bytes`);
    assert.equal(chunks.length, 100);
  });

  test("gives the totals that plain Node gives, through retries and a task without fuel", async () => {
    const { result } = await runExample<Analysis>("examples/analyze.ts", "--args-file", argsFile);
    assert.deepEqual(result.totals, mergeTotals(chunks.map(countChunk)));
    assert.equal(
      Object.values(result.totals).reduce((sum, { requests }) => sum + requests, 0),
      parameters.rows,
    );
    assert.equal(result.chunks, 100);
    assert.equal(result.outOfFuel, 1);
    assert.equal(result.parts, 20);
    // Each of 100 chunks fails with a probability of 0.15: that none does happens once in ten million runs.
    assert.ok(result.retried >= 1, `${result.retried} retried`);
  });
});

test("hello.ts", async () => {
  assert.equal((await runExample("examples/hello.ts")).result, "Hello from Capsule!");
});

test("pipeline.js", async () => {
  const { result } = await runExample("examples/pipeline.js", "to be or not to be");
  assert.deepEqual(result, { to: 2, be: 2, or: 1, not: 1 });
});

test("parallel.ts", async () => {
  const { result } = await runExample<string>("examples/parallel.ts", "30000", "10");
  assert.match(result, /^3245 primes below 30000, found by 10 tasks with \d+ million units of fuel$/);
});

test("retries.ts", async () => {
  const { result } =
    await runExample<{ task: string; retries: number; outcome: string }[]>("examples/retries.ts");
  const [flaky, broken, endless] = result;
  assert.equal(flaky?.outcome, "answered");
  assert.deepEqual(broken, { task: "broken", retries: 2, outcome: "task_error" });
  assert.deepEqual(endless, { task: "endless", retries: 0, outcome: "out_of_fuel" });
});

test("untrusted.ts", async () => {
  const { code, stdout } = await capsule(["run", "examples/untrusted.ts"], { cwd: root });
  assert.equal(code, 0);
  const ends = [...stdout.matchAll(/'([\w ]+)' +│ '([a-z_]+)' +│/g)].map(([, snippet, end]) => [
    snippet,
    end,
  ]);
  assert.deepEqual(Object.fromEntries(ends), {
    "a sum": "success",
    "a mistake": "task_error",
    "an endless loop": "out_of_fuel",
    "endless patience": "timeout",
    "endless appetite": "out_of_memory",
    "endless recursion": "stack_overflow",
    "a promise nobody keeps": "deadlock",
    "no JSON": "invalid_result",
    "a way out": "task_error",
  });
});

test("report.ts draws its regions", async () => {
  const { code, stdout, stderr } = await capsule(["run", "examples/report.ts"], { cwd: root });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^<svg [\s\S]*<\/svg>\s*$/);
  for (const region of regions()) assert.ok(stdout.includes(`>${region}</text>`), region);
});

test("hello.py", async () => {
  assert.equal((await runExample("examples/hello.py")).result, "Hello from Capsule!");
});

test("parallel.py", async () => {
  const { result } = await runExample<string>("examples/parallel.py", "30000", "10");
  assert.match(result, /^3245 primes below 30000, found by 10 tasks with \d+ million units of fuel$/);
});

test("untrusted.py", async () => {
  const { code, stdout } = await capsule(["run", "examples/untrusted.py"], { cwd: root });
  assert.equal(code, 0);
  const ends = [...stdout.matchAll(/^(\w[\w ]*?) +(success|[a-z]+_[a-z_]+|timeout) +/gm)].map(
    ([, snippet, end]) => [snippet, end],
  );
  assert.deepEqual(Object.fromEntries(ends), {
    "a sum": "success",
    "a mistake": "task_error",
    "an endless loop": "out_of_fuel",
    "endless patience": "timeout",
    "endless appetite": "out_of_memory",
    "endless recursion": "stack_overflow",
    "no JSON": "invalid_result",
    "a way out": "task_error",
  });
});

test("report.py draws its regions", async () => {
  const { code, stdout, stderr } = await capsule(["run", "examples/report.py"], { cwd: root });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^<\?xml /);
  assert.match(stdout, /<\/svg>\s*$/);
  // Text is drawn as shapes, each with the text in a comment before it.
  for (const region of regions()) assert.ok(stdout.includes(`<!-- ${region} -->`), region);
});
