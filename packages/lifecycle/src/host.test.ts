import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isAlive, thisHost, thisProcess } from "./host.ts";

const now = 1_000_000_000;

test("a process elsewhere is known by its signs of life alone", () => {
  const elsewhere = { ...thisProcess(), host: "elsewhere" };
  assert.equal(isAlive(elsewhere, now - 4000, now), true);
  assert.equal(isAlive(elsewhere, now - 6000, now), false);
});

test("a process here is asked for", async () => {
  assert.equal(isAlive(thisProcess(), now, now), true);
  const child = spawn(process.execPath, ["-e", ""]);
  await once(child, "exit");
  assert.equal(isAlive({ host: thisHost(), pid: child.pid as number, born: null }, now, now), false);
  // Without its time of birth another process may have its id by now.
  assert.equal(isAlive({ ...thisProcess(), born: null }, now - 6000, now), false);
});

test("another process with the same id is another process", { skip: process.platform !== "linux" }, () => {
  const { born, ...here } = thisProcess();
  assert.ok(born !== null);
  assert.equal(isAlive({ ...here, born: born - 1 }, now, now), false);
  assert.equal(isAlive({ ...here, born }, now - 30_000, now), true, "it is there, if busy");
  assert.equal(isAlive({ ...here, born }, now - 90_000, now), false, "it does not record any more");
});

test("a process that was stopped goes on later", { skip: process.platform !== "linux" }, async () => {
  const script = `process.stdout.write(require("node:fs").readFileSync("/proc/self/stat", "latin1")); setInterval(() => {}, 1000)`;
  const child = spawn(process.execPath, ["-e", script]);
  try {
    const [text] = (await once(child.stdout, "data")) as [Buffer];
    const fields = text.toString("latin1").split(") ")[1]?.split(" ") ?? [];
    const stopped = { host: thisHost(), pid: child.pid as number, born: Number(fields[19]) };
    child.kill("SIGSTOP");
    for (let i = 0; i < 200 && !isAlive(stopped, 0, now); i++) await sleep(10);
    assert.equal(isAlive(stopped, 0, now), true);
  } finally {
    child.kill("SIGKILL");
  }
});
