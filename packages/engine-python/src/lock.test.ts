import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { withLock } from "./lock.ts";

const folder = mkdtempSync(join(tmpdir(), "capsule-lock-"));
after(() => rmSync(folder, { recursive: true }));

let count = 0;
const fresh = (): string => join(folder, `lock-${count++}`);
const MODULE = JSON.stringify(new URL("lock.ts", import.meta.url).href);

/** A process that holds a lock until it is killed. */
async function holder(path: string) {
  const code = `import { withLock } from ${MODULE}; await withLock(${JSON.stringify(path)}, {}, async () => { console.log("held"); await new Promise((r) => setTimeout(r, 60000)); });`;
  const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", code], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  return child;
}

test("work under one lock is done one after the other", async () => {
  const path = fresh();
  let inside = 0;
  let waits = 0;
  const work = async (): Promise<void> => {
    assert.equal(++inside, 1);
    await delay(20);
    inside--;
  };
  const options = { onWait: () => waits++, pollMs: 5 };
  await Promise.all([1, 2, 3].map(() => withLock(path, options, work)));
  assert.equal(waits, 2);
  assert.ok(!existsSync(path));
});

test("the lock ends with the work, also when that fails, and its folder with it", async () => {
  const path = fresh();
  const failing = withLock(path, {}, async (lock) => {
    writeFileSync(join(lock.folder, "half"), "x");
    throw new Error("no");
  });
  await assert.rejects(failing, /no/);
  assert.ok(!existsSync(path));
  assert.equal(await withLock(path, {}, async () => 1), 1);
});

test("the lock of a process that was killed is taken over at once, and what it left is removed", async () => {
  const path = fresh();
  const child = await holder(path);
  writeFileSync(join(path, "half"), "x");
  child.kill("SIGKILL");
  await once(child, "exit");
  const began = performance.now();
  await withLock(path, {}, async (lock) => assert.deepEqual(readdirSync(lock.folder), ["owner.json"]));
  assert.ok(performance.now() - began < 1000);
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith("lock-2")),
    [],
  );
});

test("a process that waits gets the lock when the owner dies", async () => {
  const path = fresh();
  const child = await holder(path);
  let waited = false;
  const got = withLock(path, { onWait: () => (waited = true), pollMs: 10 }, async () => "mine");
  await delay(50);
  assert.ok(waited);
  child.kill("SIGKILL");
  assert.equal(await got, "mine");
});

test("a number that belongs to another process by now", { skip: process.platform !== "linux" }, async () => {
  const path = fresh();
  await withLock(path, {}, async () => {
    const owner = JSON.parse(readFileSync(join(path, "owner.json"), "utf8"));
    mkdirSync(`${path}-b`);
    writeFileSync(join(`${path}-b`, "owner.json"), JSON.stringify({ ...owner, started: "1" }));
  });
  const began = performance.now();
  await withLock(`${path}-b`, {}, async () => {});
  assert.ok(performance.now() - began < 1000);
});

test("an owner elsewhere holds it as long as it shows itself", async () => {
  const path = fresh();
  mkdirSync(path);
  const file = join(path, "owner.json");
  writeFileSync(file, JSON.stringify({ token: "t", pid: 1, started: "1", realm: "elsewhere" }));
  let beats = 0;
  const heart = setInterval(() => utimesSync(file, ++beats, beats), 20);
  const options = { pollMs: 10, silenceMs: 200 };
  let got = false;
  const done = withLock(path, options, async () => {
    got = true;
  });
  await delay(500);
  assert.equal(got, false);
  clearInterval(heart);
  await done;
  assert.equal(got, true);
});

test("a folder without an owner, as a crash of the machine may leave it", async () => {
  const path = fresh();
  mkdirSync(path);
  writeFileSync(join(path, "owner.json"), "");
  assert.equal(await withLock(path, { pollMs: 5, silenceMs: 50 }, async () => 2), 2);
});

test("whoever waits can give up", async () => {
  const path = fresh();
  const abort = new AbortController();
  await withLock(path, {}, async () => {
    const waiting = withLock(path, { signal: abort.signal, pollMs: 5 }, async () => 3);
    abort.abort();
    await assert.rejects(waiting, { name: "EngineError", kind: "interrupted" });
  });
});
