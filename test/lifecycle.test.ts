/** However a run is ended, it ends: no process is left, and nothing else is touched. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  CAPSULE,
  capsule,
  type Ended,
  folder,
  program,
  runFile,
  type Started,
  start,
  startCapsule,
} from "./support/capsule.ts";
import { cellsOf, onLinux, survivors, waitForCells } from "./support/processes.ts";

const skip = !onLinux;

const PROGRAMS = {
  "loop.ts": program(`export const main = task({ name: "main", compute: "50000000000000" }, () => {
    console.log("started");
    while (true) {}
  });`),
  "regex.ts": program(`export const main = task({ name: "main", compute: "50000000000000" }, () => {
    console.log("started");
    return /^(a+)+$/.test("a".repeat(60) + "!");
  });`),
  "sub.ts":
    program(`const child = task({ name: "child", compute: "50000000000000" }, () => { console.log("started"); while (true) {} });
    export const main = task({ name: "main" }, () => child());`),
  "many.ts": program(`const child = task({ name: "child", compute: "50000000000000" }, async (i: number) => {
      if (i === 40) console.log("started");
      if (i % 2) await new Promise((resolve) => setTimeout(resolve, 3_600_000));
      while (true) {}
    });
    export const main = task({ name: "main" }, async () => { await Promise.all(Array.from({ length: 60 }, (_, i) => child(i))); });`),
  "timer.ts": program(`export const main = task({ name: "main" }, async () => {
    console.log("started");
    await new Promise((resolve) => setTimeout(resolve, 3_600_000));
  });`),
  "retry.ts": program(
    `export const main = task({ name: "main", maxRetries: 1000000 }, () => { console.log("started"); throw new Error("x"); });`,
  ),
  "load.ts": program(
    `console.log("loading"); while (true) {}\nexport const main = task({ name: "main" }, () => 1);`,
  ),
  "output.ts": program(`export const main = task({ name: "main", compute: "50000000000000" }, () => {
    console.log("started");
    for (let i = 0; i < 100_000; i++) console.log("line " + i);
    while (true) {}
  });`),
};

/** Starts a command in a process group of its own, as a shell does, and waits until it runs. */
async function begin(
  args: readonly string[],
  until: string | null,
  cwd = folder(PROGRAMS),
): Promise<{ readonly started: Started; readonly cells: readonly number[] }> {
  const started = startCapsule(args, { cwd, detached: true });
  if (until !== null) await started.printed(until);
  const cells = await waitForCells(started.pid);
  return { started, cells };
}

async function noneLeft({ pid }: Started, cells: readonly number[]): Promise<void> {
  assert.ok(cells.length > 0);
  assert.deepEqual(await survivors([pid, ...cells], 2000), [], "processes that are left");
}

describe("Ctrl-C", { skip }, () => {
  for (const file of ["loop.ts", "regex.ts", "sub.ts", "many.ts", "timer.ts", "retry.ts", "output.ts"])
    test(`ends a run (${file})`, async () => {
      const { started, cells } = await begin(["run", file], "started");
      process.kill(-started.pid, "SIGINT");
      const { code, stderr, signal } = await started.ended;
      assert.deepEqual([code, signal], [130, null], stderr.slice(-500));
      assert.match(stderr, /main failed \(cancelled\)/, "the summary is printed");
      await noneLeft(started, cells);
    });

  test("ends the loading of a program", async () => {
    const { started, cells } = await begin(["run", "load.ts"], null);
    await sleep(500);
    process.kill(-started.pid, "SIGINT");
    const { code, stdout, ms } = await started.ended;
    assert.equal(code, 130);
    assert.doesNotMatch(stdout, /started/);
    assert.ok(ms < 20_000);
    await noneLeft(started, cells);
  });

  test("twice ends at once", async () => {
    const { started, cells } = await begin(["run", "many.ts"], "started");
    process.kill(-started.pid, "SIGINT");
    await sleep(150);
    try {
      process.kill(-started.pid, "SIGINT");
    } catch {
      // It has ended already.
    }
    assert.equal((await started.ended).code, 130);
    await noneLeft(started, cells);
  });

  test("prints the envelope with --json", async () => {
    const { started, cells } = await begin(["run", "--json", "sub.ts"], "started");
    process.kill(-started.pid, "SIGINT");
    const { code, stdout } = await started.ended;
    assert.equal(code, 130);
    const envelope = JSON.parse(stdout) as { success: boolean; error: { error_type: string } };
    assert.deepEqual([envelope.success, envelope.error.error_type], [false, "cancelled"]);
    await noneLeft(started, cells);
  });

  test("while compiling leaves a cache that works", async () => {
    const cwd = folder(PROGRAMS);
    for (const wait of [0, 60, 120, 180, 240]) {
      const started = startCapsule(["run", "timer.ts"], { cwd, detached: true });
      await sleep(wait);
      const cells = cellsOf(started.pid);
      try {
        process.kill(-started.pid, "SIGINT");
      } catch {}
      const { code, signal, stderr } = await started.ended;
      // Before it listens for signals, the signal itself ends it.
      assert.ok(code === 130 || signal === "SIGINT", `${code} ${signal} ${stderr}`);
      assert.deepEqual(await survivors([started.pid, ...cells], 2000), []);
    }
    const { started } = await begin(["run", "timer.ts"], "started", cwd);
    process.kill(-started.pid, "SIGINT");
    assert.equal((await started.ended).code, 130);
  });
});

test("SIGTERM ends a run with 143", { skip }, async () => {
  const { started, cells } = await begin(["run", "many.ts"], "started");
  process.kill(started.pid, "SIGTERM");
  const { code, stderr } = await started.ended;
  assert.equal(code, 143, stderr);
  await noneLeft(started, cells);
});

test("a host that is killed leaves no cell", { skip }, async () => {
  for (const file of ["loop.ts", "many.ts", "timer.ts", "output.ts"]) {
    const { started, cells } = await begin(["run", file], "started");
    process.kill(started.pid, "SIGKILL");
    await started.ended;
    await noneLeft(started, cells);
  }
});

describe("a cell that is killed", { skip }, () => {
  test("ends what ran in it as internal_error, and nothing else", async () => {
    const cwd = folder({
      "main.ts": program(`
        const spin = task({ name: "spin", compute: "50000000000000" }, async (i: number) => { console.log("spin " + i); while (true) {} });
        const quick = task({ name: "quick" }, async (i: number) => i * 2);
        export const main = task({ name: "main", compute: "HIGH", maxRetries: 3 }, async () => {
          const spins = await Promise.all([spin(1), spin(2), spin(3)]);
          const after = await Promise.all([quick(1), quick(2), quick(3)]);
          return [spins.map((e) => [e.success, e.error!.error_type, e.error!.message]), after.map((e) => e.result)];
        });`),
    });
    const started = startCapsule(["run", "--json", "main.ts"], { cwd });
    await started.printed("spin 3");
    // All of them: the one main is in as well, so that it starts again once and needs another round.
    for (let round = 0; round < 20; round++) {
      for (const cell of cellsOf(started.pid)) process.kill(cell, "SIGKILL");
      const over = await Promise.race([started.ended.then(() => true), sleep(1500).then(() => false)]);
      if (over) break;
    }
    const { code, stdout, stderr } = await started.ended;
    assert.equal(code, 1, stderr);
    const envelope = JSON.parse(stdout) as {
      error: { error_type: string; message: string };
      execution: { retries: number };
    };
    assert.equal(envelope.error.error_type, "internal_error");
    assert.match(envelope.error.message, /cell was killed by SIGKILL/);
    assert.equal(envelope.execution.retries, 3);
  });

  test("costs a task that may be retried only the attempt", async () => {
    const cwd = folder({
      "main.ts": program(`
        export const main = task({ name: "main", maxRetries: 2 }, async () => {
          console.log("attempt");
          await new Promise((resolve) => setTimeout(resolve, 1500));
          return "survived";
        });`),
    });
    const started = startCapsule(["run", "--json", "main.ts"], { cwd });
    await started.printed("attempt");
    const [cell] = await waitForCells(started.pid);
    process.kill(cell as number, "SIGKILL");
    const { code, stdout } = await started.ended;
    assert.equal(code, 0);
    const envelope = JSON.parse(stdout) as { result: string; execution: { retries: number } };
    assert.deepEqual([envelope.result, envelope.execution.retries], ["survived", 1]);
  });

  test("leaves tasks in other cells as they are", async () => {
    const cwd = folder({
      "main.ts": program(`
        const job = task({ name: "job", compute: "HIGH" }, async (i: number) => {
          console.log("job " + i);
          await new Promise((resolve) => setTimeout(resolve, 2500));
          let x = 0;
          for (let n = 0; n < 1000; n++) x += n;
          return x;
        });
        export const main = task({ name: "main", maxRetries: 5 }, async () => {
          const all = await Promise.all(Array.from({ length: 12 }, (_, i) => job(i)));
          return all.map((e) => e.success ? e.result : e.error.error_type);
        });`),
    });
    const started = startCapsule(["run", "--json", "main.ts"], { cwd });
    await started.printed("job 11");
    const cells = await waitForCells(started.pid);
    if (cells.length > 1) process.kill(cells.at(-1) as number, "SIGKILL");
    const { stdout, stderr } = await started.ended;
    const envelope = JSON.parse(stdout) as { result: unknown[]; execution: { retries: number } };
    assert.ok(Array.isArray(envelope.result), stderr);
    assert.equal(envelope.result.length, 12);
    for (const each of envelope.result)
      assert.ok(each === 499_500 || each === "internal_error", String(each));
    // Either main was in the killed cell and ran again, or some of its children were and it saw them fail.
    if (envelope.execution.retries === 0 && cells.length > 1) assert.ok(envelope.result.includes(499_500));
  });
});

describe("a reader that leaves", () => {
  const pipe = (line: string, cwd: string): Promise<Ended> =>
    start("bash", ["-c", `set -o pipefail; capsule() { "$NODE" "$LAUNCHER" "$@"; }; ${line}`], {
      cwd,
      extra: { NODE: process.execPath, LAUNCHER: CAPSULE },
    }).ended;

  test("ends the run quietly (| head -1)", { skip }, async () => {
    const { code, stdout, stderr, ms } = await pipe("capsule run output.ts | head -1", folder(PROGRAMS));
    assert.equal(stdout, "started\n");
    assert.equal(stderr, "");
    assert.equal(code, 0);
    assert.ok(ms < 20_000);
  });

  test("of stderr changes nothing", { skip }, async () => {
    const cwd = folder({
      "main.ts": program(`export const main = task({ name: "main" }, async () => {
        for (let i = 0; i < 2000; i++) console.error("line " + i);
        await new Promise((resolve) => setTimeout(resolve, 50));
        console.error("late");
        return "ended";
      });`),
    });
    const { code, stdout } = await pipe("capsule run main.ts 2> >(head -1 > /dev/null)", cwd);
    assert.equal(stdout, "ended\n");
    assert.equal(code, 0);
  });
});

test("ordinary runs leave nothing behind but the cache", { skip }, async () => {
  const cwd = folder({ "main.ts": program(`export const main = task({ name: "main" }, () => "ran");`) });
  const started = startCapsule(["run", "main.ts"], { cwd });
  const cells = await waitForCells(started.pid).catch(() => []);
  assert.equal((await started.ended).code, 0);
  assert.deepEqual(await survivors(cells, 2000), []);
  assert.deepEqual(readdirSync(cwd).toSorted(), [".capsule", "main.ts"]);
  for (const name of readdirSync(join(cwd, ".capsule")))
    assert.ok(["cache", "runs.db", ".gitignore"].includes(name), name);
  assert.deepEqual((await capsule(["run", "main.ts"], { cwd })).stdout, "ran\n");
  assert.equal((await runFile(cwd, "main.ts")).envelope.result, "ran");
});
