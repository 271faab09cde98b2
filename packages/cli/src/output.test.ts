import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { runFake, shell } from "../test/spawn.ts";

const cwd = mkdtempSync(join(tmpdir(), "capsule-output-"));
after(() => rmSync(cwd, { recursive: true }));
writeFileSync(join(cwd, "hello.ts"), "");
writeFileSync(join(cwd, "args.json"), '[1, {"a": null}]');
const SUMMARY = "main ok · 3 ms · 45,000 fuel · 1.1 MB\n";

test("results: a string as it is, else JSON as received, nothing for null", async () => {
  for (const [scene, stdout] of [
    ["string", "Hello\nfrom Capsule!\n"],
    ["big", '{"big":123456789012345678901234567890}\n'],
    ["nothing", ""],
    ["arguments", '["a","--b"]\n'],
  ] as const) {
    const ended = await runFake(scene, ["run", "hello.ts", "a", "--b"], { cwd });
    assert.deepEqual(ended, { code: 0, signal: null, stdout, stderr: SUMMARY }, scene);
  }
});

test("arguments from a file", async () => {
  const { stdout } = await runFake("arguments", ["run", "--args-file", "args.json", "hello.ts"], { cwd });
  assert.equal(stdout, '[1,{"a":null}]\n');
});

test("guest output first, then the result; our lines begin a line", async () => {
  const ended = await runFake("mixed", ["run", "hello.ts"], { cwd });
  assert.equal(ended.stdout, "out 1\nout 2\nresult\n");
  assert.equal(ended.stderr, `err 1\nerr without an end\n${SUMMARY}`);
  const both = await shell("mixed", "capsule run hello.ts 2>&1 | cat", cwd);
  assert.equal(both.stdout, `out 1\nerr 1\nout 2\nerr without an endresult\n${SUMMARY}`);
});

test("--json: one line on stdout, everything else on stderr", async () => {
  const ended = await runFake("mixed", ["run", "hello.ts", "--json"], { cwd });
  assert.equal(ended.stdout.split("\n").length, 2);
  assert.equal(JSON.parse(ended.stdout).result, "result");
  assert.equal(ended.stderr, `out 1\nerr 1\nout 2\nerr without an end\n${SUMMARY}`);
  const failed = await runFake("fails", ["run", "--json", "hello.ts"], { cwd });
  assert.equal(failed.code, 1);
  assert.equal(JSON.parse(failed.stdout).error.error_type, "task_error");
});

test("a failure: its message, then the summary, exit 1", async () => {
  const ended = await runFake("fails", ["run", "hello.ts"], { cwd });
  assert.equal(ended.code, 1);
  assert.equal(ended.stdout, "");
  assert.equal(
    ended.stderr,
    "Error: boom\n    at main (hello.ts:3:9)\n\\x1b[31mred\nmain failed (task_error) · 3 ms · 45,000 fuel · 1.1 MB\n",
  );
});

test("wrong use, configuration and our own bugs", async () => {
  const usage = await runFake("usage", ["run", "hello.ts"], { cwd });
  assert.equal(usage.code, 2);
  assert.equal(
    usage.stderr,
    'error: expected ";"\n  hello.ts:2:5\n  2 | let x y\n    |       ^\n[compile]\n',
  );
  for (const scene of ["bug", "stray", "lost"]) {
    const { code, stderr } = await runFake(scene, ["run", "hello.ts"], { cwd });
    assert.equal(code, 1, scene);
    assert.match(stderr, /^internal error: .* \(run with --verbose for the stack\)\n$/, scene);
    const verbose = await runFake(scene, ["run", "--verbose", "hello.ts"], { cwd });
    assert.match(verbose.stderr, /internal error: .*\n {4}at /, scene);
  }
  const none = await runFake("string", ["run"], { cwd });
  assert.equal(none.code, 2);
  assert.match(none.stderr, /^error: "capsule run" needs a program/);
  const entry = await runFake("arguments", ["run"], {
    cwd,
    extra: { CAPSULE_ENTRYPOINT: join(cwd, "hello.ts") },
  });
  assert.equal(entry.stdout, "[]\n");
});

test("a warning is one line on stderr", async () => {
  const { stderr } = await runFake("nothing", ["run", "hello.ts"], {
    cwd,
    extra: { CAPSULE_WARNING: "the cache\ncan't be written" },
  });
  assert.equal(stderr, `warning: the cache\\ncan't be written\n${SUMMARY}`);
});

test("--verbose: a line per event as it happens, each on a line of its own", async () => {
  const { stderr, stdout } = await runFake("events", ["run", "--verbose", "hello.ts"], { cwd });
  assert.equal(stdout, "1\n");
  assert.match(stderr, /^hello\.ts found in the cache · 1 task · 12\.3 kB · \d+ ms\nsnapshot taken before/);
  assert.match(stderr, /half a line\n +\d+ ms {4}fetch\\x1b\[2J \[0\.1\] queued\n/);
  assert.equal(stderr.trimEnd().split("\n").at(-1), SUMMARY.trimEnd());
});

test("a slow pipe gets everything, in order", async () => {
  const { stdout } = await shell(
    "megabytes",
    "capsule run hello.ts 2>/dev/null | (sleep 0.5; md5sum; )",
    cwd,
  );
  const direct = await shell(
    "megabytes",
    "capsule run hello.ts 2>/dev/null > big; wc -c < big; md5sum < big",
    cwd,
  );
  assert.equal(direct.stdout, `2000001\n${stdout}`);
  const text = readFileSync(join(cwd, "big"), "latin1");
  assert.equal(text.lastIndexOf("o") < text.indexOf("r"), true);
});

test("a closed pipe ends quietly", async () => {
  const endless = await shell("forever", "capsule run hello.ts | head -c 5; echo $" + "{PIPESTATUS[0]}", cwd);
  assert.deepEqual([endless.stdout, endless.stderr], ["yyyyy0\n", ""]);
  // The reader is gone before the only write, the result's.
  const late = await shell("megabytes", "capsule run hello.ts | true; echo $" + "{PIPESTATUS[0]}", cwd);
  assert.deepEqual([late.stdout, late.stderr], ["0\n", ""]);
  const noErrors = await shell("mixed", "(capsule run hello.ts; echo $?) 2> >(true)", cwd);
  assert.equal(noErrors.stdout, "out 1\nout 2\nresult\n0\n");
});

test("a full disk is a failure", { skip: process.platform !== "linux" }, async () => {
  const { stdout, stderr } = await shell("string", "capsule run hello.ts > /dev/full; echo $?", cwd);
  assert.equal(stdout, "1\n");
  assert.match(stderr, /error: writing to stdout failed: ENOSPC/);
});

test("build: one line, a list with --verbose, JSON with --json", async () => {
  const plain = await runFake("", ["build", "hello.ts"], { cwd });
  assert.equal(plain.stdout, "");
  assert.match(plain.stderr, /^hello\.ts found in the cache · 1 task · 12\.3 kB · \d+ ms\n$/);
  const verbose = await runFake("", ["build", "--verbose", "hello.ts"], { cwd });
  assert.match(verbose.stderr, /because it asked for the time\n {2}main · async · /);
  const json = JSON.parse((await runFake("", ["build", "hello.ts", "--json"], { cwd })).stdout);
  assert.equal(json.file, join(cwd, "hello.ts"));
  assert.equal(json.tasks[0].name, "main");
});

test("help and version go to stdout", async () => {
  for (const args of [[], ["--help"], ["help", "run"], ["run", "--help"]]) {
    const ended = await runFake("", args, { cwd });
    assert.match(ended.stdout, /^Usage: capsule /, args.join(" "));
    assert.deepEqual([ended.code, ended.stderr], [0, ""]);
  }
  assert.match((await runFake("", ["--version"], { cwd })).stdout, /^\d+\.\d+\.\d+\S*\n$/);
});

test("colour on request", async () => {
  const { stderr } = await runFake("nothing", ["run", "hello.ts"], { cwd, extra: { FORCE_COLOR: "1" } });
  assert.ok(stderr.startsWith("\u001b[1mmain\u001b[22m \u001b[32mok\u001b[39m · "));
});
