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
  const effects = new Effects({ log, queue, nextSeq: () => ++seq, open });
  const counts = () => ({ opened, closed });
  return { effects, issued, revoked, performed, queue, counts };
}

const REQUEST = Buffer.from("request");
const done = (seq: number): Completion => ({ seq, outcome: null, answer: Buffer.from("answer") });
const textOf = (answer: Uint8Array | null): string => Buffer.from(answer ?? []).toString();

test("an effect is an op of the log, and its answer goes to the call it was", async () => {
  const { effects, issued, performed, queue, counts } = setUp();
  assert.deepEqual(counts(), { opened: 0, closed: 0 });
  assert.equal(effects.start(7, "file.stat", REQUEST), null);
  assert.equal(effects.start(8, "http.read", REQUEST), null);
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
  effects.start(1, "file.stat", REQUEST);
  effects.start(2, "file.stat", REQUEST);
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
    assert.equal(effects.start(call, "file.stat", REQUEST), null);
  assert.match(textOf(effects.start(0, "file.stat", REQUEST)), /"ok":false,"code":"ELIMIT".*10,000 requests/);
  effects.revokeAll();
  queue.bytes = LIMITS.queuedBytes;
  assert.match(textOf(effects.start(0, "file.stat", REQUEST)), /ELIMIT.*bytes of requests/);
  assert.equal(issued.length, LIMITS.pendingEffects);
});
