import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { UsageError } from "@capsule-run/sdk/runner";
import manifest from "../package.json" with { type: "json" };
import { CapsuleError, closeAll, execute, runPython, Session } from "./index.ts";
import { executionWith } from "./testing/execution.ts";
import type { Execution } from "./types.ts";

/** A command line that notes what it is asked, and answers with what the code says: `{ "stdout": "…" }`. */
const capsulePath = mkdtempSync(join(tmpdir(), "capsule-adapter-"));
mkdirSync(join(capsulePath, "dist"));
const files = {
  "package.json": JSON.stringify({ name: "@capsule-run/cli", version: manifest.version }),
  "dist/runtime.js": `
    const log = exports.log = [];
    const perform = async (code, call) => {
      const { signal, onOutput } = call;
      log.push("begin " + code);
      const { printed = [], fields = {} } = JSON.parse(code);
      for (const text of printed) { onOutput?.({ stream: "stdout", text }); await null; await null; }
      await new Promise((go) => setTimeout(go, 5));
      log.push("end " + code);
      return signal.aborted ? exports.made({ error: { kind: "cancelled", message: "cancelled" } }) : exports.made(fields);
    };
    exports.createCodeRuntime = async () => {
      log.push("runtime");
      return {
        execute: (code, options) => { log.push(options.language ?? "default"); return perform(code, options); },
        async openSession({ language, hosts }) {
          log.push("open " + language + " " + hosts);
          if (exports.broken) throw Object.assign(new Error("no engine [engine]"), { name: "UsageError", slug: "engine", text: "no engine" });
          let line = Promise.resolve();
          return {
            run: (code, call) => (line = line.then(() => perform(code, call))),
            async importFile(from, to) { log.push(\`import \${from} \${to}\`); return [{ path: to, size: 1 }]; },
            async reset() { log.push("reset"); },
            async close() { log.push("close session"); },
          };
        },
        async load() {},
        async close() { log.push("close"); },
      };
    };`,
};
for (const [name, text] of Object.entries(files)) writeFileSync(join(capsulePath, name), text);

interface FakeCli {
  readonly log: string[];
  made: (fields: Partial<Execution>) => Execution;
  broken?: boolean;
}
const cli = createRequire(import.meta.url)(join(capsulePath, "dist/runtime.js")) as FakeCli;
cli.made = executionWith;

beforeEach(async () => {
  await closeAll();
  cli.log.length = 0;
});
after(async () => {
  await closeAll();
  rmSync(capsulePath, { recursive: true });
});

const giving = (value: number): string =>
  JSON.stringify({ fields: { hasValue: true, value, valueJson: `${value}`, valueText: `${value}` } });

const isUsage =
  (slug: string, message: RegExp) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof UsageError);
    assert.equal(error.slug, slug);
    assert.match(error.message, message);
    return true;
  };

test("a session opens at its first call, and calls go in order", async () => {
  await using session = new Session("javascript", { hosts: ["a.example"], capsulePath });
  assert.deepEqual(cli.log, []);
  const values = await Promise.all([1, 2, 3].map((n) => session.run(giving(n))));
  assert.deepEqual(values, [1, 2, 3]);
  assert.deepEqual(cli.log.slice(0, 2), ["runtime", "open javascript a.example"]);
  assert.deepEqual(
    cli.log.slice(2),
    [1, 2, 3].flatMap((n) => [`begin ${giving(n)}`, `end ${giving(n)}`]),
  );
  assert.deepEqual(await session.importFile("/a", "b"), [{ path: "b", size: 1 }]);
});

test("what is printed is told as it happens, and is on the session", async () => {
  const seen: string[] = [];
  const session = new Session("python", { capsulePath, onOutput: ({ text }) => seen.push(`all ${text}`) });
  const code = JSON.stringify({ printed: ["a", "b"], fields: { stdout: "ab" } });
  await session.run(code, { onOutput: ({ text }) => seen.push(`one ${text}`) });
  assert.deepEqual(seen, ["all a", "one a", "all b", "one b"]);
  assert.equal(session.output, "ab");
  await session.close();
});

test("a callback that fails ends the call", async () => {
  const code = JSON.stringify({ printed: ["a"] });
  const broken = new RangeError("mine");
  for (const onOutput of [
    () => {
      throw broken;
    },
    () => Promise.reject(broken),
  ])
    await assert.rejects(execute(code, { capsulePath, onOutput }), (error) => error === broken);
});

test("code that fails is a CapsuleError with all that is known", async () => {
  const traceback = 'Traceback (most recent call last):\n  File "<code>", line 1\nValueError: x\n';
  const error = { kind: "exception", name: "ValueError", message: "x", traceback } as const;
  const code = JSON.stringify({ fields: { ok: false, error, stdout: "before", notice: "cut" } });
  await assert.rejects(runPython(code, { capsulePath }), (failure) => {
    assert.ok(failure instanceof CapsuleError);
    assert.equal(failure.kind, "exception");
    assert.equal(failure.traceback, traceback);
    assert.equal(failure.message, `${traceback}cut`);
    assert.equal(failure.execution.stdout, "before");
    return true;
  });
  assert.ok(cli.log.includes("python"));
});

test("after close there is nothing, and what never opened closes, too", async () => {
  const session = new Session("python", { capsulePath });
  await session.close();
  await session.close();
  assert.deepEqual(cli.log, []);
  for (const use of [() => session.run("1"), () => session.listFiles(), () => session.reset()])
    await assert.rejects(use, isUsage("runtime-closed", /the session was closed/));
});

test("a session that could not open tries again", async () => {
  const session = new Session("python", { capsulePath });
  cli.broken = true;
  await assert.rejects(session.run(giving(1)), isUsage("engine", /no engine/));
  cli.broken = false;
  assert.equal(await session.run(giving(1)), 1);
  await session.close();
  assert.equal(cli.log.at(-1), "close session");
});

test("wrong options are told before anything is started", async () => {
  const wrong: readonly (readonly [() => unknown, RegExp])[] = [
    [
      () => new Session("ruby" as "python"),
      /Session: the language is "ruby"; allowed: "python" or "javascript"/,
    ],
    [
      () => new Session("python", { host: [] } as object),
      /Session: there is no option "host"; did you mean "hosts"/,
    ],
    [() => execute(5 as unknown as string), /execute: the code is 5; allowed: a text/],
    [
      () => execute("", { files: { a: 1 } } as object),
      /execute: files\["a"\] is 1; allowed: a text, or bytes/,
    ],
    [() => runPython("", { language: "python" } as object), /runPython: there is no option "language"/],
    [
      () => new Session().run("", { signal: {} } as object),
      /session.run: signal is an object; allowed: an Abort/,
    ],
  ];
  for (const [use, message] of wrong) await assert.rejects(async () => use(), isUsage("run-option", message));
  assert.deepEqual(cli.log, []);
});
