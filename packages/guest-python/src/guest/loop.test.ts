import assert from "node:assert/strict";
import { before, test } from "node:test";
import { NOW, success, TestGuest } from "../drive/testing/guest.ts";
import { value } from "./testing.ts";

const PROGRAM = `
import asyncio, contextvars, sys, time
from concurrent.futures import ThreadPoolExecutor
from capsule import task

@task
async def sub(x):
    return x

@task
def blocking(code):
    async def case():
        return await scope["case"]()
    scope = define(code)
    return asyncio.run(case())

@task
async def driven(code):
    return await define(code)["case"]()

def define(code):
    body = "".join("    " + line + "\\n" for line in code.splitlines())
    scope = dict(globals())
    exec("async def case():\\n" + body, scope)
    return scope
`;

let guest: TestGuest;
let program: Awaited<ReturnType<TestGuest["load"]>>;
before(async () => {
  guest = new TestGuest();
  program = await guest.load(PROGRAM);
});

/** Runs a case both ways: driven by turns, and blocking. */
async function both(code: string): Promise<{ value: unknown; output: string }[]> {
  const found = [];
  for (const task of ["driven", "blocking"]) {
    guest.reset(program);
    guest.onRest = (wake) => {
      const call = guest.calls.findIndex(({ mode }, i) => mode === "async" && i >= answered);
      if (call < 0) return wake === null ? null : { type: "wake", now: wake };
      answered = call + 1;
      return { type: "complete", call: call + 1, envelope: success(call), now: NOW + call };
    };
    let answered = 0;
    found.push({ value: value(await guest.run(task, code)), output: guest.output });
  }
  return found;
}

async function same(code: string, wanted: unknown, output: string | RegExp = ""): Promise<void> {
  for (const found of await both(code)) {
    assert.deepEqual(found.value, wanted, code);
    if (typeof output === "string") assert.equal(found.output, output);
    else assert.match(found.output, output);
  }
}

test("sleep, gather, TaskGroup, queues", async () => {
  await same(
    `
async def worker(queue, seen):
    while True:
        seen.append(await queue.get())
        queue.task_done()
queue, seen = asyncio.Queue(maxsize=2), []
workers = [asyncio.create_task(worker(queue, seen)) for _ in range(3)]
for i in range(10):
    await queue.put(i)
await queue.join()
async with asyncio.TaskGroup() as group:
    a = group.create_task(asyncio.sleep(0.2, "late"))
    b = group.create_task(asyncio.sleep(0.1, "early"))
return [sorted(seen), a.result(), b.result(), await asyncio.gather(asyncio.sleep(0, 1), asyncio.sleep(0.01, 2))]
`,
    [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], "late", "early", [1, 2]],
  );
});

test("timers fire in order and not too early", async () => {
  await same(
    `
loop, seen = asyncio.get_running_loop(), []
start = loop.time()
for ms in (30, 10, 20):
    loop.call_later(ms / 1000, lambda ms=ms: seen.append((ms, loop.time() - start >= ms / 1000 - 0.001)))
cancelled = loop.call_later(0.015, seen.append, "never")
cancelled.cancel()
await asyncio.sleep(0.05)
return seen
`,
    [
      [10, true],
      [20, true],
      [30, true],
    ],
  );
});

test("timeouts, cancellation, shields and events", async () => {
  await same(
    `
seen = []
try:
    async with asyncio.timeout(0.01):
        await asyncio.sleep(10)
except TimeoutError:
    seen.append("timeout")
try:
    await asyncio.wait_for(asyncio.Event().wait(), 0.01)
except TimeoutError:
    seen.append("wait_for")
async def stubborn():
    try:
        await asyncio.sleep(10)
    finally:
        seen.append("cleaned")
task = asyncio.create_task(stubborn())
await asyncio.sleep(0)
task.cancel()
try:
    await task
except asyncio.CancelledError:
    seen.append("cancelled")
done, pending = await asyncio.wait([asyncio.create_task(asyncio.sleep(t)) for t in (0, 9)], timeout=0.01)
return seen + [len(done), len(pending)]
`,
    ["timeout", "wait_for", "cleaned", "cancelled", 1, 1],
  );
});

test("threads' work runs inline, as if in a thread", async () => {
  await same(
    `
loop = asyncio.get_running_loop()
variable = contextvars.ContextVar("v", default=0)
variable.set(3)
def nested():
    return asyncio.run(asyncio.sleep(0, "nested"))
def no_loop():
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return "none"
found = [await asyncio.to_thread(variable.get), await asyncio.to_thread(no_loop), await asyncio.to_thread(nested)]
with ThreadPoolExecutor(2) as pool:
    found.append(await loop.run_in_executor(pool, len, "abc"))
    found.append(list(pool.map(lambda x: x * x, range(3))))
try:
    await loop.run_in_executor(None, lambda: 1 / 0)
except ZeroDivisionError:
    found.append("raised")
loop.call_soon_threadsafe(found.append, "soon")
await asyncio.sleep(0)
return found
`,
    [3, "none", "nested", 3, [0, 1, 4], "raised", "soon"],
  );
});

test("what is left at the end is cancelled, and its clean-up waited for", async () => {
  await same(
    `
async def left():
    try:
        await asyncio.sleep(100)
    finally:
        print("cleaning")
        await asyncio.sleep(0.02)
        print("cleaned")
async def generator():
    try:
        yield 1
        yield 2
    finally:
        await asyncio.sleep(0.01)
        print("closed")
task = asyncio.create_task(left())
await asyncio.sleep(0)
global kept
kept = generator()
return await anext(kept)
`,
    1,
    "cleaning\ncleaned\nclosed\n",
  );
});

test("a task that never ends its clean-up does not keep the result", async () => {
  guest.reset(program);
  const code = `
async def stubborn():
    while True:
        try:
            await asyncio.sleep(1)
        except asyncio.CancelledError:
            pass
task = asyncio.create_task(stubborn())
await asyncio.sleep(0)
return 5`;
  assert.equal(value(await guest.run("driven", code)), 5);
});

test("exceptions that nobody retrieves are printed", async () => {
  await same(
    `
async def background():
    raise ValueError("lost")
task = asyncio.create_task(background())
await asyncio.sleep(0)
del task
return 1
`,
    1,
    /^Task exception was never retrieved\n[\s\S]*ValueError: lost\n$/,
  );
});

test("a loop that is never idle still hears of completions", async () => {
  await same(
    `
task = asyncio.create_task(sub(1))
rounds = 0
while not task.done():
    await asyncio.sleep(0)
    rounds += 1
return [task.result()["result"], rounds > 1]
`,
    [0, true],
  );
});

test("asyncio.run in a running loop is CPython's error", async () => {
  await same(
    `
coroutine = asyncio.sleep(0)
try:
    asyncio.run(coroutine)
except RuntimeError as error:
    return str(error)
finally:
    coroutine.close()
`,
    "asyncio.run() cannot be called from a running event loop",
  );
});

test("what a loop can't do says that it is the sandbox", async () => {
  await same(
    `
loop, found = asyncio.get_running_loop(), []
for make in (
    lambda: asyncio.open_connection("x", 80),
    lambda: asyncio.create_subprocess_exec("ls"),
    lambda: asyncio.start_server(print, "0.0.0.0", 80),
):
    try:
        await make()
    except OSError as error:
        found.append("Capsule sandbox" in str(error))
try:
    loop.add_signal_handler(2, print)
except NotImplementedError as error:
    found.append("Capsule sandbox" in str(error))
return found
`,
    [true, true, true, true],
  );
});
