/** A program's top-level code runs once, when it is compiled, unless it needs what differs between attempts. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { capsule, type Ended, folder, program, readEnvelope, refusal, runFile } from "./support/capsule.ts";

interface Built {
  readonly snapshot: "before" | "after";
  readonly reasons: readonly string[];
  readonly cached: boolean;
}

async function build(cwd: string): Promise<Built> {
  const { code, stdout, stderr } = await capsule(["build", "--json", "main.ts"], { cwd });
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Built;
}

describe("a top level that asks for nothing", () => {
  const cwd = folder({
    "main.ts": program(`
      let work = 0;
      for (let i = 0; i < 1_000_000; i++) work += i;
      const loaded = { at: [new Date(0).getTime(), new Date("2024-05-06").getTime()], work };
      console.log("loading");
      console.error("loading, on stderr");
      export const main = task({ name: "main", compute: 2_000_000 }, () => loaded);`),
  });

  test("is computed once: its state is in the snapshot", async () => {
    const { snapshot, reasons } = await build(cwd);
    assert.deepEqual([snapshot, reasons], ["after", []]);
    const { envelope } = await runFile(cwd, "main.ts");
    assert.ok(envelope.success, envelope.error?.message ?? "");
    assert.deepEqual(envelope.result, { at: [0, 1_714_953_600_000], work: 499_999_500_000 });
    const { stderr } = await capsule(["build", "--verbose", "main.ts"], { cwd });
    assert.match(stderr, /snapshot taken after the program was loaded/);
  });

  test("prints once a run, compiled or cached, on its own streams", async () => {
    for (const fresh of [
      folder({
        "main.ts": program(`console.log("loading"); console.error("on stderr");
        const child = task({ name: "child" }, () => 1);
        export const main = task({ name: "main" }, () => { child(); child(); return "ran"; });`),
      }),
    ])
      for (let i = 0; i < 3; i++) {
        const { stdout, stderr } = await capsule(["run", "main.ts"], { cwd: fresh });
        assert.equal(stdout, "loading\nran\n");
        assert.equal(stderr.match(/on stderr/g)?.length, 1);
      }
  });
});

describe("a top level that asks for what differs between attempts", () => {
  const CASES: Readonly<Record<string, { readonly value: string; readonly reason: RegExp }>> = {
    "Date.now": { value: "Date.now()", reason: /clock/ },
    "new Date": { value: "new Date().getTime()", reason: /clock/ },
    "performance.now": { value: "performance.now() + Math.random()", reason: /clock|randomness/ },
    "Math.random": { value: "Math.random()", reason: /randomness/ },
    "crypto.randomUUID": { value: "crypto.randomUUID()", reason: /randomness/ },
    "crypto.getRandomValues": {
      value: "crypto.getRandomValues(new Uint32Array(4)).join()",
      reason: /randomness/,
    },
  };
  for (const [name, { value, reason }] of Object.entries(CASES))
    test(`is loaded again for each attempt (${name})`, async () => {
      const cwd = folder({
        "main.ts": program(`
          const loaded = ${value};
          const child = task({ name: "child" }, () => loaded);
          export const main = task({ name: "main" }, async () => {
            await new Promise((resolve) => setTimeout(resolve, 5));
            return [loaded, child().result];
          });`),
      });
      const { snapshot, reasons } = await build(cwd);
      assert.equal(snapshot, "before");
      assert.match(reasons.join(), reason);
      const { stderr } = await capsule(["build", "--verbose", "main.ts"], { cwd });
      assert.match(stderr, /snapshot taken before the program/);
      assert.match(stderr, reason);
      const seen = [];
      for (let i = 0; i < 2; i++) {
        const { envelope } = await runFile<unknown[]>(cwd, "main.ts");
        assert.ok(envelope.success, envelope.error?.message ?? "");
        seen.push(...envelope.result);
      }
      assert.equal(new Set(seen).size, 4, `fresh each time: ${seen}`);
    });

  test("prints in each attempt, once", async () => {
    const cwd = folder({
      "main.ts": program(`console.log("loading", Date.now() > 0);
        export const main = task({ name: "main" }, () => "ran");`),
    });
    for (let i = 0; i < 3; i++) {
      const { stdout, stderr } = await capsule(["run", "main.ts"], { cwd });
      assert.equal(stdout, "loading true\nran\n", stderr);
    }
  });

  test("is charged to the attempt", async () => {
    const cwd = folder({
      "main.ts": program(`const began = Date.now(); let x = 0; for (let i = 0; i < 1_000_000; i++) x += i;
        export const main = task({ name: "main", compute: 2_000_000 }, () => [began, x]);`),
    });
    const { envelope } = await runFile(cwd, "main.ts");
    assert.equal(envelope.error?.error_type, "out_of_fuel");
  });

  test("calls its tasks as any other", async () => {
    const cwd = folder({
      "main.ts": program(`const id = Math.random();
        const one = task({ name: "one", maxRetries: 1 }, () => { if (id < 2) throw new Error("id " + id); });
        const two = task({ name: "two" }, async (x: number) => [x, id]);
        export const main = task({ name: "main" }, async () => {
          const all = await Promise.all([two(1), two(2)]);
          return [one().execution.retries, all.map((e) => e.result![0]), new Set(all.map((e) => e.result![1])).size];
        });`),
    });
    const { envelope } = await runFile(cwd, "main.ts");
    assert.deepEqual(envelope.result, [1, [1, 2], 2], envelope.error?.message ?? "");
  });
});

describe("top-level await", () => {
  test("of timers, promises and imports is loaded to its end", async () => {
    const cwd = folder({
      "main.ts": program(`
        const steps: string[] = [];
        await null;
        steps.push("await");
        await new Promise((resolve) => setTimeout(resolve, 30));
        steps.push("timer");
        const { value } = await import("./other.ts");
        steps.push(value);
        for await (const x of (async function* () { yield "a"; yield "b"; })()) steps.push(x);
        export const main = task({ name: "main" }, () => steps);`),
      "other.ts": 'await new Promise((resolve) => setTimeout(resolve, 5));\nexport const value = "other";\n',
    });
    for (let i = 0; i < 2; i++) {
      const { envelope } = await runFile(cwd, "main.ts");
      assert.deepEqual(envelope.result, ["await", "timer", "other", "a", "b"], envelope.error?.message ?? "");
    }
  });

  test("that never ends is refused", async () => {
    const { code, stderr } = await refusal(
      'await new Promise(() => {});\nexport const main = task({ name: "main" }, () => 1);',
    );
    assert.equal(code, 2);
    assert.match(
      stderr,
      /main\.ts: loading failed: .*top-level await waits for something that can never come/,
    );
  });
});

describe("a program that can't be loaded is refused with exit 2", () => {
  const MAIN = 'export const main = task({ name: "main" }, () => 1);';
  const refused = (ended: Ended, message: RegExp): void => {
    assert.equal(ended.code, 2, ended.stderr);
    assert.equal(ended.stdout, "");
    assert.match(ended.stderr, message);
    assert.doesNotMatch(ended.stderr, /node:internal|packages\/|\bat async\b/);
  };

  for (const [name, source, message] of [
    [
      "an exception",
      `const f = () => { throw new TypeError("at load"); };\n${MAIN}\nf();`,
      /TypeError: at load[\s\S]*main\.ts:2:\d+/,
    ],
    [
      "a rejection",
      `${MAIN}\nawait Promise.reject(new Error("rejected"));`,
      /Error: rejected[\s\S]*main\.ts:3:\d+/,
    ],
    [
      "an unhandled rejection",
      `${MAIN}\nPromise.reject(new Error("floating"));`,
      /floating[\s\S]*main\.ts:3:\d+/,
    ],
    ["a syntax error", `${MAIN}\nconst = 1;`, /main\.ts:3:7/],
    ["a missing import", `import "./absent.ts";\n${MAIN}`, /absent[\s\S]*main\.ts:2:8/],
    ["a missing package", `import "left-pad-absent";\n${MAIN}`, /left-pad-absent/],
    [
      "a call of a task",
      `const t = task({ name: "t" }, () => 1);\nt();\n${MAIN}`,
      /task "t" was called while the program is loading[\s\S]*main\.ts:3:\d/,
    ],
    [
      "an async call",
      `const t = task({ name: "t" }, async () => 1);\nawait t();\n${MAIN}`,
      /task "t" was called while the program is loading[\s\S]*main\.ts:3:\d/,
    ],
    [
      "the same name twice",
      `${MAIN}\ntask({ name: "main" }, () => 2);`,
      /task "main" is defined twice[\s\S]*main\.ts:3:\d/,
    ],
    [
      "an unknown option",
      'export const main = task({ name: "main", memory: "1GB" } as never, () => 1);',
      /no option "memory"[\s\S]*main\.ts:2:\d/,
    ],
    [
      "a wrong option",
      'export const main = task({ name: "main", compute: "HUGE" as never }, () => 1);',
      /compute is "HUGE"; allowed: "LOW", "MEDIUM", "HIGH"[\s\S]*main\.ts:2:\d/,
    ],
    [
      "no main",
      'task({ name: "one" }, () => 1); task({ name: "two" }, () => 1);',
      /no task named "main"[\s\S]*"one", "two"/,
    ],
    ["no task", "task;", /defines no task/],
    ["recursion", `${MAIN}\nconst f = (): number => f() + 1; f();`, /Maximum call stack size exceeded/],
    ["a thrown null", `${MAIN}\nthrow null;`, /null was thrown/],
    ["too much memory", `${MAIN}\nconst all = []; while (true) all.push(new Uint8Array(1 << 24));`, /memory/],
  ] as const)
    test(`(${name})`, async () => refused(await refusal(source), message));

  test("(an endless top level, within half a minute)", async () => {
    const ended = await refusal(`${MAIN}\nconsole.log("printed");\nwhile (true) {}`);
    refused(
      ended,
      /main\.ts: (loading takes longer than 30s|loading failed: its top-level code uses more than 50,000,000,000 units of fuel)/,
    );
    assert.ok(ended.ms < 50_000);
  });
});

test("a failed load prints where, and only with --verbose how", async () => {
  const cwd = folder({ "main.ts": program('throw new Error("at load");') });
  const plain = await capsule(["run", "main.ts"], { cwd });
  const verbose = await capsule(["run", "--verbose", "main.ts"], { cwd });
  assert.deepEqual([plain.code, verbose.code], [2, 2]);
  assert.ok(plain.stderr.split("\n").length < 12, plain.stderr);
  assert.ok(verbose.stderr.length > plain.stderr.length);
});

test("loading takes no arguments, and its output is bounded", async () => {
  const cwd = folder({
    "main.ts": program(`for (let i = 0; i < 3000; i++) console.log("line " + i, "x".repeat(100));
      export const main = task({ name: "main" }, () => "ran");`),
  });
  const ended = await capsule(["run", "--json", "main.ts"], { cwd });
  assert.equal(readEnvelope(ended).result, "ran");
  assert.ok(ended.stderr.length < 70 * 1024, `${ended.stderr.length} bytes`);
});
