/** Whatever a Python program does, it ends within its limits, the envelope says which, and the others notice nothing. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { type Envelope, folder, runFile, runProgram } from "./support/capsule.ts";

interface Row {
  readonly envelope: Envelope;
  readonly after: Envelope<unknown[]>;
  readonly add: Envelope<number>;
}
interface Result {
  readonly before: Envelope<unknown[]>;
  readonly rows: Readonly<Record<string, Row>>;
  readonly beside: readonly Envelope<number>[];
}

describe("a hostile task", () => {
  let result = {} as Result;
  before(async () => {
    const { envelope } = await runProgram<Result>("python/hostile.py");
    assert.ok(envelope.success, envelope.error?.message ?? "");
    result = envelope.result;
  });

  const OUTCOMES: Readonly<Record<string, readonly [string, RegExp]>> = {
    spin: ["timeout", /timeout of 1s; raise `timeout`/],
    in_c: ["timeout", /timeout of 1s; raise `timeout`/],
    regex: ["timeout", /timeout of 1s; raise `timeout`/],
    power: ["timeout", /timeout of 1s; raise `timeout`/],
    fuel: ["out_of_fuel", /raise `compute`/],
    recursion: ["stack_overflow", /RecursionError/],
    c_recursion: ["stack_overflow", /RecursionError/],
    hog: ["out_of_memory", /needs more than its `ram` of 67,108,864 bytes/],
    survives: ["success", /^$/],
    lock: ["deadlock", /lock/],
    exits: ["task_error", /os\._exit\(3\)/],
    aborts: ["task_error", /os\.abort\(\)/],
    forged: ["task_error", /crashed/],
    damages: ["success", /^$/],
    forges_a_call: ["success", /^$/],
    prints: ["success", /^$/],
  };
  for (const [name, [type, message]] of Object.entries(OUTCOMES))
    test(`has a defined outcome: ${name}`, () => {
      const { success, error, execution } = (result.rows[name] as Row).envelope;
      assert.equal(success ? "success" : error?.error_type, type, error?.message ?? "");
      assert.match(error?.message ?? "", message);
      assert.ok(execution.duration_ms < 10_000);
    });

  test("can't wait for calls that it has not made", () => {
    const { success, error } = (result.rows.forges_a_wait as Row).envelope;
    assert.equal(success, false);
    assert.match(error?.error_type ?? "", /^(deadlock|timeout)$/);
  });

  test("leaves no trace in the next, and no harm", () => {
    assert.deepEqual(result.before.result, [false, false, [], true]);
    for (const [name, { after, add }] of Object.entries(result.rows)) {
      assert.deepEqual(after.result, result.before.result, `${name}: ${after.error?.message}`);
      assert.equal(add.result, 5, name);
    }
  });

  test("does not touch what runs beside it", () => {
    assert.deepEqual(
      result.beside.map((each) => each.result),
      [0, 1, 2, 3],
    );
  });
});

test("64 MB are enough for an ordinary program", async () => {
  const cwd = folder({
    "main.py": `from capsule import task
import asyncio, csv, dataclasses, io, json, sqlite3

@dataclasses.dataclass
class Row:
    id: int
    name: str

@task(ram="64MB")
async def main():
    rows = [Row(i, "n" * 10) for i in range(10000)]
    text = json.dumps([dataclasses.asdict(row) for row in rows])
    connection = sqlite3.connect(":memory:")
    connection.execute("create table t (id, name)")
    connection.executemany("insert into t values (?, ?)", [(row.id, row.name) for row in rows])
    await asyncio.gather(*(asyncio.sleep(0.001) for _ in range(100)))
    return [len(text) > 10000, connection.execute("select count(*) from t").fetchone()]
`,
  });
  const { envelope } = await runFile(cwd, "main.py");
  assert.deepEqual(envelope.result, [true, [10000]], envelope.error?.message ?? "");
  assert.ok(envelope.execution.ram_used <= 64 * 1024 ** 2);
});
