/** Whatever a program does, it ends within its limits, and the envelope says which one it met. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import {
  capsule,
  type Envelope,
  folder,
  program,
  programs,
  readEnvelope,
  refusal,
  runProgram,
  runSource,
  startCapsule,
} from "./support/capsule.ts";
import { onLinux, peakMemory } from "./support/processes.ts";

const MB = 1024 ** 2;

const typeOf = ({ success, error }: Envelope): string => (success ? "success" : (error?.error_type ?? "?"));

/** A test for each row of a table. */
function eachRow<T>(table: Readonly<Record<string, T>>, check: (name: string, row: T) => void): void {
  for (const [name, row] of Object.entries(table)) test(name, () => check(name, row));
}

describe("work that never ends", () => {
  let envelopes: Record<string, Envelope> = {};
  before(async () => {
    envelopes = (await runProgram<Record<string, Envelope>>("endless.ts")).envelope.result;
  });

  eachRow(
    {
      spin: "timeout",
      fuel: "out_of_fuel",
      exact: "out_of_fuel",
      caught: "out_of_fuel",
      microtasks: "out_of_fuel",
      microtaskTimeout: "timeout",
      queued: "out_of_fuel",
      thenable: "out_of_fuel",
      regex: "out_of_fuel",
      regexNamed: "out_of_fuel",
      regexLazy: "out_of_fuel",
      regexReplace: "out_of_fuel",
      regexTimeout: "timeout",
      print: "out_of_fuel",
      timers: "out_of_fuel",
      interval: "timeout",
      sleeper: "timeout",
      syncWaiter: "timeout",
      asyncWaiter: "timeout",
      generator: "out_of_fuel",
      getter: "out_of_fuel",
      toJson: "out_of_fuel",
      proxyKeys: "out_of_fuel",
      throwsEndless: "out_of_fuel",
      rejectsEndless: "out_of_fuel",
      promises: "out_of_fuel",
      bigint: "out_of_fuel",
      bigintTimeout: "timeout",
      search: "out_of_fuel",
      searchTimeout: "timeout",
      copy: "timeout",
      sort: "timeout",
    },
    (name, type) => {
      const envelope = envelopes[name] as Envelope;
      assert.equal(typeOf(envelope), type, envelope.error?.message ?? "");
      const { message } = envelope.error ?? { message: "" };
      assert.ok(message.includes(`"${name}"`), message);
      assert.match(message, type === "timeout" ? /timeout of \d+ms; raise `timeout`/ : /raise `compute`/);
      assert.ok(envelope.execution.duration_ms < 4000, `took ${envelope.execution.duration_ms} ms`);
    },
  );

  test("an exact amount of fuel is used to its end and hardly beyond", () => {
    const { execution, error } = envelopes.exact as Envelope;
    assert.match(error?.message ?? "", /1,234,567 units of fuel/);
    assert.ok(execution.fuel_consumed >= 1_234_567 && execution.fuel_consumed < 1_244_567);
  });
});

describe("recursion", () => {
  interface Row {
    readonly kind: "endless" | "deep";
    readonly run: Envelope;
    readonly survive: Envelope<unknown[]>;
  }
  let rows: Record<string, Row> = {};
  before(async () => {
    rows = (await runProgram<Record<string, Row>>("recursion.ts")).envelope.result;
  });

  const OVERFLOW = ["RangeError", "Maximum call stack size exceeded", true];

  test("without end is a stack_overflow, and a RangeError that a program can catch", () => {
    const endless = Object.entries(rows).filter(([, { kind }]) => kind === "endless");
    assert.ok(endless.length > 40);
    for (const [name, { run, survive }] of endless) {
      assert.equal(typeOf(run), "stack_overflow", `${name}: ${run.error?.message}`);
      assert.match(run.error?.message ?? "", /^RangeError: Maximum call stack size exceeded/, name);
      assert.deepEqual(survive.result?.slice(0, 3), OVERFLOW, `${name}: ${survive.error?.message}`);
      assert.deepEqual(survive.result?.slice(3), [500, 1955], `${name}: what follows works`);
    }
  });

  test("too deep for any stack ends in a result or an error of the guest, never in an internal_error", () => {
    const deep = Object.entries(rows).filter(([name, { kind }]) => kind === "deep" && name !== "iterators");
    assert.ok(deep.length > 45);
    for (const [name, { run, survive }] of deep) {
      const type = typeOf(run);
      // The engine calls object literals and patterns that are nested too deep a syntax error.
      const refused = /^SyntaxError: (invalid property name|stack overflow|too many captures)/;
      const fits = ["success", "stack_overflow"].includes(type) || refused.test(run.error?.message ?? "");
      assert.ok(fits, `${name}: ${type}: ${run.error?.message}`);
      assert.equal(typeOf(survive), "success", `${name}: ${survive.error?.message}`);
      const [first, second, third] = survive.result ?? [];
      if (type === "stack_overflow" && !name.startsWith("regex"))
        assert.deepEqual([first, second, third], OVERFLOW, name);
    }
  });

  test("of iterator helpers is a stack_overflow, though the engine does not check it", () => {
    const { run } = rows.iterators as Row;
    assert.equal(typeOf(run), "stack_overflow", run.error?.message ?? "");
  });

  test("20,000 parentheses in eval are a RangeError, and uncaught a stack_overflow", () => {
    assert.equal(typeOf((rows.parentheses as Row).run), "stack_overflow");
    assert.deepEqual((rows.parentheses as Row).survive.result?.slice(0, 3), OVERFLOW);
  });
});

describe("memory", () => {
  interface Result {
    readonly rows: Record<string, { readonly run: Envelope; readonly survive: Envelope<unknown[]> }>;
    readonly fill: Envelope<[number, string, string]>;
    readonly again: Envelope<number[]>;
    readonly asyncDie: Envelope;
    readonly resultDie: Envelope;
    readonly lazyDie: Envelope;
  }
  let all = {} as Result;
  before(async () => {
    all = (await runProgram<Result>("memory.ts")).envelope.result;
  });

  /** What is refused at once, because no sandbox could hold it. */
  const REFUSED = "repeat padEnd doubling fromHuge oneBuffer resizable shared floats shifted power".split(
    " ",
  );
  /** What may use up its fuel first. */
  const SLOW = "joined replaced bigints code weakRefs maps promises".split(" ");

  test("never grows beyond ram", () => {
    for (const [name, { run, survive }] of Object.entries(all.rows))
      for (const { execution } of [run, survive]) assert.ok(execution.ram_used <= 16 * MB, name);
    assert.ok(all.fill.execution.ram_used <= 64 * MB);
  });

  test("uncaught it is out_of_memory, or an error of the program for what is refused at once", () => {
    for (const [name, { run }] of Object.entries(all.rows)) {
      const expected = REFUSED.includes(name)
        ? ["task_error"]
        : SLOW.includes(name)
          ? ["out_of_memory", "out_of_fuel"]
          : ["out_of_memory"];
      if (["generators", "regexes"].includes(name)) continue;
      assert.ok(expected.includes(typeOf(run)), `${name}: ${typeOf(run)}: ${run.error?.message}`);
      if (typeOf(run) === "out_of_memory")
        assert.match(run.error?.message ?? "", /"die" needs more than its `ram` of 16,777,216 bytes/);
    }
  });

  test("caught, the program goes on with what it has", () => {
    for (const [name, { survive }] of Object.entries(all.rows)) {
      if (["timers", "finalizers"].includes(name)) continue;
      const expected = SLOW.includes(name) ? ["success", "out_of_fuel"] : ["success"];
      assert.ok(expected.includes(typeOf(survive)), `${name}: ${typeOf(survive)}: ${survive.error?.message}`);
      if (survive.success) assert.deepEqual(survive.result.slice(1), [500, 500], name);
    }
  });

  test("is out_of_memory too where the engine has none left for an exception and throws null", () => {
    const { generators, regexes, timers, finalizers } = all.rows as Record<
      string,
      { run: Envelope; survive: Envelope }
    >;
    assert.equal(typeOf(generators?.run as Envelope), "out_of_memory", generators?.run.error?.message ?? "");
    // What its compiler of regular expressions calls a syntax error.
    assert.equal(typeOf(regexes?.run as Envelope), "out_of_memory", regexes?.run.error?.message ?? "");
    // Timers and finalizers stay alive after one was refused: nothing is freed to go on with.
    for (const each of [timers, finalizers]) {
      const envelope = each?.survive as Envelope;
      assert.ok(["out_of_memory", "success"].includes(typeOf(envelope)), envelope.error?.message ?? "");
    }
  });

  test("typed arrays can have nearly all of ram, and again what was freed", () => {
    const [count, name, message] = all.fill.result;
    assert.ok(count >= 50 && count < 64, `${count} MB of 64 MB`);
    assert.deepEqual([name, message], ["InternalError", "out of memory"]);
    assert.equal(all.again.result.length, 20);
  });

  test("after an await, in the result, at the very end", () => {
    assert.equal(typeOf(all.asyncDie), "out_of_memory");
    assert.equal(typeOf(all.resultDie), "out_of_memory");
    assert.ok(["task_error", "out_of_memory"].includes(typeOf(all.lazyDie)));
  });

  test("that was refused is never committed", { skip: !onLinux }, async () => {
    const main = program(`export const main = task({ name: "main", ram: "64MB", compute: "HIGH" }, () => {
      for (let i = 0; i < 40; i++)
        try { for (const all = []; ; ) all.push(new Uint8Array(1 << 20).fill(1)); } catch {}
      const all = [];
      try { for (;;) all.push("x".repeat(1 << 20) + all.length); } catch {}
      return all.length;
    });`);
    const { ended, pid } = startCapsule(["run", "--json", "main.ts"], { cwd: folder({ "main.ts": main }) });
    const { value, hostBytes, cellBytes } = await peakMemory(pid, ended);
    const { success, execution } = readEnvelope(value);
    assert.ok(success);
    assert.ok(execution.ram_used <= 64 * MB);
    assert.ok(cellBytes > 0 && cellBytes < 64 * MB + 250 * MB, `the cell took ${cellBytes} bytes`);
    assert.ok(hostBytes < 250 * MB, `the host took ${hostBytes} bytes`);
  });

  test("below what an empty sandbox takes is refused, naming it", async () => {
    for (const ram of ['"64KiB"', '"1MB"', "1"]) {
      const { code, stdout, stderr } = await refusal(
        `export const main = task({ name: "main", ram: ${ram} }, () => 1);`,
      );
      assert.equal(code, 2, stderr);
      assert.equal(stdout, "");
      assert.match(
        stderr,
        /task "main": ram is \d+ bytes; an empty sandbox of this program takes (\d+) bytes/,
      );
      const floor = Number(/takes (\d+) bytes/.exec(stderr)?.[1]);
      const { envelope } = await runSource(
        `export const main = task({ name: "main", ram: ${floor} }, () => "fits");`,
      );
      assert.equal(envelope.result, "fits", envelope.error?.message ?? "");
    }
  });
});

describe("waiting for what can never come", () => {
  interface Rows {
    readonly [name: string]: Envelope;
  }
  let rows: Rows = {};
  before(async () => {
    const { envelope } = await runSource<Rows>(`
      const never = new Promise(() => {});
      const one = task({ name: "one" }, async () => { await new Promise(() => {}); });
      const two = task({ name: "two" }, () => new Promise(() => {}));
      const three = task({ name: "three" }, async () => { for await (const x of [never]) console.log(x); });
      const four = task({ name: "four" }, async () => { await one(); await never; });
      const five = task({ name: "five" }, async () => { setInterval(() => {}, 1).unref(); await never; });
      const six = task({ name: "six" }, async () => {
        const t = setTimeout(() => {}, 3_600_000); clearTimeout(t); await never;
      });
      const seven = task({ name: "seven" }, () => ({ then() {} }));
      const eight = task({ name: "eight", maxRetries: 5 }, async () => { await never; });
      export const main = task({ name: "main" }, async () => ({
        one: await one(), two: two(), three: await three(), four: await four(), five: await five(),
        six: await six(), seven: seven(), eight: await eight(),
      }));`);
    rows = envelope.result;
  });

  for (const name of ["one", "two", "three", "four", "five", "six", "seven", "eight"])
    test(`is a deadlock at once (${name})`, () => {
      const { error, execution } = rows[name] as Envelope;
      assert.equal(error?.error_type, "deadlock", error?.message ?? "");
      assert.match(error.message, new RegExp(`^"${name}" waits for what can never come`));
      assert.ok(execution.duration_ms < 2000);
      assert.equal(execution.retries, 0);
    });

  test("in main as well", async () => {
    const { code, stderr, ms } = await capsule(["run", "main.ts"], {
      cwd: folder({
        "main.ts": program('export const main = task({ name: "main" }, () => new Promise(() => {}));'),
      }),
    });
    assert.equal(code, 1);
    assert.match(stderr, /"main" waits for what can never come: no timer is set/);
    assert.ok(ms < 10_000);
  });
});

describe("output", () => {
  test("of one gigabyte is cut with one notice, and the run ends well", async () => {
    const cwd = folder({
      "main.ts": program(`export const main = task({ name: "main", compute: "100000000000" }, () => {
        const line = "x".repeat((1 << 20) - 1);
        for (let i = 0; i < 1024; i++) console.log(line);
        return "printed";
      });`),
    });
    const { code, stdout, stderr } = await capsule(["run", "main.ts"], { cwd });
    assert.equal(code, 0, stderr);
    assert.ok(stdout.endsWith("printed\n"));
    assert.ok(stdout.length <= 8 * MB + 100, `${stdout.length} bytes`);
    const notices = stderr.split("\n").filter((line) => /printed more than/.test(line));
    assert.equal(notices.length, 1, stderr);
  });

  test("of many tasks together has a limit for the whole run", async () => {
    const cwd = folder({
      "main.ts": program(`const loud = task({ name: "loud" }, () => {
          const line = "x".repeat((1 << 20) - 1);
          for (let i = 0; i < 7; i++) console.error(line);
        });
        export const main = task({ name: "main" }, () => {
          for (let i = 0; i < 12; i++) loud();
          return "printed";
        });`),
    });
    const { code, stdout, stderr } = await capsule(["run", "main.ts"], { cwd });
    assert.equal(code, 0, stderr.slice(-500));
    assert.equal(stdout, "printed\n");
    assert.ok(stderr.length <= 64 * MB + 1000, `${stderr.length} bytes`);
    assert.ok(stderr.length > 56 * MB);
    assert.equal(stderr.split("\n").filter((line) => /printed more than/.test(line.slice(0, 500))).length, 1);
  });
});

describe("values", () => {
  interface Failed {
    readonly error_type: string;
    readonly message: string;
  }
  interface Result {
    readonly envelopes: Record<string, Envelope>;
    readonly arguments: Record<string, unknown>;
  }
  let result = {} as Result;
  before(async () => {
    const { envelope } = await runProgram<Result>("values.ts");
    assert.ok(envelope.success, envelope.error?.message ?? "");
    result = envelope.result;
  });

  test("cross unchanged if JSON can hold them", () => {
    const changed = Object.keys(result.envelopes).filter((name) => name.endsWith(" changed"));
    assert.deepEqual(changed, []);
  });

  describe("become what JSON.stringify makes of them", () => {
    eachRow<unknown>(
      {
        undefined: null,
        function: null,
        symbol: null,
        null: null,
        insideUndefined: { b: [null, null, null], c: 1 },
        minusZero: 0,
        wrappedNumber: [1, "s", true],
        shared: [{ x: 1 }, { x: 1 }],
        depth999: 3999,
        depth1000: 4001,
        date: "1970-01-01T00:00:00.000Z",
        invalidDate: [null],
        map: {},
        set: {},
        bytes: { 0: 1, 1: 2 },
        error: {},
        regex: {},
        url: "https://example.com/a%20b",
        proxy: { a: 1 },
        proxyArray: [1, 2],
        proxyLies: [null, null, null],
        sparse: [1, null, 3],
        million: 2_000_001,
        longString: 1_000_002,
        thenable: "resolved",
        promiseOfPromise: "flat",
      },
      (name, expected) => {
        const { success, result: value, error } = result.envelopes[name] as Envelope;
        assert.ok(success, error?.message ?? "");
        assert.deepEqual(value, expected);
      },
    );
  });

  describe("that JSON can't hold are an invalid_result with the place", () => {
    eachRow(
      {
        nan: /^task "give" returned NaN at \$;/,
        nanInside: /NaN at \$\.list\[1\]\.value;/,
        infinity: /Infinity at \$\[0\];/,
        minusInfinity: /-Infinity at \$\["odd key"\];/,
        bigint: /a BigInt at \$;/,
        bigintInside: /a BigInt at \$\.a\.b\[0\];/,
        wrappedBigint: /a BigInt at \$\[0\];/,
        wrappedNan: /NaN at \$\[0\];/,
        cycle: /a cycle at \$\.list\[2\]\.back, which is \$ again;/,
        selfArray: /a cycle at \$\[0\], which is \$ again;/,
        depth1001: /nested deeper than 1000 levels at \$/,
        depth100000: /nested deeper than 1000 levels at \$/,
        boxedToJson: /NaN at \$\.x;/,
        big: /34603010 characters of JSON, more than the 33554432 bytes/,
        bigInBytes: /35651586 bytes of JSON, more than the 33554432 that are allowed/,
      },
      (name, message) => {
        const { error, result: value } = result.envelopes[name] as Envelope;
        assert.equal(error?.error_type, "invalid_result", error?.message ?? "");
        assert.match(error.message, message);
        assert.equal(value, null);
      },
    );
  });

  describe("that throw while they are read are the program's error", () => {
    eachRow(
      {
        toJsonThrows: /not today/,
        getterThrows: /no x/,
        revoked: /revoked/,
        proxyThrows: /no keys/,
        thenThrows: /no then/,
      },
      (name, message) => {
        const { error } = result.envelopes[name] as Envelope;
        assert.equal(error?.error_type, "task_error");
        assert.match(error.message, message);
      },
    );
  });

  test("as arguments are refused in the same words, for sync and async calls", () => {
    for (const name of ["nanInside", "bigint", "cycle", "depth1001"]) {
      const [sync, async] = result.arguments[name] as [Failed, Failed];
      for (const [error, task] of [
        [sync, "echo"],
        [async, "echoAsync"],
      ] as const) {
        assert.equal(error.error_type, "invalid_arguments");
        assert.match(error.message, new RegExp(`^task "${task}": argument 1 has `));
      }
    }
  });

  test("undefined arguments become null inside, and are left out at the end", () => {
    assert.deepEqual(result.arguments.holes, [1, null, null, null, 2]);
    assert.deepEqual(result.arguments.none, []);
    assert.deepEqual(result.arguments.allUndefined, []);
  });
});

describe("large numbers of things", () => {
  test("timers, promises and listeners by the ten thousand", async () => {
    const { envelope } = await runProgram<Record<string, unknown>>("many.ts");
    assert.ok(envelope.success, envelope.error?.message ?? "");
    assert.deepEqual(envelope.result, {
      timeouts: [20_000, true],
      cleared: 0,
      immediates: 20_000,
      chain: 100_000,
      nested: 20_000,
      awaited: 100_000,
      all: 100_000,
      race: 0,
      microtasks: 100_000,
      events: 1000,
      pending: "done",
      generators: 100_000,
    });
  });

  test("a program of ten thousand tasks runs, one more is refused", async () => {
    const source = (count: number): string =>
      `for (let i = 1; i < ${count}; i++) task({ name: "t" + i }, () => i);
       export const main = task({ name: "main" }, () => "ran");`;
    const { envelope } = await runSource(source(10_000));
    assert.equal(envelope.result, "ran", envelope.error?.message ?? "");
    const { code, stderr } = await refusal(source(10_001));
    assert.equal(code, 2);
    assert.match(stderr, /10000 tasks at most/);
  });
});

describe("what is thrown, however strange, is one bounded message", () => {
  let rows: Record<string, Envelope> = {};
  before(async () => {
    rows = (await runProgram<Record<string, Envelope>>("thrown.ts")).envelope.result;
  });

  eachRow(
    {
      null: /^null was thrown, which is not an Error/,
      undefined: /^undefined was thrown/,
      number: /^42 was thrown/,
      string: /^"just text" was thrown/,
      symbol: /^a symbol was thrown/,
      function: /^a function was thrown/,
      object: /"code":7/,
      frozen: /frozen/,
      getters: /./,
      proxy: /./,
      revoked: /./,
      cyclicCause: /round/,
      longMessage: /^Error: xxx/,
      longStack: /short/,
      longName: /^N/,
      nullPrototype: /./,
      messageObject: /./,
      aggregate: /all failed[\s\S]*first[\s\S]*second/,
      bigAggregate: /more/,
      causes: /outer[\s\S]*inner/,
      controls: /./,
      subclass: /^NotFound: no such thing/,
      promise: /was thrown/,
      rejectsNull: /null/,
      rejectsNothing: /undefined/,
      timer: /from a timer/,
      microtask: /from a microtask/,
      nextToResult: /floating/,
      listener: /from a listener/,
    },
    (name, message) => {
      const { error, success } = rows[name] as Envelope;
      assert.ok(!success);
      assert.equal(error?.error_type, "task_error", (error?.message ?? "").slice(0, 300));
      assert.match(error.message, message, error.message.slice(0, 500));
      assert.ok(error.message.length < 200_000, `${error.message.length} characters`);
    },
  );
});

test("a program that is not there, or is nothing, is refused", async () => {
  const cwd = programs("many.ts");
  const { code, stderr } = await capsule(["run", "absent.ts"], { cwd });
  assert.equal(code, 2);
  assert.match(stderr, /absent\.ts/);
});
