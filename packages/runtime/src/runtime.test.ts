import assert from "node:assert/strict";
import { after, test } from "node:test";
import { LIMITS } from "@capsule-run/protocol";
import type { Output, RunEvent } from "./api.ts";
import { cellsOf, outcome, Project, sleep, until } from "./testing/project.ts";

const project = new Project();
after(() => project[Symbol.asyncDispose]());
const runtime = await project.runtime();

const linux = { skip: process.platform !== "linux" };

project.write("double.ts", 'export const main = task({ name: "main" }, (n: number) => n * 2);');
project.write(
  "wait.ts",
  `const spin = task({ name: "spin", compute: "HIGH" }, () => { for (;;); });
   const slow = task({ name: "slow" }, async () => { await new Promise((r) => setTimeout(r, 600_000)); });
   export const main = task({ name: "main", compute: "HIGH" }, async (how: string) => {
     console.log("begun");
     if (how === "loop") for (;;);
     if (how === "sync") return spin().error;
     if (how === "async") return (await slow()).error;
     if (how === "timer") await new Promise((r) => setTimeout(r, 600_000));
     if (how === "many") return (await Promise.all(Array.from({ length: 400 }, () => slow()))).length;
   });`,
);

test("loads, runs, finds it in the cache, and keeps results apart", async () => {
  assert.equal((await runtime.load("double.ts")).cached, false);
  assert.equal(await outcome(runtime, { file: "double.ts", args: [21] }), 42);
  const other = await project.runtime();
  const loaded = await other.load("double.ts");
  assert.equal(loaded.cached, true);
  assert.deepEqual(
    loaded.manifest.tasks.map(({ name }) => name),
    ["main"],
  );
  const results = await Promise.all(
    Array.from({ length: 40 }, (_, i) => outcome(other, { file: "double.ts", args: [i] })),
  );
  assert.deepEqual(
    results,
    Array.from({ length: 40 }, (_, i) => i * 2),
  );
  await other.close();
});

test("two runs of a program that is not compiled yet compile it once", async () => {
  project.write("fresh.ts", 'console.log("top"); export const main = task({ name: "main" }, () => 1);');
  const both = await Promise.all([
    runtime.load("fresh.ts"),
    runtime.load("fresh.ts"),
    runtime.run({ file: "fresh.ts" }),
  ]);
  assert.deepEqual([both[0].cached, both[1].cached], [false, false]);
  assert.equal(both[2].envelope.success, true);
});

test("arguments as JSON text: counted, checked, and given to main as they are", async () => {
  project.write(
    "one.ts",
    'export const main = task({ name: "main" }, (value: unknown) => JSON.stringify(value));',
  );
  assert.equal(await outcome(runtime, { file: "one.ts", argsJson: '[{"a": [1, "é]"]}]' }), '{"a":[1,"é]"]}');
  for (const [argsJson, message] of [
    ["[1, 2]", /main takes/],
    ["[]", /main takes/],
    ["{}", /the arguments of main are no JSON text of an array/],
    ["[1", /no JSON text of an array/],
    ["[1]\n", /no JSON text of an array/],
  ] as const) {
    const { envelope } = await runtime.run({ file: "one.ts", argsJson });
    assert.ok(!envelope.success && envelope.error.error_type === "invalid_arguments", argsJson);
    assert.match(envelope.error.message, message);
  }
});

test("an edited file is noticed", async () => {
  project.write("edited.ts", 'export const main = task({ name: "main" }, () => "first");');
  assert.equal(await outcome(runtime, { file: "edited.ts" }), "first");
  project.write("edited.ts", 'export const main = task({ name: "main" }, () => "other");');
  assert.equal(await outcome(runtime, { file: "edited.ts" }), "other");
});

for (const how of ["loop", "sync", "async", "timer", "many"])
  test(`cancelled in the middle: ${how}`, async () => {
    await runtime.load("wait.ts");
    const before = cellsOf(process.pid);
    const controller = new AbortController();
    const printed: Output[] = [];
    const running = runtime.run({
      file: "wait.ts",
      args: [how],
      signal: controller.signal,
      onOutput: (output) => printed.push(output),
    });
    assert.ok(await until(() => printed.length > 0));
    await sleep(100);
    const at = performance.now();
    controller.abort();
    const { envelope } = await running;
    assert.ok(performance.now() - at < 2000, "at once");
    assert.ok(!envelope.success && envelope.error.error_type === "cancelled");
    assert.ok(envelope.execution.fuel_consumed > 0, "what it used is told");
    assert.equal(await outcome(runtime, { file: "double.ts", args: [4] }), 8);
    assert.deepEqual(cellsOf(process.pid), before, "no cell had to be killed");
  });

test("cancelled while it is compiled, while it is queued, and before it began", async () => {
  project.write(
    "endless.ts",
    'let i = 0; for (;;) i++; export const main = task({ name: "main" }, () => i);',
  );
  const compiling = new AbortController();
  const run = runtime.run({ file: "endless.ts", signal: compiling.signal });
  await sleep(300);
  compiling.abort();
  const { envelope } = await run;
  assert.equal(!envelope.success && envelope.error.error_type, "cancelled");

  const busy = new AbortController();
  const spinning = Array.from({ length: 16 }, () =>
    runtime.run({ file: "wait.ts", args: ["loop"], signal: busy.signal }),
  );
  await sleep(300);
  const queued = new AbortController();
  const events: RunEvent[] = [];
  const last = runtime.run({
    file: "double.ts",
    args: [1],
    signal: queued.signal,
    onEvent: (event) => events.push(event),
  });
  await sleep(100);
  queued.abort();
  assert.match(String(!(await last).envelope.success), /true/);
  assert.deepEqual(
    events.map(({ type }) => type),
    ["task_queued", "task_ended"],
    "it never got a sandbox",
  );
  busy.abort();
  await Promise.all(spinning);
  assert.match(
    String(await outcome(runtime, { file: "double.ts", signal: AbortSignal.abort() })),
    /^cancelled/,
  );
});

test("a signal that serves many runs gathers no listeners", async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error): void => {
    warnings.push(warning);
  };
  process.on("warning", onWarning);
  const { signal } = new AbortController();
  for (let i = 0; i < 30; i++) await outcome(runtime, { file: "double.ts", args: [i], signal });
  await Promise.all(
    Array.from({ length: 30 }, () => outcome(runtime, { file: "double.ts", args: [1], signal })),
  );
  await sleep(10);
  process.off("warning", onWarning);
  assert.deepEqual(warnings, []);
});

test("parents that are suspended while other calls of theirs complete take nobody's place", async () => {
  project.write(
    "parents.ts",
    `const quick = task({ name: "quick" }, async (n: number) => n);
     const block = task({ name: "block" }, (n: number) => n);
     const parent = task({ name: "parent" }, async (n: number) => {
       const pending = [quick(n), quick(n), quick(n)];
       const sum = block(n).result + block(n).result;
       for (const p of pending) await p;
       return sum;
     });
     export const main = task({ name: "main" }, async () => {
       const all = await Promise.all(Array.from({ length: 120 }, (_, i) => parent(i)));
       return all.filter((e, i) => e.result === 2 * i).length;
     });`,
  );
  assert.equal(await outcome(runtime, { file: "parents.ts" }), 120);
});

test("tasks call tasks to the depth that is allowed, and no further", async () => {
  project.write(
    "deep.ts",
    `const down = task({ name: "down" }, (n: number): unknown => {
       const { success, result, error } = down(n + 1);
       return success ? result : [n, error.error_type, error.message];
     });
     export const main = task({ name: "main" }, () => down(1).result);`,
  );
  const [depth, type, message] = (await outcome(runtime, { file: "deep.ts" })) as unknown[];
  assert.deepEqual([depth, type], [LIMITS.depth, "limit_exceeded"]);
  assert.match(String(message), /depth of 100/);
});

test("arguments are checked before anything runs", async () => {
  const cases: readonly (readonly unknown[])[] = [[], [1, 2], [10n]];
  const cycle: unknown[] = [];
  cycle.push(cycle);
  for (const args of [...cases, [cycle]])
    assert.match(String(await outcome(runtime, { file: "double.ts", args })), /^invalid_arguments: /);
  const large = "x".repeat(LIMITS.argumentBytes);
  assert.match(
    String(await outcome(runtime, { file: "double.ts", args: [large] })),
    /^invalid_arguments: .*33,554,432/,
  );
});

test("arguments and results that grow in UTF-8 fail alone, and leave the cell as it was", async () => {
  project.write(
    "large.ts",
    `const child = task({ name: "child" }, (s: string) => s.length);
     export const main = task({ name: "main", compute: "HIGH" }, (how: string) => {
       const text = "€".repeat(12_000_000);
       return how === "result" ? text : child(text).error;
     });`,
  );
  await runtime.load("large.ts");
  const before = cellsOf(process.pid);
  const idle = new AbortController();
  const other = runtime.run({ file: "wait.ts", args: ["timer"], signal: idle.signal });
  const refusal = (await outcome(runtime, { file: "large.ts", args: ["call"] })) as { error_type: string };
  assert.equal(refusal.error_type, "invalid_arguments");
  assert.match(
    String(await outcome(runtime, { file: "large.ts", args: ["result"] })),
    /^invalid_result: the result is 36000002 bytes/,
  );
  assert.deepEqual(cellsOf(process.pid), before);
  idle.abort();
  const { envelope } = await other;
  assert.equal(
    !envelope.success && envelope.error.error_type,
    "cancelled",
    "another attempt in the cell lived on",
  );
});

test("output beyond the limit of an attempt: cut, and said once", async () => {
  project.write(
    "flood.ts",
    `export const main = task({ name: "main", compute: "HIGH" }, () => {
       const line = "é".repeat(500_000);
       for (let i = 0; i < 12; i++) console.log(line);
       return "done";
     });`,
  );
  const texts = { stdout: "", stderr: "" };
  const onOutput = ({ stream, bytes }: Output): void => {
    const text = Buffer.from(bytes).toString();
    assert.ok(!text.includes("\ufffd"), "no character is cut");
    texts[stream] += text;
  };
  assert.equal(await outcome(runtime, { file: "flood.ts", onOutput }), "done");
  const size = Buffer.byteLength(texts.stdout);
  assert.ok(size <= LIMITS.attemptOutputBytes && size > LIMITS.attemptOutputBytes - 4);
  assert.equal(texts.stderr.match(/"main" printed more than 8,388,608 bytes/g)?.length, 1);
});

test("a program that prints thousands of lines while it is loaded can be loaded", async () => {
  project.write(
    "lines.ts",
    'for (let i = 0; i < 30_000; i++) console.log(""); export const main = task({ name: "main" }, () => 1);',
  );
  let lines = 0;
  const onOutput = ({ bytes }: Output): void => {
    lines += bytes.length;
  };
  assert.equal(await outcome(runtime, { file: "lines.ts", onOutput }), 1);
  assert.equal(lines, 30_000);
});

test("what a callback throws ends the run with it, and nothing else", async () => {
  const mine = new Error("mine");
  const fail = (): never => {
    throw mine;
  };
  await assert.rejects(runtime.run({ file: "wait.ts", args: ["loop"], onOutput: fail }), mine);
  await assert.rejects(runtime.run({ file: "wait.ts", args: ["timer"], onEvent: fail }), mine);
  assert.equal(await outcome(runtime, { file: "double.ts", args: [2] }), 4);
});

test("a cell killed in the middle: retried on another where asked for", linux, async () => {
  const program = (retries: number): string =>
    `export const main = task({ name: "main", maxRetries: ${retries} }, async () => {
       console.log("begun"); await new Promise((r) => setTimeout(r, 700)); return "survived"; });`;
  project.write("brave.ts", program(2));
  project.write("timid.ts", program(0));
  const own = await project.runtime();
  const others = cellsOf(process.pid);
  for (const file of ["brave.ts", "timid.ts"]) {
    await own.load(file);
    const printed: Output[] = [];
    const running = own.run({ file, onOutput: (output) => printed.push(output) });
    assert.ok(await until(() => printed.length > 0));
    const cells = cellsOf(process.pid).filter((pid) => !others.includes(pid));
    assert.equal(cells.length, 1);
    process.kill(cells[0] as number, "SIGKILL");
    const { envelope } = await running;
    if (file === "brave.ts") {
      assert.ok(envelope.success && envelope.resultJson === '"survived"');
      assert.equal(envelope.execution.retries, 1);
      assert.equal(printed.length, 2);
    } else {
      assert.ok(!envelope.success && envelope.error.error_type === "internal_error");
      assert.match(envelope.error.message, /SIGKILL/);
    }
    assert.equal(await outcome(own, { file: "double.ts", args: [3] }), 6);
  }
  await own.close();
});

test("closed: what runs is cancelled, no cell is left, nothing begins", linux, async () => {
  const own = await project.runtime({ cells: 2 });
  const others = cellsOf(process.pid);
  await own.load("wait.ts");
  project.write("endless2.ts", 'for (;;); export const main = task({ name: "main" }, () => 1);');
  const runs = ["loop", "timer", "sync"].map((how) => own.run({ file: "wait.ts", args: [how] }));
  runs.push(own.run({ file: "endless2.ts" }));
  await sleep(400);
  const cells = cellsOf(process.pid).filter((pid) => !others.includes(pid));
  assert.ok(cells.length > 0);
  await own.close();
  for (const { envelope } of await Promise.all(runs))
    assert.equal(!envelope.success && envelope.error.error_type, "cancelled");
  assert.ok(await until(() => !cellsOf(process.pid).some((pid) => cells.includes(pid))));
  await assert.rejects(own.run({ file: "double.ts" }), /closed/);
  await assert.rejects(own.load("double.ts"), /closed/);
  await own.close();
});

test("sub-tasks that a parent leaves behind are told to have ended, each once", async () => {
  project.write(
    "leaves.ts",
    `const sleeper = task({ name: "sleeper" }, async (): Promise<void> => {
       await new Promise((resolve) => setTimeout(resolve, 600_000));
     });
     const middle = task({ name: "middle" }, async () => { await sleeper(); });
     export const main = task({ name: "main" }, async () => {
       void middle();
       await new Promise((resolve) => setTimeout(resolve, 300));
       return "done";
     });`,
  );
  const ends: string[] = [];
  const onEvent = (event: RunEvent): void => {
    if (event.type !== "task_ended") return;
    const { envelope } = event;
    ends.push(`${event.task} ${envelope.success ? "ok" : envelope.error.error_type}`);
  };
  assert.equal(await outcome(runtime, { file: "leaves.ts", onEvent }), "done");
  assert.ok(ends.includes("middle cancelled"), ends.join(", "));
  assert.equal(new Set(ends).size, ends.length);
  assert.equal(ends.at(-1), "main ok");
});

test("a file that is edited while it is compiled runs as it is when the run begins", async () => {
  const version = (n: number) => `export const main = task({ name: "main" }, () => ${n});`;
  for (let n = 0; n < 6; n += 2) {
    project.write("hasty.ts", version(n));
    const first = runtime.load("hasty.ts");
    await sleep(n * 15);
    project.write("hasty.ts", version(n + 1));
    assert.equal(await outcome(runtime, { file: "hasty.ts" }), n + 1);
    await first;
  }
});
