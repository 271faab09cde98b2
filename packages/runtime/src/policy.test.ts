/** What an operator allows, in runs: ceilings, mounts and budgets. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { UsageError } from "@capsule-run/protocol";
import type { RunEvent, RunRequest } from "./api.ts";
import { outcome, Project } from "./testing/project.ts";

const project = new Project();
after(() => project[Symbol.asyncDispose]());
const runtime = await project.runtime();

project.write(
  "tree.ts",
  `const twice = task({ name: "twice", allowedHosts: ["*"] }, async (): Promise<unknown> => {
     const both = await Promise.all([twice(), twice()]);
     return both.map(({ error, result }) => error ?? result).flat();
   });
   const bad = task({ name: "bad", maxRetries: 9 }, () => { throw new Error("no"); });
   const spin = task({ name: "spin", compute: "HIGH" }, () => { for (;;); });
   export const main = task({ name: "main", compute: "HIGH", allowedHosts: ["*"] }, async (how: string) => {
     if (how === "tree") return twice();
     if (how === "retries") return bad();
     if (how === "spin") return spin();
     if (how === "many") return Promise.all(Array.from({ length: 30 }, () => spin()));
     if (how === "loop") for (;;);
     if (how === "idle") await new Promise((r) => setTimeout(r, 600_000));
     return "well";
   });`,
);

type Answer = {
  error: { error_type: string; message: string } | null;
  result: unknown;
  execution: { retries: number };
};

const isWell = async (): Promise<void> =>
  assert.equal(await outcome(runtime, { file: "tree.ts", args: ["no"] }), "well", "the host is well");

test("a task that calls itself twice for ever ends, and soon", async () => {
  const events: RunEvent[] = [];
  const began = performance.now();
  const result = (await outcome(runtime, {
    file: "tree.ts",
    args: ["tree"],
    policy: { max_tasks: 40, allowed_hosts: [] },
    onEvent: (event) => events.push(event),
  })) as Answer;
  assert.ok(performance.now() - began < 20_000);
  const failures = JSON.stringify(result.result).match(/"error_type":"[a-z_]+"/g) ?? [];
  assert.deepEqual([...new Set(failures)], ['"error_type":"limit_exceeded"']);
  assert.match(JSON.stringify(result), /40 task executions, retries included: `max_tasks` of its policy/);
  assert.equal(events.filter(({ type }) => type === "attempt_started").length, 40);
  const limited = events.filter((event) => event.type === "task_limited");
  assert.deepEqual(
    limited.map(({ task, cuts }) => [task, ...cuts]),
    ["main", "twice"].map((task) => [task, 'allowed_hosts: "*" is cut to nothing']),
  );
  await isWell();
});

test("retries count", async () => {
  const { error, execution } = (await outcome(runtime, {
    file: "tree.ts",
    args: ["retries"],
    policy: { max_tasks: 3 },
  })) as Answer;
  assert.equal(error?.error_type, "limit_exceeded");
  assert.equal(execution.retries, 1);
});

for (const how of ["spin", "many", "loop"])
  test(`a run ends when its fuel is used up: ${how}`, async () => {
    const began = performance.now();
    const { envelope } = await runtime.run({
      file: "tree.ts",
      args: [how],
      policy: { max_run_compute: 300_000_000 },
    });
    assert.ok(!envelope.success);
    assert.equal(envelope.error.error_type, "limit_exceeded");
    assert.match(envelope.error.message, /300,000,000 units of fuel .*`max_run_compute`/);
    assert.ok(performance.now() - began < 20_000);
    await isWell();
  });

test("what runs at the same time is counted while it runs", async () => {
  const began = performance.now();
  const { envelope } = await runtime.run({
    file: "tree.ts",
    args: ["many"],
    policy: { max_compute: "HIGH", max_run_compute: 4_000_000_000 },
  });
  assert.equal(!envelope.success && envelope.error.error_type, "limit_exceeded");
  // Thirty tasks that each used all of it would take a minute.
  assert.ok(performance.now() - began < 15_000);
});

for (const how of ["idle", "spin", "loop", "retries"])
  test(`a run ends when its time is up: ${how}`, async () => {
    const { envelope } = await runtime.run({
      file: "tree.ts",
      args: [how],
      policy: { max_run_timeout: "300ms", max_compute: "HIGH" },
    });
    assert.ok(!envelope.success);
    assert.equal(envelope.error.error_type, "limit_exceeded");
    assert.match(envelope.error.message, /used up its 300ms of time: `max_run_timeout`/);
    await isWell();
  });

test("a run that is cancelled is cancelled, whatever its budget", async () => {
  const signal = AbortSignal.timeout(300);
  const request = { file: "tree.ts", args: ["idle"], signal, policy: { max_run_timeout: "1h" } };
  assert.match(String(await outcome(runtime, request)), /^cancelled/);
});

test("the project's defaults and ceiling hold, below them the run's own", async () => {
  writeFileSync(
    join(project.folder, "capsule.toml"),
    '[tasks]\ndefault_timeout = "400ms"\n[policy]\nmax_compute = 20_000_000\nmax_tasks = 1\n',
  );
  try {
    const run = (how: string, policy: RunRequest["policy"] = {}) =>
      outcome(runtime, { file: "tree.ts", args: [how], policy });
    assert.match(String(await run("loop")), /^out_of_fuel.* 20,000,000 /s);
    assert.match(String(await run("loop", { max_compute: 10_000_000 })), /^out_of_fuel.* 10,000,000 /s);
    assert.match(String(await run("loop", { max_compute: "HIGH" })), /^out_of_fuel.* 20,000,000 /s);
    assert.match(String(await run("idle")), /^timeout.*400ms/);
    const { error } = (await run("spin", { max_tasks: 100 })) as Answer;
    assert.match(error?.message ?? "", /used up its 1 task executions/);
  } finally {
    writeFileSync(join(project.folder, "capsule.toml"), "");
  }
});

const WRONG: readonly (readonly [Omit<RunRequest, "file">, RegExp])[] = [
  [{ policy: { allowed_host: [] } as RunRequest["policy"] }, /did you mean "allowed_hosts"\?.*\[policy\]/],
  [
    { policy: { max_ram: "1MB" } },
    /max_ram is 1048576 bytes; an empty sandbox of tree\.ts takes [0-9]+ bytes/,
  ],
  [{ mounts: ["../x"] }, /HOST that is not inside the project.*\[mount\]/],
  [{ mounts: ["a::x", "b::x"] }, /at one place/],
  [{ mounts: ["nothing"] }, /there is no folder "nothing" in the project root.*\[mount\]/],
  [{ mounts: ["tree.ts"] }, /there is no folder "tree\.ts"/],
];

for (const [request, message] of WRONG)
  test(`refused: ${JSON.stringify(request)}`, async () => {
    await assert.rejects(runtime.run({ file: "tree.ts", ...request }), (error) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, message);
      return true;
    });
  });
