/** Sessions: a sandbox that lives on from call to call, and what is left of it when a call goes wrong. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createRuntime, type Runtime, type RuntimeOptions, type Session } from "@capsule-run/runtime";
import { programs } from "./support/capsule.ts";
import { cellsOf, onLinux, rssOf } from "./support/processes.ts";

const MIB = 1024 ** 2;

interface Outcome {
  readonly value: unknown;
  readonly error: string | null;
  readonly message: string;
  readonly memory: string;
  readonly fuel: number;
}

class Bench {
  readonly cwd: string;
  readonly file: string;
  readonly runtime: Runtime;

  constructor(cwd: string, file: string, runtime: Runtime) {
    this.cwd = cwd;
    this.file = file;
    this.runtime = runtime;
  }

  static async open(file: string, options: RuntimeOptions = {}): Promise<Bench> {
    const cwd = programs(file);
    mkdirSync(join(cwd, "data"));
    writeFileSync(join(cwd, "capsule.toml"), "");
    return new Bench(cwd, file, await createRuntime({ cwd, record: false, ...options }));
  }

  session(policy = {}): Promise<Session> {
    return this.runtime.openSession({ file: this.file, policy: { max_timeout: "2s", ...policy } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.runtime.close();
  }
}

async function call(session: Session, action: string, n = 0, signal?: AbortSignal): Promise<Outcome> {
  const { envelope, memory } = await session.run({ args: [action, n], signal });
  const { fuel_consumed: fuel } = envelope.execution;
  return envelope.success
    ? { value: JSON.parse(envelope.resultJson), error: null, message: "", memory, fuel }
    : { value: null, error: envelope.error.error_type, message: envelope.error.message, memory, fuel };
}

const shown = ({ value, error, memory }: Outcome): string => `${error ?? JSON.stringify(value)} ${memory}`;

for (const file of ["session.ts", "session.py"])
  describe(file, { concurrency: false }, () => {
    const isPython = file.endsWith(".py");

    test("what a call leaves, the next one finds; what goes wrong in it is undone or stays, and says so", async () => {
      await using bench = await Bench.open(file);
      const session = await bench.session();
      assert.equal(shown(await call(session, "add", 1)), "[1,1,0,[2]] kept");
      assert.equal(shown(await call(session, "add", 2)), "[3,3,1,[4,5]] kept");
      const thrown = await call(session, "throw", 10);
      assert.equal(shown(thrown), "task_error kept");
      assert.match(thrown.message, /TypeError: on purpose/);
      assert.equal(shown(await call(session, "wrong", 10)), "invalid_result kept");
      assert.equal(shown(await call(session, "get")), "23 kept");
      assert.equal(shown(await call(session, "spin", 1000)), "timeout rolled_back");
      assert.equal(readFileSync(join(bench.cwd, "data/spun.txt"), "utf8"), "spun", "what left it stays");
      assert.equal(shown(await call(session, "bomb", 1000)), "out_of_memory rolled_back");
      assert.equal(shown(await call(session, "get")), "23 kept");
      assert.equal(shown(await call(session, "deep", 100)), "stack_overflow kept");
      const signal = AbortSignal.timeout(100);
      assert.equal(shown(await call(session, "spin", 1000, signal)), "cancelled rolled_back");
      assert.equal(shown(await call(session, "add", 1)), "[124,4,2,[125,126,125]] kept");
      assert.equal(shown(await call(session, "double", 4)), "8 kept");
      const [one, other] = [await call(session, "random"), await call(session, "random")];
      assert.notEqual(one.value, other.value, "each call has randomness of its own");
      await session.reset();
      assert.equal(shown(await call(session, "get")), "0 kept");
      await session.close();
      await assert.rejects(call(session, "get"), /the session was closed/);
    });

    test("files stay open, also when a call that closed them is undone", async () => {
      await using bench = await Bench.open(file);
      const session = await bench.session();
      assert.equal(shown(await call(session, "open")), `null kept`);
      if (isPython) assert.equal(shown(await call(session, "shut")), "timeout rolled_back");
      assert.equal(shown(await call(session, "write")), '"one two" kept');
      if (isPython) assert.equal(readFileSync(join(bench.cwd, "data/other.txt"), "utf8"), "mine");
    });

    test("what a call did not wait for is over, or goes on in the next one", async () => {
      await using bench = await Bench.open(file);
      const session = await bench.session();
      await call(session, "later", 5);
      const waited = await call(session, "wait", 400);
      assert.equal(shown(waited), "5 kept");
      assert.equal(shown(await call(session, "abandon")), "null kept");
      assert.equal(shown(await call(session, "get")), `${isPython ? 0 : 5} kept`);
      assert.equal(shown(await call(session, "abandoned")), '"cancelled" kept');
      if (isPython) {
        assert.equal(shown(await call(session, "exit", 7)), "task_error kept");
        assert.equal(shown(await call(session, "seed", 1)), "null kept");
        assert.equal((await call(session, "draw")).value, 0.13436424411240122);
      } else {
        assert.equal(shown(await call(session, "race")), "task_error kept");
        assert.equal(shown(await call(session, "wait", 100)), "5 kept", "and not stale");
        assert.equal(shown(await call(session, "hang", 3)), "deadlock rolled_back");
      }
    });

    test("the same calls use the same fuel, whatever else goes on", async () => {
      await using bench = await Bench.open(file, { cells: 2 });
      const calls = ["add", "throw", "add", "deep", "get"];
      const run = async (): Promise<number[]> => {
        await using session = await bench.session();
        const fuel: number[] = [];
        for (const action of calls) fuel.push((await call(session, action, 1)).fuel);
        // Seeding what a sandbox begins with takes more or less, by the seed.
        return fuel.slice(1);
      };
      const [alone, ...together] = [await run(), ...(await Promise.all([run(), run(), run()]))];
      for (const fuel of together) assert.deepEqual(fuel, alone);
    });

    test("many sessions at once keep what is theirs; calls of one wait for each other", {
      timeout: 60_000,
    }, async () => {
      const count = isPython ? 12 : 50;
      await using bench = await Bench.open(file, { cells: 2 });
      const sessions = await Promise.all(
        Array.from({ length: count }, () => bench.session({ max_timeout: "30s" })),
      );
      await Promise.all(
        sessions.map((session, i) => Promise.all([1, 2, 3].map((n) => call(session, "add", n * (i + 1))))),
      );
      const found = await Promise.all(sessions.map((session) => call(session, "get")));
      assert.deepEqual(
        found.map(({ value }) => value),
        sessions.map((_, i) => 6 * (i + 1)),
      );
    });

    test("a thousand calls make neither the host nor the cell larger", { timeout: 120_000 }, async (t) => {
      if (!onLinux) return t.skip("memory of processes is read from /proc");
      await using bench = await Bench.open(file, { cells: 1 });
      await using session = await bench.session();
      const many = async (count: number): Promise<void> => {
        for (let i = 0; i < count; i++) await session.run({ args: ["get", i] });
      };
      await many(500);
      const [cell = 0] = await cellsOf(process.pid);
      const before = rssOf(cell);
      const heap = heapUsed();
      await many(1000);
      assert.ok(rssOf(cell) - before < 16 * MIB, `${rssOf(cell) - before} bytes more in the cell`);
      assert.ok(heapUsed() - heap < 8 * MIB, `${heapUsed() - heap} bytes more in the host`);
    });

    test("a cell that is killed takes the session's memory with it, and that is said once", async (t) => {
      if (!onLinux) return t.skip("cells are found in /proc");
      await using bench = await Bench.open(file, { cells: 1 });
      await using session = await bench.session();
      const kill = async (): Promise<void> => {
        for (const pid of await cellsOf(process.pid)) process.kill(pid, "SIGKILL");
      };
      await call(session, "add", 1);
      const spinning = call(session, "spin", 1);
      setTimeout(() => void kill(), 100);
      assert.equal(shown(await spinning), "internal_error lost");
      assert.equal(shown(await call(session, "add", 1)), "[1,1,0,[2]] kept");
      await kill();
      await new Promise((resolve) => setTimeout(resolve, 200));
      const told = await call(session, "get");
      assert.equal(shown(told), "internal_error lost");
      assert.match(told.message, /was not begun/);
      assert.equal(shown(await call(session, "get")), "0 kept");
    });
  });

test("parked memory counts for the budget of the runtime, and closing gives it back", async () => {
  await using bench = await Bench.open("session.ts", { memory: 64 * MIB, cells: 1 });
  const sessions: Session[] = [];
  for (let i = 0; i < 6; i++) sessions.push(await bench.session());
  for (const session of sessions) assert.equal(shown(await call(session, "add", 1)), "[1,1,0,[2]] kept");
  const bomb = await call(sessions[0] as Session, "bomb");
  assert.equal(shown(bomb), "out_of_memory rolled_back");
  assert.match(bomb.message, /memory budget/);
  for (const session of sessions) assert.equal(shown(await call(session, "get")), "1 kept");
  for (const session of sessions) await session.close();
  const run = await bench.runtime.run({ file: "session.ts", args: ["add", 1] });
  assert.ok(run.envelope.success);
});

test("sessions can't park more than the budget: a call that would is refused, and closing others makes room", async () => {
  await using bench = await Bench.open("session.ts", { memory: 64 * MIB, cells: 1 });
  const sessions: Session[] = [];
  const ends: string[] = [];
  for (let i = 0; i < 40; i++) {
    const session = await bench.session();
    sessions.push(session);
    ends.push(shown(await call(session, "add", 1)));
  }
  const fits = ends.indexOf("out_of_memory kept");
  assert.ok(fits > 3 && fits < 30, ends.join());
  assert.deepEqual(new Set(ends.slice(fits)), new Set(["out_of_memory kept"]));
  const refused = sessions.at(-1) as Session;
  assert.match((await call(refused, "add", 1)).message, /budget is full of what its sessions keep/);
  const run = await bench.runtime.run({ file: "session.ts", args: ["add", 1] });
  assert.ok(run.envelope.success, "a run goes on all the same");
  for (const session of sessions.slice(0, fits)) await session.close();
  assert.equal(shown(await call(refused, "add", 1)), "[1,1,0,[2]] kept");
});

test("a session whose program turns out to need the whole engine goes on with that", {
  timeout: 120_000,
}, async () => {
  await using bench = await Bench.open("session.py");
  await using session = await bench.session({ max_timeout: "60s" });
  await using other = await bench.session({ max_timeout: "60s" });
  assert.equal(shown(await call(session, "numpy")), "3 kept", "nothing was seen of the first call");
  assert.equal(shown(await call(other, "add", 1)), "[1,1,0,[2]] kept");
  const moved = await call(other, "numpy");
  assert.equal(shown(moved), "internal_error lost");
  assert.match(moved.message, /numpy.*goes on with the whole engine/);
  assert.equal(shown(await call(other, "numpy")), "3 kept");
  assert.equal(shown(await call(other, "get")), "0 kept");
});

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** What is garbage left aside. */
function heapUsed(): number {
  collect();
  return process.memoryUsage().heapUsed;
}
