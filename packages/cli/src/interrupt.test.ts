import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { startFake } from "../test/spawn.ts";

const cwd = mkdtempSync(join(tmpdir(), "capsule-interrupt-"));
after(() => rmSync(cwd, { recursive: true }));
writeFileSync(join(cwd, "hello.ts"), "");

const SIGNALS = [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const;

test("a signal cancels the run, its envelope is reported, the exit code tells which", async () => {
  for (const [signal, code] of SIGNALS) {
    const { child, ended, printed } = startFake("waits", ["run", "--json", "hello.ts"], { cwd });
    await printed("waiting");
    child.kill(signal);
    const end = await ended;
    assert.equal(end.code, code);
    assert.equal(JSON.parse(end.stdout).error.error_type, "cancelled");
    assert.match(end.stderr, /the run was cancelled\nmain failed \(cancelled\) · /);
  }
});

test("one press of Ctrl-C that arrives twice is one", async () => {
  const { child, ended, printed } = startFake("waits", ["run", "hello.ts"], { cwd });
  await printed("waiting");
  child.kill("SIGINT");
  await delay(5);
  child.kill("SIGINT");
  assert.match((await ended).stderr, /main failed \(cancelled\)/);
});

test("the second press ends at once", async () => {
  const { child, ended, printed } = startFake("stuck", ["run", "hello.ts"], { cwd });
  await printed("waiting");
  child.kill("SIGINT");
  await delay(200);
  assert.equal(child.exitCode, null);
  child.kill("SIGINT");
  const end = await ended;
  assert.deepEqual([end.code, end.stderr], [130, ""]);
});
