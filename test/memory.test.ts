/** One memory budget for all sandboxes of a runtime: whoever is greedy ends, the host and the others live on. */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createRuntime, type RunEvent, type Runtime } from "@capsule-run/runtime";
import { folder } from "./support/capsule.ts";
import { cellsOf, onLinux, peakMemory, rssOf } from "./support/processes.ts";

const MIB = 1024 ** 2;
const BUDGET = 512 * MIB;
/** What a process takes beside its sandboxes: Node, the engine's code, the image, what V8 has not yet given back. */
const PROCESS = 200 * MIB;

const TYPESCRIPT = `
import { task } from "@capsule-run/sdk";
const hold = (mib: number) => {
  const kept: Uint8Array[] = [];
  for (let i = 0; i < mib; i += 8) kept.push(new Uint8Array(8 * 1024 * 1024).fill(7));
  return kept;
};
const outcome = (e) => (e.success ? "success" : e.error.error_type);
const tally = (all) => { const by = {}; for (const e of all) by[outcome(e)] = (by[outcome(e)] ?? 0) + 1; return by; };
const hog = task({ name: "hog", compute: "HIGH" }, async (mib: number) => hold(mib).length);
const small = task({ name: "small" }, async (n: number) => n + 1);
const sleeper = task({ name: "sleeper", compute: "HIGH" }, async (mib: number) => {
  const kept = hold(mib);
  await new Promise((r) => setTimeout(r, 100));
  return kept.length;
});
const held = task({ name: "held", compute: "HIGH", timeout: "1s" }, async (mib: number) => hold(mib).length);
const holder = task({ name: "holder", compute: "1000000000000", timeout: "4s" }, async (mib: number) => {
  const kept = hold(mib);
  void held(mib);
  for (;;) kept.length;
});
const parent = task({ name: "parent", compute: "HIGH" }, async (depth: number, mib: number) => {
  const kept = hold(mib);
  const below = depth === 0 ? [] : await parent(depth - 1, mib);
  return depth === 0 ? ["leaf"] : [...(below.success ? below.result : [below.error.error_type]), kept.length];
});
export const main = task({ name: "main", compute: "HIGH" }, async (what: string, n: number, mib: number) => {
  if (what === "hogs") return tally(await Promise.all(Array.from({ length: n }, () => hog(mib))));
  if (what === "sleepers") return tally(await Promise.all(Array.from({ length: n }, () => sleeper(mib))));
  if (what === "parents") return outcome(await parent(n, mib));
  if (what === "timeout") return outcome(await holder(mib));
  if (what === "message") return (await hog(mib)).error.message;
  return (await Promise.all(Array.from({ length: n }, (_, i) => small(i)))).filter((e) => e.success).length;
});
`;

const PYTHON = `
import asyncio
from capsule import task

def hold(mib):
    return [b"\\x07" * (8 * 1024 * 1024) for _ in range(0, mib, 8)]

def outcome(e):
    return "success" if e["success"] else e["error"]["error_type"]

def tally(all):
    by = {}
    for e in all:
        by[outcome(e)] = by.get(outcome(e), 0) + 1
    return by

@task(name="hog", compute="HIGH")
async def hog(mib: int):
    return len(hold(mib))

@task(name="small")
async def small(n: int):
    return n + 1

@task(name="sleeper", compute="HIGH")
async def sleeper(mib: int):
    kept = hold(mib)
    await asyncio.sleep(0.1)
    return len(kept)

@task(name="held", compute="HIGH", timeout="1s")
async def held(mib: int):
    return len(hold(mib))

@task(name="holder", compute="1000000000000", timeout="4s")
async def holder(mib: int):
    kept = hold(mib)
    child = asyncio.create_task(held(mib))
    await asyncio.sleep(0)
    while True:
        len(kept)

@task(name="parent", compute="HIGH")
async def parent(depth: int, mib: int):
    kept = hold(mib)
    if depth == 0:
        return ["leaf"]
    below = await parent(depth - 1, mib)
    return [*(below["result"] if below["success"] else [below["error"]["error_type"]]), len(kept)]

@task(name="main", compute="HIGH")
async def main(what: str, n: int, mib: int):
    if what == "hogs":
        return tally(await asyncio.gather(*[hog(mib) for _ in range(n)]))
    if what == "sleepers":
        return tally(await asyncio.gather(*[sleeper(mib) for _ in range(n)]))
    if what == "parents":
        return outcome(await parent(n, mib))
    if what == "timeout":
        return outcome(await holder(mib))
    if what == "message":
        return (await hog(mib))["error"]["message"]
    return sum(e["success"] for e in await asyncio.gather(*[small(i) for i in range(n)]))
`;

for (const [language, file, source, image, hogs] of [
  ["TypeScript", "main.ts", TYPESCRIPT, 2 * MIB, 100],
  ["Python", "main.py", PYTHON, 48 * MIB, 40],
] as const)
  describe(language, { skip: !onLinux }, () => {
    const cwd = folder({ [file]: source });
    const runtimes: Runtime[] = [];
    after(async () => {
      for (const runtime of runtimes) await runtime.close();
    });
    const open = async (memory = BUDGET): Promise<Runtime> => {
      const runtime = await createRuntime({ cwd, cells: 2, memory });
      runtimes.push(runtime);
      return runtime;
    };
    const ask = async (runtime: Runtime, what: string, n: number, mib: number): Promise<unknown> => {
      const { envelope } = await runtime.run({ file, args: [what, n, mib] });
      assert.ok(envelope.success, envelope.success ? "" : envelope.error.message);
      return JSON.parse(envelope.resultJson);
    };
    const total = (by: unknown): number =>
      Object.values(by as Record<string, number>).reduce((a, b) => a + b, 0);

    test("a hundred hogs at once: an answer each, memory stays within the budget and comes back", async () => {
      const runtime = await open();
      assert.equal(await ask(runtime, "small", 4, 0), 4);
      const work = ask(runtime, "hogs", hogs, 100_000);
      const beside = ask(runtime, "small", 3, 0);
      const { value, allCellBytes } = await peakMemory(process.pid, work);
      assert.deepEqual(value, { out_of_memory: hogs });
      assert.equal(await beside, 3, "a run beside them succeeds");
      assert.ok(allCellBytes < BUDGET + 2 * PROCESS, `${allCellBytes / MIB} MiB at most`);
      let rss = Number.POSITIVE_INFINITY;
      for (let i = 0; i < 100 && rss > 2 * PROCESS; i++) {
        await sleep(100);
        rss = cellsOf(process.pid).reduce((sum, pid) => sum + rssOf(pid), 0);
      }
      assert.ok(rss <= 2 * PROCESS, `${rss / MIB} MiB in the end`);
    });

    test("those that fit one after another all succeed, and sleepers with what they hold", async () => {
      const runtime = await open();
      const by = (await ask(runtime, "hogs", 12, 24)) as Record<string, number>;
      assert.equal(total(by), 12);
      assert.ok((by.success ?? 0) > 0);
      const slept = (await ask(runtime, "sleepers", 12, 24)) as Record<string, number>;
      assert.equal(total(slept), 12);
      assert.ok((slept.success ?? 0) > 0);
    });

    test("parents that all hold memory and call the next: depth 20", async () => {
      const runtime = await open();
      const { value, allCellBytes } = await peakMemory(process.pid, ask(runtime, "parents", 20, 64));
      assert.equal(value, "success");
      const overshoot = 20 * (image + 8 * MIB);
      assert.ok(allCellBytes < BUDGET + overshoot + 2 * PROCESS, `${allCellBytes / MIB} MiB at most`);
    });

    test("the time of one that stands still goes on, and its timeout fires", async () => {
      const runtime = await open();
      const ended = new Map<string, string>();
      const onEvent = (event: RunEvent): void => {
        if (event.type === "task_ended" && !event.envelope.success)
          ended.set(event.task, event.envelope.error.error_type);
      };
      const { envelope } = await runtime.run({ file, args: ["timeout", 0, 240], onEvent });
      assert.ok(envelope.success);
      assert.deepEqual([ended.get("held"), ended.get("holder")], ["timeout", "timeout"]);
    });

    test("the message says whose memory was full, and how large it is", async () => {
      const runtime = await open();
      const message = await ask(runtime, "message", 0, 1000);
      assert.match(String(message), /"hog" grew to [\d,]+ bytes.*memory budget.*536,870,912 bytes/s);
      assert.match(String(message), /not the task's `ram`/);
    });
  });
