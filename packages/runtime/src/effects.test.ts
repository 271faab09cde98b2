import assert from "node:assert/strict";
import { test } from "node:test";
import type { AttemptCapabilities } from "@capsule-run/host";
import { type AttemptLog, type Completion, LIMITS, type Op, type Perform } from "@capsule-run/protocol";
import { Effects } from "./effects.ts";

interface Issued {
  readonly op: Op;
  readonly perform: Perform | undefined;
}

function setUp() {
  const issued: Issued[] = [];
  const revoked: number[] = [];
  const performed: string[] = [];
  let opened = 0;
  let closed = 0;
  const log = {
    issue: (op: Op, perform?: Perform) => issued.push({ op, perform }),
    revoke: (seq: number) => revoked.push(seq),
  } as unknown as AttemptLog;
  const capabilities: AttemptCapabilities = {
    perform: async (name, request) => {
      performed.push(name);
      return request;
    },
    requests: [],
    close: async () => {
      closed++;
    },
  };
  const queue = { bytes: 0 };
  let seq = 0;
  const open = (): AttemptCapabilities => {
    opened++;
    return capabilities;
  };
  const effects = new Effects({
    log,
    queue,
    nextSeq: () => ++seq,
    former: 0,
    isOpen: false,
    open,
    readyForFiles: () => null,
  });
  const counts = () => ({ opened, closed });
  return { effects, issued, revoked, performed, queue, counts };
}

const REQUEST = Buffer.from("request");
const done = (seq: number): Completion => ({ seq, outcome: null, answer: Buffer.from("answer") });
const textOf = (answer: Uint8Array | null): string => Buffer.from(answer ?? []).toString();

test("an effect is an op of the log, and its answer goes to the call it was", async () => {
  const { effects, issued, performed, queue, counts } = setUp();
  assert.deepEqual(counts(), { opened: 0, closed: 0 });
  assert.equal(effects.start(7, "async", "file.stat", REQUEST), null);
  assert.equal(effects.start(8, "async", "http.read", REQUEST), null);
  assert.equal(effects.size, 2);
  assert.equal(queue.bytes, 2 * (REQUEST.length + LIMITS.callBytes));
  assert.deepEqual(
    issued.map(({ op }) => op.kind === "effect" && [op.seq, op.name]),
    [
      [1, "file.stat"],
      [2, "http.read"],
    ],
  );
  assert.equal(textOf((await issued[0]?.perform?.(new AbortController().signal)) ?? null), "request");
  assert.deepEqual(performed, ["file.stat"]);
  assert.equal(effects.completed({ seq: 3, outcome: null }), null);
  assert.equal(effects.completed(done(2))?.call, 8);
  assert.equal(effects.completed(done(2)), null);
  assert.equal(effects.completed(done(1))?.call, 7);
  assert.equal(effects.size, 0);
  assert.equal(queue.bytes, 0);
  assert.deepEqual(counts(), { opened: 1, closed: 0 });
});

test("what is given up is revoked, and its bytes come back", async () => {
  const { effects, revoked, queue, counts } = setUp();
  effects.start(1, "async", "file.stat", REQUEST);
  effects.start(2, "async", "file.stat", REQUEST);
  effects.revoke(9);
  effects.revoke(1);
  effects.revoke(1);
  assert.deepEqual(revoked, [1]);
  await effects.close();
  assert.deepEqual(revoked, [1, 2]);
  assert.equal(queue.bytes, 0);
  assert.equal(counts().closed, 1);
});

test("what was never used is never opened, not even by a posted effect", () => {
  const { effects, performed, counts } = setUp();
  effects.post("file.close", REQUEST);
  assert.equal(effects.close(), null);
  assert.deepEqual(performed, []);
  assert.deepEqual(counts(), { opened: 0, closed: 0 });
});

test("too many at once, and too many bytes, are refused with an answer", () => {
  const { effects, issued, queue } = setUp();
  for (let call = 1; call <= LIMITS.pendingEffects; call++)
    assert.equal(effects.start(call, "async", "file.stat", REQUEST), null);
  assert.match(
    textOf(effects.start(0, "async", "file.stat", REQUEST)),
    /"ok":false,"code":"ELIMIT".*10,000 requests/,
  );
  effects.revokeAll();
  queue.bytes = LIMITS.queuedBytes;
  assert.match(textOf(effects.start(0, "async", "file.stat", REQUEST)), /ELIMIT.*bytes of requests/);
  assert.equal(issued.length, LIMITS.pendingEffects);
});

test("while answers are not taken, async requests for more wait, and one that blocks does not", async () => {
  const { effects, issued, performed } = setUp();
  const perform = (stop = new AbortController().signal) => issued.at(-1)?.perform?.(stop);
  effects.start(1, "async", "file.read", REQUEST);
  await perform();
  effects.sent(LIMITS.untakenBytes);
  performed.length = 0;
  effects.start(2, "async", "file.read", REQUEST);
  const waiting = perform();
  effects.post("file.close", REQUEST);
  effects.start(3, "async", "http.request", REQUEST);
  const request = perform();
  effects.start(4, "async", "file.stat", REQUEST);
  const given = new AbortController();
  const stopped = perform(given.signal);
  for (const name of ["file.open", "http.request"] as const) {
    effects.start(5, "sync", name, REQUEST);
    await perform();
  }
  effects.start(6, "async", "http.read", REQUEST);
  await perform();
  effects.post("http.cancel", REQUEST);
  assert.deepEqual(performed, ["file.open", "http.request", "http.read", "http.cancel"]);
  given.abort();
  await stopped;
  assert.deepEqual(performed.splice(0).at(-1), "file.stat");
  assert.throws(() => effects.taken(LIMITS.untakenBytes + 1), { name: "FrameError" });
  effects.taken(1);
  await Promise.all([waiting, request]);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(performed.sort(), ["file.close", "file.read", "http.request"]);
});

test("files that are asked for at once begin in the order they were asked for, eight at a time", async () => {
  const { effects, issued, performed } = setUp();
  const names = Array.from({ length: 20 }, (_, i) =>
    i % 2 === 0 ? ("file.read" as const) : ("file.write" as const),
  );
  const all = names.map((name, i) => {
    effects.start(i + 1, "async", name, REQUEST);
    return issued.at(-1)?.perform?.(new AbortController().signal);
  });
  effects.post("file.close", REQUEST);
  await Promise.all(all);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(performed, [...names, "file.close"]);
});
