import assert from "node:assert/strict";
import { test } from "node:test";
import { LIMITS } from "@capsule-run/protocol";
import { Ear, fakePool, GOOD, REQUEST } from "./testing/fake-cell.ts";

/** What a hostile cell says when it is to open a sandbox; `s` is its number. */
const HOSTILE: Readonly<Record<string, string>> = {
  garbage: `raw(Buffer.from("GET / HTTP/1.1\\r\\n\\r\\n"))`,
  "zeros for ever": `const z = Buffer.alloc(65536); setInterval(() => raw(z))`,
  "a head that is no JSON": `raw(Buffer.from([8, 0, 0, 0, 4, 0, 0, 0, 65, 65, 65, 65]))`,
  "a frame too long": `raw(Buffer.from([255, 255, 255, 255]))`,
  "a second greeting": `ready()`,
  "an unknown message": `send({ type: "open", sandbox: s })`,
  "an inherited name for a type": `send({ type: "constructor" })`,
  "another's sandbox": `ended(s + 1)`,
  "the end of a sandbox twice": `ended(s); ended(s)`,
  "a call out of order": `send({ type: "call", sandbox: s, call: 2, mode: "async", task: "t" }, "[]")`,
  "the same call twice": `for (let i = 0; i < 2; i++) send({ type: "call", sandbox: s, call: 1, mode: "async", task: "t" }, "[]")`,
  "a call while it is suspended in one": `for (const c of [1, 2]) send({ type: "call", sandbox: s, call: c, mode: "sync", task: "t" }, "[]")`,
  "an effect out of order": `send({ type: "effect", sandbox: s, call: 2, mode: "async", name: "file.stat" })`,
  "an effect with the number of a call": `send({ type: "call", sandbox: s, call: 1, mode: "async", task: "t" }, "[]"); send({ type: "effect", sandbox: s, call: 1, mode: "async", name: "file.stat" })`,
  "an effect that there is not": `send({ type: "effect", sandbox: s, call: 1, mode: "async", name: "file.exec" })`,
  "an effect by an inherited name": `send({ type: "effect", sandbox: s, call: 1, mode: "async", name: "constructor" })`,
  "a posted effect that somebody waits for": `send({ type: "effect", sandbox: s, call: 1, mode: "sync", name: "file.close" })`,
  "an effect that nobody waits for": `send({ type: "effect", sandbox: s, call: 1, mode: "post", name: "file.open" })`,
  "an effect while it is suspended": `for (const c of [1, 2]) send({ type: "effect", sandbox: s, call: c, mode: "sync", name: "file.stat" })`,
  "output while it is suspended": `send({ type: "call", sandbox: s, call: 1, mode: "sync", task: "t" }, "[]"); send({ type: "output", sandbox: s, stream: 1 }, "x")`,
  "idle twice": `for (let i = 0; i < 2; i++) send({ type: "idle", sandbox: s, wake: -1, pending: 0 })`,
  "a call while idle": `send({ type: "idle", sandbox: s, wake: -1, pending: 0 }); send({ type: "call", sandbox: s, call: 1, mode: "async", task: "t" }, "[]")`,
  "arguments that are no list": `send({ type: "call", sandbox: s, call: 1, mode: "async", task: "t" }, "1")`,
  "a revocation of a call it never made": `send({ type: "revoke", sandbox: s, call: 1 })`,
  "more calls given up than made": `send({ type: "call", sandbox: s, call: 1, mode: "async", task: "t" }, "[]"); for (let i = 0; i < 2; i++) send({ type: "revoke", sandbox: s, call: 1 })`,
  "a program that it was not to load": `send({ type: "loaded", sandbox: s, tasks: "[]", entry: "", notice: "", snapshot: "after", reasons: "[]", output: "[]", globals: [], fuel: 1, ram: 1 })`,
  "a head nested as deep as it is long": `const n = 8e6; raw(Buffer.concat([lengths(4 + 2 * n + 6, 2 * n + 6), Buffer.from('{"a":' + "[".repeat(n) + "]".repeat(n) + "}")]))`,
  "a head of millions of values": `const a = '{"a":[' + "[],".repeat(8e6) + "1]}"; raw(Buffer.concat([lengths(4 + a.length, a.length), Buffer.from(a)]))`,
  "a name that objects have": `send(JSON.parse('{"type":"idle","__proto__":{"sandbox":1},"sandbox":"constructor"}'))`,
  "a result that is no JSON": `ended(s, '1,"success":false')`,
  "a result of two lines": `ended(s, '[1,\\n2]')`,
  "a time beyond all time": `send({ type: "idle", sandbox: s, wake: 9e15, pending: 0 })`,
  "an answer to no question": `send({ type: "pong", n: 7 })`,
  "answers for ever": `setInterval(() => { for (let i = 0; i < 100; i++) send({ type: "pong", n: 0 }) })`,
  "more output than allowed": `for (let i = 0; i < 9; i++) send({ type: "output", sandbox: s, stream: 1 }, Buffer.alloc(${LIMITS.attemptOutputBytes / 8}, 97))`,
  "output after its end": `send({ type: "output", sandbox: s, stream: 1 }); send({ type: "output", sandbox: s, stream: 1 })`,
  "a load's answer with the wrong things": `send({ type: "loaded", sandbox: s, tasks: 1 })`,
  "a field too many": `send({ type: "idle", sandbox: s, wake: -1, pending: 0, extra: 1 })`,
  "nothing more, having closed what it speaks by": `fs.closeSync(1); setInterval(() => {}, 1000)`,
  "nothing more, having closed what it hears by": `fs.closeSync(0); setInterval(() => {}, 1000)`,
  "complaints for ever": `setInterval(() => { fs.writeSync(2, "error ".repeat(10000)); }); setTimeout(() => raw(Buffer.alloc(16)), 300)`,
  "a crash": `process.exit(3)`,
  "an exception": `setImmediate(() => { throw new Error("mine") })`,
};

for (const [what, says] of Object.entries(HOSTILE))
  test(`a cell that sends ${what}: killed, its attempts lost, the next cell works`, async () => {
    using fake = fakePool(
      [`ready(); hear = (m) => { if (m.type !== "open") return; const s = m.sandbox; ${says} };`],
      {
        tickMs: 100,
      },
    );
    const ear = new Ear();
    fake.pool.open(REQUEST, ear);
    const [pid] = fake.pool.pids;
    if (what.includes("twice") && what.includes("end of")) await ear.over;
    else {
      await ear.over;
      assert.ok(
        ear.heard.includes("lost") || what === "another's sandbox",
        `${ear.heard.join()} ${ear.reason}`,
      );
      assert.match(ear.reason, /a cell broke the protocol|the cell ended|more output|a cell closed its pipe/);
    }
    // Whoever comes next gets a cell that works, whether or not the host has noticed everything yet.
    let next = new Ear();
    do {
      next = new Ear();
      fake.pool.open(REQUEST, next);
      await next.over;
    } while (next.heard.includes("lost") && fake.pool.pids[0] !== pid);
    assert.deepEqual(next.heard, ["started", "ended"]);
    assert.notEqual(fake.pool.pids[0], pid);
  });

test("a load that goes on like an attempt: killed", async () => {
  const evil = `ready(); hear = (m) => { if (m.type === "load") send({ type: "idle", sandbox: m.sandbox, wake: -1, pending: 0 }); };`;
  using fake = fakePool([evil]);
  const ear = new Ear();
  fake.pool.load(Buffer.from(""), { fuel: 1, ram: null }, [], ear);
  await ear.over;
  assert.match(ear.reason, /"idle" of a program that it is to load/);
});

test("a flood from one cell leaves the host time for others", async () => {
  const pong = `{ type: "pong", n: m.n }`;
  const flood = `ready(); hear = (m) => {
    if (m.type === "ping") send(${pong});
    if (m.type !== "open") return;
    const calls = (from) => Buffer.concat(Array.from({ length: 500 }, (_, i) =>
      frame({ type: "call", sandbox: m.sandbox, call: from + i, mode: "async", task: "t" }, "[]")));
    let c = 1;
    const next = () => { raw(calls(c)); c += 500; setImmediate(next); };
    next();
  };`;
  using fake = fakePool([flood, GOOD], { most: 2 });
  const evil = new Ear();
  let calls = 0;
  // As much work as a host may have with each.
  evil.onCall = () => {
    calls++;
    for (const end = performance.now() + 0.02; performance.now() < end; );
  };
  fake.pool.open(REQUEST, evil);
  await evil.next("call");
  for (let round = 0; round < 20; round++) {
    const before = calls;
    const ear = new Ear();
    fake.pool.open(REQUEST, ear);
    await ear.over;
    assert.equal(ear.heard.at(-1), "ended");
    if (round > 0) assert.ok(calls - before < 50_000, `${calls - before} calls were heard first`);
  }
});

test("a cell that is stopped gets no more work if another one answers", async () => {
  const waits = `ready(); hear = (m) => { if (m.type === "open") send({ type: "idle", sandbox: m.sandbox, wake: -1, pending: 0 }); if (m.type === "ping") send({ type: "pong", n: m.n }); };`;
  using fake = fakePool([waits, GOOD], { most: 2, tickMs: 20 });
  const first = new Ear();
  fake.pool.open(REQUEST, first);
  await first.next("idle");
  const [pid] = fake.pool.pids;
  process.kill(pid as number, "SIGSTOP");
  // Waits for a few of the ticks in which it does not answer, of the many after which it is given up.
  await new Promise((resolve) => setTimeout(resolve, 200));
  const second = new Ear();
  fake.pool.open(REQUEST, second);
  await second.over;
  assert.equal(second.heard.at(-1), "ended");
  assert.equal(fake.started, 2);
  await first.over;
  assert.equal(first.reason, "a cell did not answer");
});

test("a sandbox in a cell that is stopped ends soon after it is told to", async () => {
  const waits = `ready(); hear = (m) => { if (m.type === "ping") send({ type: "pong", n: m.n }); };`;
  using fake = fakePool([waits], { tickMs: 20 });
  const ear = new Ear();
  const handle = fake.pool.open(REQUEST, ear);
  await ear.next("started");
  process.kill(fake.pool.pids[0] as number, "SIGSTOP");
  handle.stop();
  await ear.over;
  assert.equal(ear.reason, "a sandbox did not stop");
});

test("all that is in a hostile cell is lost, what is in another is not", async () => {
  const evil = `ready(); let n = 0; hear = (m) => { if (m.type === "open" && ++n === 2) raw(Buffer.alloc(64)); };`;
  const quiet = `ready(); hear = (m) => { if (m.type === "open") setTimeout(() => ended(m.sandbox), 500); if (m.type === "ping") send({ type: "pong", n: m.n }); };`;
  using fake = fakePool([evil, quiet], { most: 2 });
  const ears = [new Ear(), new Ear(), new Ear()];
  for (const ear of ears) fake.pool.open(REQUEST, ear);
  await Promise.all(ears.map(({ over }) => over));
  assert.deepEqual(
    ears.map(({ heard }) => heard.at(-1)),
    ["lost", "ended", "lost"],
  );
});

test("a cell that goes silent is killed after as many ticks", async () => {
  using fake = fakePool([`ready(); hear = (m) => { if (m.type === "open") for (;;); };`], { tickMs: 10 });
  const ear = new Ear();
  fake.pool.open(REQUEST, ear);
  await ear.over;
  assert.equal(ear.reason, "a cell did not answer");
});

test("a sandbox that does not stop takes its cell with it", async () => {
  using fake = fakePool(
    [`ready(); hear = (m) => { if (m.type === "ping") send({ type: "pong", n: m.n }); };`],
    {
      tickMs: 20,
    },
  );
  const ear = new Ear();
  const handle = fake.pool.open(REQUEST, ear);
  await ear.next("started");
  handle.stop();
  handle.stop();
  await ear.over;
  assert.equal(ear.reason, "a sandbox did not stop");
});

test("a cell that ends before it has begun costs nothing: another one takes over", async () => {
  using fake = fakePool(["process.exit(1)", "process.exit(1)"]);
  const ears = [new Ear(), new Ear()];
  for (const ear of ears) fake.pool.open(REQUEST, ear);
  await Promise.all(ears.map(({ over }) => over));
  for (const ear of ears) assert.deepEqual(ear.heard, ["started", "ended"]);
  assert.equal(fake.started, 3);
  assert.equal(fake.pool.broken, null);
});

test("calls before its greeting do not count, so nothing happens twice", async () => {
  const early = `hear = (m) => { if (m.type === "open") send({ type: "call", sandbox: m.sandbox, call: 1, mode: "async", task: "t" }, "[]"); };`;
  using fake = fakePool([early]);
  const ear = new Ear();
  fake.pool.open(REQUEST, ear);
  await ear.over;
  assert.deepEqual(ear.heard, ["started", "ended"]);
});

test("cells that never begin: an error that says why, at once for those that come after", async () => {
  const dies = `throw new Error("no such thing")`;
  using fake = fakePool([dies, dies, dies, dies]);
  const ear = new Ear();
  fake.pool.open(REQUEST, ear);
  await ear.over;
  assert.equal(ear.heard.at(-1), "lost");
  assert.match(ear.reason, /the cell ended with code 1: .*no such thing/);
  assert.equal(fake.started, 3);
  assert.match(fake.pool.broken ?? "", /no such thing/);
  assert.throws(
    () => fake.pool.open(REQUEST, new Ear()),
    /cells end before they have started: .*no such thing/,
  );
});

test("a cell with another engine is not used", async () => {
  const other = `send({ type: "ready", engine: "other" })`;
  using fake = fakePool([other]);
  const ear = new Ear();
  fake.pool.open(REQUEST, ear);
  await ear.over;
  assert.deepEqual(ear.heard, ["started", "ended"]);
});

test("a cell that floods calls and does not read is killed before the host's memory is full", async () => {
  const flood = `ready(); process.stdin.pause(); let c = 0;
    setTimeout(() => { const s = 1; setInterval(() => { for (let i = 0; i < 20; i++)
      send({ type: "call", sandbox: s, call: ++c, mode: "async", task: "t" }, "[]"); }); }, 200);`;
  using fake = fakePool([flood], { mostUnread: 32 * 1024 * 1024 });
  const ear = new Ear();
  const handle = fake.pool.open(REQUEST, ear);
  const large = Buffer.alloc(1024 * 1024, 32);
  ear.onCall = ({ call }) => handle.complete(call, large);
  await ear.over;
  assert.equal(ear.reason, "a cell does not read what it is sent");
});

test("a closed pool starts nothing, and its attempts are lost", async () => {
  using fake = fakePool([`ready(); hear = () => {};`]);
  const ear = new Ear();
  fake.pool.open(REQUEST, ear);
  await ear.next("started");
  fake.pool.close();
  await ear.over;
  assert.equal(ear.reason, "the runtime was closed");
  assert.throws(() => fake.pool.open(REQUEST, new Ear()), /closed/);
  assert.deepEqual(fake.pool.pids, []);
});

test("sandboxes go where least is to do; those that wait take nobody's place", async () => {
  const idle = `ready(); hear = (m) => {
    if (m.type === "open") send({ type: "idle", sandbox: m.sandbox, wake: -1, pending: 0 });
    if (m.type === "ping") send({ type: "pong", n: m.n });
  };`;
  using fake = fakePool([idle, GOOD], { most: 2 });
  const first = new Ear();
  const handle = fake.pool.open(REQUEST, first);
  await first.next("idle");
  assert.equal(handle.busy, false);
  const second = new Ear();
  fake.pool.open(REQUEST, second);
  await second.next("idle");
  assert.equal(fake.started, 1, "an idle cell is used before another is started");
  handle.wake(0);
  assert.equal(handle.busy, true);
  const third = new Ear();
  fake.pool.open(REQUEST, third);
  await third.over;
  assert.equal(fake.started, 2);
});
