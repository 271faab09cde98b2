import assert from "node:assert/strict";
import { test } from "node:test";
import { type AttemptLog, type AttemptSpec, DEFAULT_POLICY, type Outcome } from "@capsule-run/protocol";
import { createBudget, UNLIMITED } from "@capsule-run/scheduler";
import type { RunEvent } from "./api.ts";
import { Calls, callBytes } from "./calls.ts";
import { LocalEngine, needing } from "./local.ts";

const usage = { fuel: 1, ram: 2, ms: 3, requests: [] };
const ok = (text = "1"): Outcome => ({ ok: true, value: Buffer.from(text), usage });

const spec = (path: string, run = "r"): AttemptSpec => ({
  run,
  path,
  attempt: 0,
  artifact: "a",
  task: "t",
  args: Buffer.from("[]"),
  policy: DEFAULT_POLICY,
});

/** A cell, and memory for `memory` attempts of a byte each. */
const one = (memory = 1000) => ({ cells: 1, memory, ...needing(() => 1) });

const never = new AbortController().signal;

test("completions come in the order in which they happen", async () => {
  const engine = new LocalEngine(async ({ path }) => {
    await new Promise((resolve) => setTimeout(resolve, path === "0" ? 30 : 1));
    return ok(path);
  }, one());
  const log = engine.root(never);
  log.issue({ seq: 1, kind: "task", spec: spec("0") });
  log.issue({ seq: 2, kind: "task", spec: spec("1") });
  log.issue({ seq: 3, kind: "sleep", ms: 100 });
  assert.deepEqual([(await log.next())?.seq, (await log.next())?.seq], [2, 1]);
  assert.deepEqual(await log.next(), { seq: 3, outcome: null });
  log.close();
});

test("what fails of itself is an outcome, never a rejection", async () => {
  const engine = new LocalEngine(async () => {
    throw new Error("broken");
  }, one());
  const log = engine.root(never);
  log.issue({ seq: 1, kind: "task", spec: spec("0") });
  const completion = await log.next();
  assert.ok(completion?.outcome && !completion.outcome.ok);
  assert.deepEqual([completion.outcome.error, completion.outcome.message], ["internal_error", "broken"]);
  log.close();
});

test("a revoked op's completion does not come; its attempt hears that it is cancelled", async () => {
  let heard: unknown = "nothing";
  const engine = new LocalEngine(async ({ path }, log) => {
    if (path === "0") heard = await log.next();
    return ok();
  }, one());
  const log = engine.root(never);
  log.issue({ seq: 1, kind: "task", spec: spec("0") });
  log.issue({ seq: 2, kind: "sleep", ms: 1 });
  await new Promise(setImmediate);
  log.revoke(1);
  log.revoke(1);
  log.issue({ seq: 3, kind: "sleep", ms: 20 });
  assert.deepEqual([(await log.next())?.seq, (await log.next())?.seq], [2, 3]);
  assert.equal(heard, null);
  log.close();
});

test("a cancelled root hears how all it asked for ends, at once", async () => {
  const engine = new LocalEngine(async (_spec, log) => {
    assert.equal(await log.next(), null);
    return { ok: false, error: "cancelled", message: "mine", usage };
  }, one());
  const cancel = new AbortController();
  const log = engine.root(cancel.signal);
  log.issue({ seq: 1, kind: "task", spec: spec("0") });
  log.issue({ seq: 2, kind: "sleep", ms: 1_000_000 });
  await new Promise(setImmediate);
  cancel.abort();
  const completions = [await log.next(), await log.next()];
  assert.deepEqual(completions.map((completion) => completion?.seq).sort(), [1, 2]);
  const cancelled = completions.find((completion) => completion?.seq === 1)?.outcome;
  assert.deepEqual(cancelled?.usage, usage, "what it used is in its outcome");
  log.issue({ seq: 3, kind: "task", spec: spec("1") });
  assert.equal((await log.next())?.seq, 3, "what comes later ends as soon");
  log.close();
});

test("a root leaves nothing on the signal it was given", async () => {
  const engine = new LocalEngine(async () => ok(), one());
  const controller = new AbortController();
  const warnings: Error[] = [];
  const onWarning = (warning: Error): void => {
    warnings.push(warning);
  };
  process.on("warning", onWarning);
  let listeners = 0;
  const { signal } = controller;
  const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners++;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners--;
    remove(...args);
  };
  for (let i = 0; i < 50; i++) {
    const log = engine.root(signal);
    for (let seq = 1; seq <= 20; seq++) log.issue({ seq, kind: "task", spec: spec(`0.${seq}`) });
    for (let seq = 1; seq <= 20; seq++) await log.next();
    log.close();
  }
  await new Promise(setImmediate);
  process.off("warning", onWarning);
  assert.equal(listeners, 0);
  assert.deepEqual(warnings, []);
});

test("a sleep longer than a timer holds sleeps in parts, and not shorter", async (t) => {
  const delays: number[] = [];
  let now = 0;
  t.mock.method(performance, "now", () => now);
  t.mock.method(globalThis, "setTimeout", (callback: () => void, ms: number) => {
    delays.push(ms);
    queueMicrotask(() => {
      now += ms;
      callback();
    });
    return {} as NodeJS.Timeout;
  });
  const year = 365 * 24 * 3_600_000;
  const log = new LocalEngine(async () => ok(), one()).root(never);
  log.issue({ seq: 1, kind: "sleep", ms: year });
  assert.deepEqual(await log.next(), { seq: 1, outcome: null });
  assert.equal(now, year);
  assert.ok(delays.length > 10 && Math.max(...delays) < 2 ** 31);
  log.close();
});

test("attempts that wait make room; no nesting deadlocks", async () => {
  const engine = new LocalEngine(async (parent, log) => {
    const depth = parent.path.split(".").length;
    if (depth > 6) return ok();
    for (let seq = 1; seq <= 2; seq++) log.issue({ seq, kind: "task", spec: spec(`${parent.path}.${seq}`) });
    log.state("waiting");
    await log.next();
    log.state("active");
    log.state("waiting");
    await log.next();
    return ok();
  }, one());
  const log = engine.root(never);
  log.issue({ seq: 1, kind: "task", spec: spec("0") });
  assert.ok((await log.next())?.outcome?.ok);
  log.close();
});

/** A caller over a log that a test completes. */
function caller() {
  const issued: number[] = [];
  const revoked: number[] = [];
  const events: RunEvent[] = [];
  const queue = { bytes: 0 };
  const budget = createBudget(UNLIMITED);
  let seq = 0;
  const log: AttemptLog = {
    issue: (op) => issued.push(op.seq),
    revoke: (each) => revoked.push(each),
    next: async () => null,
    granted: 0,
    state: () => {},
    memory: async () => true,
  };
  const emit = (event: RunEvent): void => {
    events.push(event);
  };
  const calls = new Calls({ run: "r", artifact: "a", log, emit, queue, budget, nextSeq: () => ++seq });
  const call = (id: number, maxRetries = 0) => ({
    id,
    path: `0.${id}`,
    task: "t",
    policy: { ...DEFAULT_POLICY, maxRetries },
    args: Buffer.alloc(100),
  });
  return { calls, call, issued, revoked, events, queue };
}

const failure: Outcome = { ok: false, error: "task_error", message: "m", usage };

test("pending calls are counted from start to end, retries included", () => {
  const { calls, call, issued, events, queue } = caller();
  const each = callBytes(Buffer.alloc(100));
  calls.start(call(1, 1));
  calls.start(call(2));
  assert.equal(queue.bytes, 2 * each);
  assert.equal(calls.completed({ seq: 1, outcome: failure }), null);
  assert.equal(queue.bytes, 2 * each, "a call that waits for its retry is pending");
  assert.equal(calls.completed({ seq: 3, outcome: null }), null);
  assert.equal(calls.completed({ seq: 4, outcome: ok("7") })?.call.id, 1);
  assert.equal(queue.bytes, each);
  assert.deepEqual(issued, [1, 2, 3, 4]);
  assert.deepEqual(
    events.map(({ type }) => type),
    ["task_queued", "task_queued", "attempt_failed", "task_ended"],
  );
});

test("what is given up is pending no more, and its completion means nothing", () => {
  const { calls, call, revoked, queue } = caller();
  for (let id = 1; id <= 3; id++) calls.start(call(id));
  calls.completed({ seq: 2, outcome: ok() });
  calls.revokeAll();
  assert.equal(queue.bytes, 0);
  assert.equal(calls.size, 0);
  assert.deepEqual(revoked, [1, 3]);
  assert.equal(calls.completed({ seq: 1, outcome: ok() }), null);
  assert.equal(queue.bytes, 0);
});
