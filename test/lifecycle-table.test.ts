/** What ran and what runs: `.capsule/runs.db`, `capsule runs` and `capsule inspect`. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { capsule, folder, program, startCapsule } from "./support/capsule.ts";

interface Run {
  readonly id: string;
  readonly state: string;
  readonly file: string;
  readonly language: string | null;
  readonly error_type: string | null;
  readonly message: string | null;
  readonly tasks: number;
  readonly tasks_failed: number;
  readonly fuel_consumed: number;
  readonly ended_at: string | null;
}
interface Task {
  readonly path: string;
  readonly task: string;
  readonly state: string;
  readonly attempts: number;
  readonly parent_attempt: number | null;
  readonly error_type: string | null;
  readonly message: string | null;
}
interface Inspected {
  readonly run: Run;
  readonly tasks: readonly Task[];
}

async function listRuns(cwd: string): Promise<readonly Run[]> {
  const { code, stdout, stderr } = await capsule(["runs", "--json"], { cwd });
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout).runs;
}

async function inspectRun(cwd: string, id: string): Promise<Inspected> {
  const { code, stdout, stderr } = await capsule(["inspect", "--json", id], { cwd });
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

/** Waits until the newest run is in a state. */
async function newestIs(cwd: string, state: string): Promise<Run> {
  for (let i = 0; ; i++) {
    const [run] = await listRuns(cwd);
    if (run?.state === state) return run;
    assert.ok(i < 100, `the newest run is ${run?.state}, not ${state}`);
    await sleep(50);
  }
}

/** The same programs in both languages. */
const LANGUAGES = {
  javascript: {
    file: "main.ts",
    tree: program(`
      export const leaf = task({ name: "leaf" }, async (n: number) => n);
      export const branch = task({ name: "branch" }, async (n: number) => { await leaf(n); await leaf(n); return n; });
      export const flaky = task({ name: "flaky", maxRetries: 1 }, async () => { await leaf(0); throw new Error("never"); });
      export const slow = task({ name: "slow", timeout: "100ms" }, async () => { for (;;); });
      export const main = task({ name: "main" }, async () => {
        await branch(1);
        await flaky();
        await slow();
        return "done";
      });`),
    fails: program(`export const main = task({ name: "main" }, () => { throw new Error("out of order"); });`),
    wide: program(`
      export const leaf = task({ name: "leaf" }, async (n: number) => { if (n === 700) throw new Error("700"); return n; });
      export const main = task({ name: "main" }, async () => {
        await Promise.all(Array.from({ length: 1000 }, (_, n) => leaf(n)));
      });`),
    sleeps: program(`
      export const nap = task({ name: "nap" }, async () => { await new Promise((done) => setTimeout(done, 60_000)); });
      export const main = task({ name: "main" }, async () => { console.log("sleeping"); await nap(); });`),
    naps: program(`
      export const nap = task({ name: "nap" }, async () => { await new Promise((done) => setTimeout(done, 1500)); });
      export const main = task({ name: "main" }, async () => { await nap(); });`),
  },
  python: {
    file: "main.py",
    tree: `from capsule import task
@task(name="leaf")
async def leaf(n):
    return n
@task(name="branch")
async def branch(n):
    await leaf(n)
    await leaf(n)
    return n
@task(name="flaky", max_retries=1)
async def flaky():
    await leaf(0)
    raise ValueError("never")
@task(name="slow", timeout="100ms")
async def slow():
    while True:
        pass
@task(name="main")
async def main():
    await branch(1)
    await flaky()
    await slow()
    return "done"
`,
    fails: `from capsule import task
@task(name="main")
def main():
    raise ValueError("out of order")
`,
    wide: `import asyncio
from capsule import task
@task(name="leaf")
async def leaf(n):
    if n == 700:
        raise ValueError("700")
    return n
@task(name="main")
async def main():
    await asyncio.gather(*(leaf(n) for n in range(1000)))
`,
    sleeps: `import asyncio
from capsule import task
@task(name="nap")
async def nap():
    await asyncio.sleep(60)
@task(name="main")
async def main():
    print("sleeping", flush=True)
    await nap()
`,
    naps: `import asyncio
from capsule import task
@task(name="nap")
async def nap():
    await asyncio.sleep(1.5)
@task(name="main")
async def main():
    await nap()
`,
  },
} as const;

for (const [language, { file, ...sources }] of Object.entries(LANGUAGES))
  describe(language, () => {
    test("a tree with retries, failures and a timeout is recorded as it went", async () => {
      const cwd = folder({ [file]: sources.tree });
      assert.equal((await capsule(["run", file], { cwd })).code, 0);
      const [listed] = await listRuns(cwd);
      const { run, tasks } = await inspectRun(cwd, (listed as Run).id.slice(0, 8));
      assert.deepEqual(run, listed);
      assert.deepEqual(
        [run.state, run.file, run.language, run.tasks, run.tasks_failed],
        ["succeeded", file, language, 8, 2],
      );
      assert.deepEqual(
        tasks.map(({ path, task, state, attempts, parent_attempt, error_type }) =>
          [path, task, state, attempts, parent_attempt, error_type].join(" "),
        ),
        [
          "0 main succeeded 1  ",
          "0.1 branch succeeded 1 1 ",
          "0.1.1 leaf succeeded 1 1 ",
          "0.1.2 leaf succeeded 1 1 ",
          "0.2 flaky failed 2 1 task_error",
          "0.2.1 leaf succeeded 1 1 ",
          "0.2.1 leaf succeeded 1 2 ",
          "0.3 slow failed 1 1 timeout",
        ],
      );
      const { stdout } = await capsule(["inspect", run.id], { cwd });
      assert.match(
        stdout,
        /^run [0-9a-f-]{36} succeeded\n[\s\S]*\n {2}main \[0\] succeeded[^\n]*\n {4}branch \[0\.1\] succeeded[^\n]*\n {6}leaf \[0\.1\.1\]/,
      );
      assert.match(stdout, /\n {4}flaky \[0\.2\] failed \(task_error\) · 2 attempts · [^\n]*never/);
      assert.match(stdout, /\n {4}slow \[0\.3\] failed \(timeout\) · /);
    });

    test("a run that fails", async () => {
      const cwd = folder({ [file]: sources.fails });
      assert.equal((await capsule(["run", file], { cwd })).code, 1);
      const [run] = await listRuns(cwd);
      assert.deepEqual([run?.state, run?.error_type], ["failed", "task_error"]);
      assert.match(run?.message ?? "", /out of order/);
      const { stdout } = await capsule(["runs"], { cwd });
      assert.match(stdout, /^ID +STATE .*\n[0-9a-f]{8} {2}failed .* main\.\S+ +task_error\n$/);
    });

    test("a thousand children at once: all are recorded, the tree is cut, failures come first", async () => {
      const cwd = folder({ [file]: sources.wide });
      assert.equal((await capsule(["run", file], { cwd })).code, 0);
      const [run] = await listRuns(cwd);
      assert.deepEqual([run?.tasks, run?.tasks_failed], [1001, 1]);
      const id = (run as Run).id;
      const { tasks } = await inspectRun(cwd, id);
      assert.equal(tasks.length, 1001);
      assert.ok(tasks.every(({ state }, i) => state === (i === 701 ? "failed" : "succeeded")));
      const { stdout } = await capsule(["inspect", id], { cwd });
      assert.match(stdout, /leaf \[0\.701\] failed \(task_error\)/);
      assert.match(stdout, /\n {4}… 801 more\n$/);
      const all = await capsule(["inspect", "--all", id], { cwd });
      assert.equal(all.stdout.match(/leaf \[/g)?.length, 1000);
      assert.doesNotMatch(all.stdout, /more/);
    });

    test("a run is shown while it goes on, and as cancelled after Ctrl-C", async () => {
      const cwd = folder({ [file]: sources.sleeps });
      const { child, ended, printed } = startCapsule(["run", file], { cwd });
      await printed("sleeping");
      const run = await newestIs(cwd, "running");
      const { tasks } = await inspectRun(cwd, run.id);
      assert.deepEqual(
        tasks.map(({ task, state }) => `${task} ${state}`),
        ["main running", "nap running"],
      );
      child.kill("SIGINT");
      assert.equal((await ended).code, 130);
      const after = await inspectRun(cwd, run.id);
      assert.deepEqual([after.run.state, after.run.error_type], ["cancelled", "cancelled"]);
      assert.deepEqual(
        after.tasks.map(({ state }) => state),
        ["cancelled", "cancelled"],
      );
    });

    test("a run whose process was killed is lost at once, its tasks as they were", async () => {
      const cwd = folder({ [file]: sources.sleeps });
      const { child, ended } = startCapsule(["run", file], { cwd });
      const run = await newestIs(cwd, "running");
      const following = startCapsule(["inspect", "--follow", run.id], { cwd });
      await following.printed("nap [0.1] running");
      child.kill("SIGKILL");
      await ended;
      const { run: lost, tasks } = await inspectRun(cwd, run.id);
      assert.equal(lost.state, "lost");
      assert.deepEqual(
        tasks.map(({ state }) => state),
        ["running", "running"],
      );
      const { code, stdout } = await following.ended;
      assert.equal(code, 0);
      assert.match(stdout, / lost\n[\s\S]*is gone; its tasks are shown as they were\n$/);
    });

    test("following ends with the run, with a line for each change", async () => {
      const cwd = folder({ [file]: sources.naps });
      const { ended } = startCapsule(["run", file], { cwd });
      const run = await newestIs(cwd, "running");
      const [text, json] = await Promise.all([
        capsule(["inspect", "--follow", run.id], { cwd }),
        capsule(["inspect", "--follow", "--json", run.id], { cwd }),
      ]);
      assert.deepEqual([(await ended).code, text.code, json.code], [0, 0, 0]);
      assert.match(text.stdout, /running\n[\s\S]*nap \[0\.1\] succeeded[\s\S]*run [0-9a-f-]+ succeeded\n/);
      const lines = json.stdout.trim().split("\n");
      const changes = lines.map((line): { run?: Run; task?: Task } => JSON.parse(line));
      assert.equal(changes[0]?.run?.state, "running");
      assert.equal(changes.at(-1)?.run?.state, "succeeded");
      assert.ok(changes.some(({ task }) => task?.path === "0.1" && task.state === "succeeded"));
    });
  });

test("Ctrl-C ends the following, not the run", async () => {
  const cwd = folder({ "main.ts": LANGUAGES.javascript.naps });
  const { ended } = startCapsule(["run", "main.ts"], { cwd });
  const run = await newestIs(cwd, "running");
  const following = startCapsule(["inspect", "--follow", run.id], { cwd });
  await following.printed("main [0] running");
  following.child.kill("SIGINT");
  assert.equal((await following.ended).code, 130);
  assert.equal((await ended).code, 0);
  assert.equal((await listRuns(cwd))[0]?.state, "succeeded");
});

const HELLO = program(`export const main = task({ name: "main" }, () => "hello");`);
const hello = (): string => folder({ "main.ts": HELLO });

test("twenty runs at once in one project are all recorded", async () => {
  const cwd = hello();
  const runs = await Promise.all(Array.from({ length: 20 }, () => capsule(["run", "main.ts"], { cwd })));
  for (const { code, stderr } of runs) {
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stderr, /warning/);
  }
  const states = (await listRuns(cwd)).map(({ state }) => state);
  assert.deepEqual(states, Array(20).fill("succeeded"));
});

test("wrong use is not recorded, wrong arguments are, building is not", async () => {
  const cwd = hello();
  writeFileSync(join(cwd, "broken.ts"), "export const = 1;");
  assert.equal((await capsule(["run", "broken.ts"], { cwd })).code, 2);
  assert.equal((await capsule(["build", "main.ts"], { cwd })).code, 0);
  assert.equal(existsSync(join(cwd, ".capsule/runs.db")), false);
  assert.equal((await capsule(["run", "main.ts", "one too many"], { cwd })).code, 1);
  const [run] = await listRuns(cwd);
  assert.deepEqual([run?.state, run?.error_type, run?.tasks], ["failed", "invalid_arguments", 0]);
});

test("no runs yet; no such run; several runs; no ID", async () => {
  const cwd = hello();
  const none = await capsule(["runs"], { cwd });
  assert.deepEqual([none.code, none.stdout], [0, `no runs yet in ${cwd}\n`]);
  assert.deepEqual(await listRuns(cwd), []);
  const unknown = await capsule(["inspect", "abc"], { cwd });
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /there is no run "abc" in this project; "capsule runs" lists them/);
  // Ids are random: of seventeen two begin with the same digit.
  for (let i = 0; i < 17; i++) await capsule(["run", "main.ts"], { cwd });
  const digits = (await listRuns(cwd)).map(({ id }) => id[0] as string);
  const twice = digits.find((digit, i) => digits.indexOf(digit) !== i) as string;
  const several = await capsule(["inspect", twice], { cwd });
  assert.equal(several.code, 2);
  assert.match(several.stderr, /is the beginning of several runs:\n {2}[0-9a-f-]{36} succeeded main\.ts\n/);
  const without = await capsule(["inspect"], { cwd });
  assert.equal(without.code, 2);
  assert.match(without.stderr, /needs an ID/);
  assert.equal((await capsule(["runs", "--limit", "0"], { cwd })).code, 2);
  const limited = await capsule(["runs", "--json", "--limit", "3"], { cwd });
  assert.equal(JSON.parse(limited.stdout).runs.length, 3);
});

test("the project is that of capsule.toml above the working directory", async () => {
  const cwd = folder({ "capsule.toml": "", "sub/main.ts": HELLO });
  const sub = join(cwd, "sub");
  assert.equal((await capsule(["run", "main.ts"], { cwd: sub })).code, 0);
  assert.equal((await listRuns(sub))[0]?.file, "sub/main.ts");
  assert.equal((await listRuns(cwd)).length, 1);
});

test("what a guest says can't act on a terminal", async () => {
  const cwd = folder({
    "main.ts": program(`
      export const bad = task({ name: "bad" }, async () => { throw new Error("\\u001b[2Jred\\nline"); });
      export const main = task({ name: "main" }, async () => { await bad(); });`),
  });
  assert.equal((await capsule(["run", "main.ts"], { cwd })).code, 0);
  const [run] = await listRuns(cwd);
  const { stdout } = await capsule(["inspect", (run as Run).id], { cwd });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: there must be none
  assert.doesNotMatch(stdout, /\x1b/);
  assert.match(stdout, /bad \[0\.1\] failed .*red\\n/);
});

/** Runs the program and gives the warnings; everything else has to be as ever. */
async function warningsOf(cwd: string): Promise<readonly string[]> {
  const { code, stdout, stderr } = await capsule(["run", "--json", "main.ts"], { cwd });
  assert.equal(code, 0, stderr);
  assert.equal(JSON.parse(stdout).result, "hello");
  return stderr.split("\n").filter((line) => line.startsWith("warning:"));
}

async function refusesToRead(cwd: string, message: RegExp): Promise<void> {
  for (const args of [["runs"], ["runs", "--json"], ["inspect", "abc"]]) {
    const { code, stdout, stderr } = await capsule(args, { cwd });
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, message);
  }
}

test("a record that is no database: one warning, the run goes on, the file stays", async () => {
  const cwd = hello();
  mkdirSync(join(cwd, ".capsule"));
  writeFileSync(join(cwd, ".capsule/runs.db"), "precious\n".repeat(1000));
  const warnings = await warningsOf(cwd);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] as string, /runs\.db is damaged .*: runs are not recorded\. .*move it away/);
  await refusesToRead(cwd, /error: .*runs\.db is damaged .*move it away/);
});

test("a locked record: one warning after a while, the run goes on", async () => {
  const cwd = hello();
  assert.deepEqual(await warningsOf(cwd), []);
  const lock = new DatabaseSync(join(cwd, ".capsule/runs.db"));
  lock.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  const warnings = await warningsOf(cwd);
  lock.close();
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] as string, /runs\.db is locked by another process/);
  assert.equal((await listRuns(cwd)).length, 1);
});

/** Mounts a file system of its own, where we may. */
function mount(cwd: string, options: string): { readonly done: () => void } | null {
  const point = join(cwd, ".capsule");
  mkdirSync(point, { recursive: true });
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", point], { stdio: "ignore" });
  } catch {
    return null;
  }
  mounted.add(point);
  return {
    done: () => {
      execFileSync("umount", ["-l", point]);
      mounted.delete(point);
    },
  };
}
const mounted = new Set<string>();
after(() => {
  for (const point of mounted) execFileSync("umount", ["-l", point]);
});

test("a read-only .capsule: one warning for both cache and record", async (context) => {
  const cwd = hello();
  const disk = mount(cwd, "ro,size=1m");
  if (!disk) return context.skip("mounting needs root");
  const warnings = await warningsOf(cwd);
  disk.done();
  assert.equal(warnings.length, 1, warnings.join("\n"));
  assert.match(
    warnings[0] as string,
    /\.capsule can't be written \(EROFS\): compiled programs go to a temporary cache, and runs are not recorded/,
  );
});

test("a full disk: one warning, the run goes on", async (context) => {
  const cwd = hello();
  const disk = mount(cwd, "size=64k");
  if (!disk) return context.skip("mounting needs root");
  const warnings = await warningsOf(cwd);
  disk.done();
  assert.equal(warnings.length, 1, warnings.join("\n"));
  assert.match(warnings[0] as string, /\.capsule can't be written \(ENOSPC\)/);
});

test("a record in a place that can only be read is read", async (context) => {
  const cwd = hello();
  const disk = mount(cwd, "size=8m");
  if (!disk) return context.skip("mounting needs root");
  assert.deepEqual(await warningsOf(cwd), []);
  execFileSync("mount", ["-o", "remount,ro", join(cwd, ".capsule")]);
  const runs = await listRuns(cwd);
  const warnings = await warningsOf(cwd);
  disk.done();
  assert.equal(runs.length, 1);
  assert.equal(warnings.length, 1);
});

test("a record that is deleted while a run goes on is made anew", async () => {
  const cwd = folder({ "main.ts": LANGUAGES.javascript.naps });
  const { ended } = startCapsule(["run", "main.ts"], { cwd });
  await newestIs(cwd, "running");
  rmSync(join(cwd, ".capsule"), { recursive: true });
  const { code, stderr } = await ended;
  assert.equal(code, 0, stderr);
  assert.doesNotMatch(stderr, /warning/);
  assert.equal((await listRuns(cwd))[0]?.state, "succeeded");
});
