/** Nothing of one attempt is visible to another, and nothing of the host to any. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import {
  capsule,
  type Envelope,
  folder,
  program,
  refusal,
  runFile,
  runProgram,
  runSource,
} from "./support/capsule.ts";

describe("a damaged sandbox", () => {
  interface Row {
    readonly envelopes: readonly Envelope[];
    readonly after: Envelope;
    readonly child: Envelope;
    readonly asyncChild: Envelope;
  }
  interface Result {
    readonly before: Envelope<{ counter: number; globals: number; leaked: unknown[] }>;
    readonly rows: Record<string, Row>;
    readonly own: number;
  }
  let result = {} as Result;
  before(async () => {
    const { envelope, code } = await runProgram<Result>("isolation.ts");
    assert.equal(code, 0, envelope.error?.message ?? "");
    result = envelope.result;
  });

  test("leaves no trace in the next one", () => {
    const clean = result.before.result;
    assert.deepEqual([clean.counter, clean.leaked], [1, []]);
    assert.ok(clean.globals > 50);
    assert.ok(Object.keys(result.rows).length > 25);
    for (const [name, { after }] of Object.entries(result.rows))
      assert.deepEqual(after.result, clean, `${name}: ${after.error?.message}`);
    assert.equal(result.own, 0, "a task's state is not its caller's");
  });

  test("can forge nothing for other tasks", () => {
    for (const [name, { child, asyncChild }] of Object.entries(result.rows)) {
      assert.deepEqual(child.result, { x: 5, twice: 10 }, name);
      assert.deepEqual(asyncChild.result, { x: 6, twice: 12 }, name);
    }
  });

  test("ends in a result or an error of its own, whatever was damaged", () => {
    for (const [name, { envelopes }] of Object.entries(result.rows)) {
      assert.equal(envelopes.length, 7);
      for (const { success, error, execution } of envelopes)
        assert.ok(
          success || ["task_error", "invalid_result"].includes(error?.error_type ?? ""),
          `${execution.task_name} ${name}: ${error?.error_type}: ${error?.message}`,
        );
      const [, , thrown, , , , rejected] = envelopes as [
        Envelope,
        Envelope,
        Envelope,
        Envelope,
        Envelope,
        Envelope,
        Envelope,
      ];
      assert.equal(thrown.success, false, `${name}: a failure never turns into a success`);
      assert.equal(thrown.execution.retries, 1);
      if (name !== "thenOnObjects") assert.equal(rejected.success, false, name);
    }
  });
});

describe("damage at the top level of a program", () => {
  const CASES: Readonly<Record<string, string>> = {
    "everything deleted":
      "const g = globalThis; const { ownKeys, deleteProperty } = Reflect; for (const key of ownKeys(g)) deleteProperty(g, key);",
    "JSON patched": "JSON.stringify = () => '\"forged\"'; JSON.parse = () => 1;",
    "Promise replaced": "globalThis.Promise = function () { throw 1 } as never;",
    "Object.prototype polluted":
      "Object.assign(Object.prototype, { toJSON: undefined, get: 1, set: 2, value: 3, success: true, fuel: 1e15 });",
    "arrays not iterable": "delete (Array.prototype as never as Record<symbol, unknown>)[Symbol.iterator];",
    "stacks prepared": "(Error as never as Record<string, unknown>).prepareStackTrace = () => { throw 1 };",
    "built-ins frozen":
      "for (const name of Object.getOwnPropertyNames(globalThis)) { const v = (globalThis as never as Record<string, { prototype?: object }>)[name]; if (typeof v === 'function' && v.prototype) Object.freeze(v.prototype); }",
  };
  for (const [name, source] of Object.entries(CASES))
    test(`changes nothing that the host relies on: ${name}`, async () => {
      const { envelope, code } = await runSource<Envelope>(
        `const add = task({ name: "add" }, (a: number, b: number) => a + b);
         const fail = task({ name: "fail", compute: 50_000_000, maxRetries: 0 }, async () => { throw new Error("fails"); });
         export const main = task({ name: "main" }, () => add(2, 3));
         export const other = task({ name: "other", compute: "LOW" }, () => { fail(); while (true) {} });
         ${source}`,
      );
      assert.equal(code, 0, envelope.error?.message ?? "");
      assert.equal(envelope.result.result, 5);
      assert.equal(envelope.result.execution.task_name, "add");
      assert.ok(envelope.execution.fuel_consumed < 2_000_000_000);
    });

  test("that keeps the program itself from loading is said at its place", async () => {
    const { code, stdout, stderr } = await refusal(
      `export const main = task({ name: "main" }, () => 1);
       Promise.prototype.then = () => { throw new Error("patched"); };`,
    );
    assert.equal(code, 2);
    assert.equal(stdout, "");
    assert.match(stderr, /Error: patched\n(.*\n)*\s+main\.ts:3:\d+/);
  });

  test("does not hide a failure of main", async () => {
    const { envelope, code } = await runSource(
      `JSON.stringify = (() => '"forged"') as never;
       Object.defineProperty(Object.prototype, "toJSON", { value: () => "forged" });
       Object.defineProperty(Error.prototype, "stack", { get() { throw 1 } });
       export const main = task({ name: "main" }, () => { throw new RangeError("it failed"); });`,
    );
    assert.equal(code, 1);
    assert.equal(envelope.error?.error_type, "task_error");
    assert.match(envelope.error.message, /^RangeError: it failed/);
  });
});

describe("a program that looks for a way out", () => {
  interface Look {
    readonly [name: string]: unknown;
    readonly names: readonly string[];
    readonly imports: Readonly<Record<string, string>>;
  }
  interface Result {
    readonly look: Envelope<Look>;
    readonly time: Envelope<{ spins: number; year: number; waited: number; zone: number }>;
  }
  let look = {} as Look;
  let time = {} as Result["time"]["result"];
  before(async () => {
    const { envelope } = await runProgram<Result>("reach.ts", [], {
      extra: { CAPSULE_TEST_SECRET: "hunter2" },
    });
    assert.ok(envelope.success, envelope.error?.message ?? "");
    look = envelope.result.look.result;
    time = envelope.result.time.result;
  });

  test("finds no objects of the host", () => {
    // These are our own; the tests of the environment and of the network look into them.
    const ours = ["process", "fetch", "WebSocket", "Buffer"];
    assert.deepEqual(
      (look.host as string[]).filter((name) => !ours.includes(name)),
      [],
    );
    assert.match(look.asyncChain as string, /^function async function anonymous/);
    assert.match(look.argumentsCallee as string, /undefined|throws TypeError/);
    assert.deepEqual(look.symbols, [
      "Symbol(Symbol.toStringTag)",
      "Symbol(capsule.task)",
      "Symbol(capsule.module)",
      "Symbol(capsule.tools)",
    ]);
    assert.deepEqual(look.doors, ["Symbol(capsule.task)", "Symbol(capsule.module)", "Symbol(capsule.tools)"]);
  });

  test("finds no global that is not on the list", () => {
    const engine =
      "AggregateError Array ArrayBuffer AsyncDisposableStack BigInt BigInt64Array BigUint64Array Boolean DataView Date " +
      "DisposableStack Error EvalError FinalizationRegistry Float16Array Float32Array Float64Array Function Infinity " +
      "Int16Array Int32Array Int8Array InternalError Iterator JSON Map Math NaN Number Object Promise Proxy RangeError " +
      "ReferenceError Reflect RegExp Set SharedArrayBuffer String SuppressedError Symbol SyntaxError TypeError URIError " +
      "Uint16Array Uint32Array Uint8Array Uint8ClampedArray WeakMap WeakRef WeakSet decodeURI decodeURIComponent " +
      "encodeURI encodeURIComponent escape eval globalThis isFinite isNaN parseFloat parseInt undefined unescape";
    const ours =
      "AbortController AbortSignal CustomEvent DOMException Event EventTarget TextDecoder TextEncoder URL " +
      "URLSearchParams atob btoa clearImmediate clearInterval clearTimeout console crypto global performance process " +
      "queueMicrotask setImmediate setInterval setTimeout structuredClone Blob " +
      "ByteLengthQueuingStrategy CountQueuingStrategy File FormData Headers ReadableByteStreamController ReadableStream " +
      "ReadableStreamBYOBReader ReadableStreamBYOBRequest ReadableStreamDefaultController ReadableStreamDefaultReader " +
      "Request Response TextDecoderStream TextEncoderStream TransformStream TransformStreamDefaultController WebSocket " +
      "WritableStream WritableStreamDefaultController WritableStreamDefaultWriter fetch Buffer Symbol(Symbol.toStringTag) " +
      "Symbol(capsule.task) Symbol(capsule.module) Symbol(capsule.tools)";
    const known = new Set(`${engine} ${ours}`.split(" ").map((name) => name));
    known.add("Symbol(Symbol.toStringTag)");
    assert.deepEqual(
      look.names.filter((name) => !known.has(name)),
      [],
    );
  });

  test("can import nothing at run time", () => {
    assert.ok(Object.keys(look.imports).length > 8);
    for (const [name, outcome] of Object.entries(look.imports)) assert.match(outcome, /^rejects /, name);
  });

  test("evaluates code inside only", () => {
    assert.equal(look.evaluated, "number 2");
    assert.equal(look.made, "number 42");
    assert.match(look.meta as string, /^throws SyntaxError/);
  });

  test("sees no path of the host in stacks", () => {
    for (const text of [look.errorPaths, look.nativePaths, look.taskSource])
      assert.doesNotMatch(text as string, /\/(tmp|root|home|usr|work|var|Users)\/|node_modules|\bfile:/);
  });

  test("sees time as a function of events and fuel", () => {
    assert.ok(time.spins <= 3, `${time.spins} different times in 2,000 readings`);
    assert.ok(time.year >= 2024);
    assert.ok(time.waited >= 100, `${time.waited} ms passed in a wait of 120 ms`);
    assert.equal(time.zone, 0);
  });

  test("sees no environment variable", async () => {
    const { envelope, stdout, stderr } = await runSource(
      `export const main = task({ name: "main" }, () => {
         const g = globalThis as never as Record<string, unknown>;
         return [JSON.stringify(g.process ?? null), String((g.process as never as { env?: { CAPSULE_TEST_SECRET?: string } })?.env?.CAPSULE_TEST_SECRET)];
       });`,
      [],
      { extra: { CAPSULE_TEST_SECRET: "hunter2" } },
    );
    assert.ok(envelope.success, envelope.error?.message ?? "");
    assert.doesNotMatch(stdout + stderr, /hunter2/);
    assert.doesNotMatch(stdout, /PATH|HOME/);
  });

  test("gets no use out of Node's modules that its bundler leaves out", async () => {
    const { envelope, stdout } = await runFile<Record<string, string>>(
      folder({
        "main.ts": `import { task } from "@capsule-run/sdk";
          import * as fs from "node:fs";
          const child = require("node:child_process");
          import * as net from "node:net";
          const worker = require("node:worker_threads");
          const use = (code: () => unknown): string => {
            try { return "got " + String(code()); } catch (error) { return (error as Error).message; }
          };
          export const main = task({ name: "main" }, () => ({
            fs: use(() => fs.readFileSync("/etc/passwd", "utf8")),
            child: use(() => child.execSync("id")),
            net: use(() => net.connect(80)),
            worker: use(() => new worker.Worker("1", { eval: true })),
          }));`,
      }),
      "main.ts",
    );
    assert.ok(envelope.success, envelope.error?.message ?? "");
    for (const [name, text] of Object.entries(envelope.result)) assert.doesNotMatch(text, /^got /, name);
    assert.doesNotMatch(stdout, /root:/);
  });
});

describe("randomness", () => {
  test("differs between attempts, retries, tasks and runs", async () => {
    const cwd = folder({
      "main.ts": program(`
        const draw = () => [Math.random(), crypto.randomUUID(), crypto.getRandomValues(new Uint32Array(2)).join()];
        const one = task({ name: "one" }, draw);
        const many = task({ name: "many" }, async () => draw());
        const failing = task({ name: "failing", maxRetries: 2 }, () => { throw new Error(JSON.stringify(draw())); });
        export const main = task({ name: "main" }, async () => {
          const seen = [draw(), draw(), one().result, one().result,
            ...(await Promise.all([many(), many(), many()])).map((e) => e.result)];
          return { seen, error: failing().error!.message };
        });`),
    });
    interface Drawn {
      readonly seen: readonly (readonly unknown[])[];
      readonly error: string;
    }
    const runs = [await runFile<Drawn>(cwd, "main.ts"), await runFile<Drawn>(cwd, "main.ts")];
    const all = runs.flatMap(({ envelope }) => envelope.result.seen.flat());
    assert.equal(all.length, 2 * 7 * 3);
    assert.equal(new Set(all).size, all.length);
    for (const { envelope } of runs) for (const draw of envelope.result.seen) assert.equal(draw.length, 3);
    assert.notEqual(runs[0]?.envelope.result.error, runs[1]?.envelope.result.error);
  });

  test("differs between retries of one task", async () => {
    const { stderr, code } = await capsule(["run", "--verbose", "main.ts"], {
      cwd: folder({
        "main.ts": program(`export const main = task({ name: "main", maxRetries: 3 }, () => {
          throw new Error("drawn " + Math.random());
        });`),
      }),
    });
    assert.equal(code, 1);
    const drawn = [...stderr.matchAll(/drawn (0\.\d+)/g)].map(([, number]) => number);
    assert.ok(drawn.length >= 4, stderr);
    assert.equal(new Set(drawn).size, 4);
  });
});

test("sub-tasks see the module's state as it was loaded, each time", async () => {
  const { envelope } = await runSource(`
    let count = 0;
    const cache = new Map<string, number>([["loaded", 1]]);
    class Counter { static made = 0; #own = ++Counter.made; get own() { return this.#own; } }
    const shared = new Counter();
    const bump = task({ name: "bump" }, () => {
      cache.set("again" + count, 1);
      return [++count, cache.size, new Counter().own, shared.own];
    });
    const bumpAsync = task({ name: "bumpAsync" }, async () => {
      await null;
      return [++count, cache.size, new Counter().own, shared.own];
    });
    export const main = task({ name: "main" }, async () => {
      count = 100;
      cache.clear();
      const seen = [bump().result, bump().result, ...(await Promise.all([bumpAsync(), bumpAsync()])).map((e) => e.result)];
      return { seen, own: [count, cache.size, Counter.made] };
    });`);
  assert.deepEqual(envelope.result, {
    seen: [
      [1, 2, 2, 1],
      [1, 2, 2, 1],
      [1, 1, 2, 1],
      [1, 1, 2, 1],
    ],
    own: [100, 0, 1],
  });
});
