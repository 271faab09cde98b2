/** Programs run from a host program: what `run` and `createRuntime` promise. */
import assert from "node:assert/strict";
import { cpSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { createRuntime, type Output, type RunEvent, type Runtime, UsageError } from "@capsule-run/sdk/runner";
import { CAPSULE, capsule as commandLine, folder, program, start } from "./support/capsule.ts";
import { cellsOf, onLinux, survivors } from "./support/processes.ts";

const rejections: unknown[] = [];
process.on("unhandledRejection", (reason) => rejections.push(reason));

const MAIN = `export const main = task({ name: "main" }, async`;

const cwd = folder({
  "capsule.toml": "",
  "echo.ts": program(`${MAIN} (...args: unknown[]) => args);`),
  "spin.ts": program(
    `export const main = task({ name: "main", compute: "HIGH" }, async () => { for (;;); });`,
  ),
  "talk.ts": program(`const sub = task({ name: "sub" }, async () => { console.log("sub"); });
    ${MAIN} () => { console.log("héllo"); await sub(); console.error("end"); });`),
  "large.ts": program(`${MAIN} () => "x".repeat(1_000_000));`),
  "slow.ts": program(
    `${MAIN} (ms: number) => { await new Promise((go) => setTimeout(go, ms)); return ms; });`,
  ),
  "imports-run.ts": `import { run, task } from "@capsule-run/sdk"; ${MAIN} () => typeof run);`,
  "host.mjs": `import { run } from "@capsule-run/sdk";
    const { result } = await run({ file: "slow.ts", args: [Number(process.argv[2])] });
    const over = performance.now();
    process.on("exit", () => console.log(JSON.stringify({ result, ms: performance.now() - over })));`,
  "host.cjs": `const { run, UsageError } = require("@capsule-run/sdk/runner");
    run({ file: "echo.ts", args: [1] }).then(({ result }) => console.log(JSON.stringify(result)));
    run({ file: "none.ts" }).catch((error) => console.error(error instanceof UsageError, error.slug));`,
});

let runtime: Runtime;
before(async () => {
  runtime = await createRuntime({ cwd });
});
after(async () => {
  await runtime.close();
  assert.deepEqual(rejections, []);
});

const usage = (slug: string, text: RegExp) => (error: unknown) => {
  assert.ok(error instanceof UsageError, String(error));
  assert.equal(error.slug, slug, error.message);
  assert.match(error.message, text);
  return true;
};

test("a hundred runs at once, each with its own arguments; so many at a time as asked for", async () => {
  const all = await Promise.all(
    Array.from({ length: 100 }, (_, i) => runtime.run<number[]>({ file: "echo.ts", args: [i] })),
  );
  assert.deepEqual(
    all.map(({ result }) => result?.[0]),
    Array.from({ length: 100 }, (_, i) => i),
  );
  assert.equal(new Set(all.map(({ runId }) => runId)).size, 100);
  await using narrow = await createRuntime({ cwd, concurrency: 2 });
  let [running, most] = [0, 0];
  const onEvent = ({ type, path }: RunEvent): void => {
    if (path === "0" && type === "attempt_started") most = Math.max(most, ++running);
    if (path === "0" && type === "task_ended") running--;
  };
  await Promise.all([20, 20, 20, 20, 20].map((ms) => narrow.run({ file: "slow.ts", args: [ms], onEvent })));
  assert.equal(most, 2);
});

test("arguments are JSON of any shape, and the result is the same, as text too", async () => {
  const args = [
    null,
    true,
    -0.5,
    1e300,
    "é\u2028\0\ud83d\ude00",
    [],
    {},
    [[[{ a: { b: [1] } }]]],
    { __proto__x: 1, "": 2 },
  ];
  const answer = await runtime.run({ file: "echo.ts", args });
  assert.deepEqual(answer.result, args);
  assert.equal(answer.resultJson, JSON.stringify(args));
  assert.deepEqual(Object.keys(answer), ["success", "result", "error", "execution"]);
  const shorter = await runtime.run<unknown[]>({ file: "echo.ts", args: [1, undefined, undefined] });
  assert.deepEqual(shorter.result, [1]);
});

test("output and events come in order, while the run goes on", async () => {
  const seen: string[] = [];
  const onOutput = ({ stream, text, bytes, task, path }: Output): void => {
    assert.equal(Buffer.from(bytes).toString(), text);
    seen.push(`${stream} ${task} ${path} ${text.trim()}`);
  };
  const onEvent = ({ type, path, run }: RunEvent): void => {
    assert.equal(run, "named");
    seen.push(`${type} ${path}`);
  };
  const answer = await runtime.run({ file: "talk.ts", runId: "named", onOutput, onEvent });
  assert.equal(answer.runId, "named");
  assert.deepEqual(seen, [
    ...["task_queued 0", "attempt_started 0", "stdout main 0 héllo"],
    ...["task_queued 0.1", "attempt_started 0.1", "stdout sub 0.1 sub", "task_ended 0.1"],
    ...["stderr main 0 end", "task_ended 0"],
  ]);
});

test("what a callback throws, at once or later, is thrown by the run", async () => {
  const wrong = new Error("mine");
  const file = "talk.ts";
  await assert.rejects(
    runtime.run({
      file,
      onOutput: () => {
        throw wrong;
      },
    }),
    wrong,
  );
  await assert.rejects(runtime.run({ file, onEvent: () => Promise.reject(wrong) }), wrong);
});

test("an AbortSignal cancels a run before it begins, while it compiles, and while it runs", async () => {
  const typeOf = async (signal: AbortSignal, file: string): Promise<string | undefined> =>
    (await runtime.run({ file, signal })).error?.error_type;
  assert.equal(await typeOf(AbortSignal.abort(), "echo.ts"), "cancelled");
  writeFileSync(join(cwd, "fresh.ts"), program(`for (let i = 0; i < 3e7; i++); ${MAIN} () => 1);`));
  assert.equal(await typeOf(AbortSignal.timeout(5), "fresh.ts"), "cancelled");
  assert.equal(await typeOf(AbortSignal.timeout(300), "spin.ts"), "cancelled");
  await using narrow = await createRuntime({ cwd, concurrency: 1 });
  const first = narrow.run({ file: "slow.ts", args: [300] });
  const waiting = await narrow.run({ file: "slow.ts", args: [1], signal: AbortSignal.timeout(20) });
  assert.equal(waiting.error?.error_type, "cancelled");
  assert.equal((await first).result, 300);
});

test("an edited file is noticed by the next call", async () => {
  for (const word of ["one", "two", "three"]) {
    writeFileSync(join(cwd, "edited.ts"), program(`${MAIN} () => "${word}");`));
    assert.equal((await runtime.run({ file: "edited.ts" })).result, word);
  }
});

test("wrong use is a UsageError, each with its slug", async () => {
  const run = (options: object): Promise<unknown> => runtime.run(options as { file: string });
  await assert.rejects(run({ file: "ecko.ts" }), usage("file-not-found", /did you mean echo\.ts\?/));
  await assert.rejects(
    run({ file: "imports-run.ts" }),
    usage("unresolved-import", /^"run" is not exported by "@capsule-run\/sdk"/),
  );
  await assert.rejects(run({}), usage("run-option", /file is undefined/));
  await assert.rejects(run({ file: "echo.ts", arg: [1] }), usage("run-option", /did you mean "args"\?/));
  await assert.rejects(run({ file: "echo.ts", args: [1n] }), usage("run-option", /argument 1 has a BigInt/));
  await assert.rejects(run({ file: "echo.ts", args: [[Number.NaN]] }), usage("run-option", /NaN/));
  await assert.rejects(run({ file: "echo.ts", runId: "../x" }), usage("run-option", /runId is "\.\.\/x"/));
  await assert.rejects(run({ file: "echo.ts", policy: { max_task: 1 } }), usage("policy", /max_task/));
  await assert.rejects(run({ file: "echo.ts", mounts: ["none"] }), usage("mount", /none/));
  await assert.rejects(run({ file: "echo.ts", signal: {} }), usage("run-option", /AbortSignal/));
  await assert.rejects(runtime.load("none.py"), usage("file-not-found", /none\.py/));
  const twice = [1, 2].map(() => runtime.run({ file: "slow.ts", args: [50], runId: "same" }));
  const [kept, refused] = await Promise.allSettled(twice);
  assert.equal(kept?.status, "fulfilled");
  usage("run-option", /there is a run same already/)((refused as PromiseRejectedResult).reason);
  await assert.rejects(createRuntime({ concurrency: 0 }), usage("run-option", /concurrency is 0/));
  await assert.rejects(createRuntime({ capsulePath: cwd }), usage("cli-missing", /capsulePath is /));
  const closed = await createRuntime({ cwd });
  await closed.close();
  await closed.close();
  await assert.rejects(closed.run({ file: "echo.ts" }), usage("runtime-closed", /closed/));
  await assert.rejects(closed.load("echo.ts"), usage("runtime-closed", /closed/));
});

test("load says what is in a program", async () => {
  const { file, language, tasks } = await runtime.load("talk.ts");
  assert.deepEqual([file, language, [...tasks].sort()], ["talk.ts", "javascript", ["main", "sub"]]);
});

test("results of a megabyte leave the event loop to others", async () => {
  await runtime.run({ file: "large.ts" });
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  for (let i = 0; i < 20; i++) {
    const { result } = await runtime.run<string>({ file: "large.ts" });
    assert.equal(result?.length, 1_000_000);
  }
  delay.disable();
  // Wanted are 10 ms; a machine under test has others that use its cores.
  assert.ok(delay.percentile(99) < 60e6, `p99 is ${delay.percentile(99) / 1e6} ms`);
});

test("a closed runtime leaves nothing: no cells, nothing that keeps the process up", {
  skip: !onLinux,
}, async () => {
  const before = new Set(cellsOf(process.pid));
  const capsule = await createRuntime({ cwd });
  const cancelled = capsule.run({ file: "spin.ts" });
  await capsule.run({ file: "echo.ts" });
  const cells = cellsOf(process.pid).filter((pid) => !before.has(pid));
  assert.ok(cells.length > 0);
  await capsule.close();
  assert.equal((await cancelled).error?.error_type, "cancelled");
  assert.deepEqual(await survivors(cells, 2000), []);
});

describe("host programs", () => {
  const node = (...args: string[]) => start(process.execPath, args, { cwd }).ended;
  before(() => {
    symlinkSync(fileURLToPath(new URL("../node_modules", import.meta.url)), join(cwd, "node_modules"));
  });

  // Short and long: the thread that records runs is started after 150 ms.
  for (const ms of [1, 300])
    test(`one that awaits a run of ${ms} ms ends by itself, and the run is recorded`, async () => {
      const ended = await node("host.mjs", String(ms));
      const { result, ms: took } = JSON.parse(ended.stdout) as { result: number; ms: number };
      assert.equal(result, ms, ended.stderr);
      // Wanted are 100 ms, on a machine that has nothing else to do.
      assert.ok(took < 500, `it took ${took} ms to end`);
      const { stdout } = await commandLine(["runs"], { cwd });
      assert.match(stdout, /slow\.ts/);
      assert.doesNotMatch(stdout, /lost/);
    });

  test("find the command line where they say it is, or say that it is missing or another one", async () => {
    const sdk = fileURLToPath(new URL("../packages/sdk/", import.meta.url));
    const alone = folder({
      "main.ts": program(`${MAIN} () => "found");`),
      "old/package.json": '{ "name": "@capsule-run/cli", "version": "0.0.1" }',
      "host.mjs": `import { run } from "@capsule-run/sdk";
        for (const capsulePath of [undefined, "old", ...process.argv.slice(2)])
          await run({ file: "main.ts", capsulePath }).then(({ result }) => console.log(result), ({ slug }) => console.log(slug));`,
    });
    for (const part of ["package.json", "dist"])
      cpSync(join(sdk, part), join(alone, "node_modules/@capsule-run/sdk", part), { recursive: true });
    const { stdout, stderr } = await start(
      process.execPath,
      ["host.mjs", CAPSULE, dirname(dirname(CAPSULE))],
      {
        cwd: alone,
      },
    ).ended;
    assert.equal(stdout, "cli-missing\ncli-version\nfound\nfound\n", stderr);
  });

  test("in CommonJS", async () => {
    const { stdout, stderr, code } = await node("host.cjs");
    assert.deepEqual([stdout, stderr, code], ["[1]\n", "true file-not-found\n", 0]);
  });
});
