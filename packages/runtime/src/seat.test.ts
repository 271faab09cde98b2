/** Sessions in cells, from the host's side: which cell they are in, and what a cell may say of them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Seat } from "./seat.ts";
import { Ear, fakePool, REQUEST } from "./testing/fake-cell.ts";

/** A cell that keeps what sessions leave; `more` says what it does with each attempt. */
const keeps = (more: string): string => `ready();
const end = (sandbox, memory) => {
  send({ type: "ended", sandbox, ok: true, error: "", plain: false, lacks: "", memory, parked: 0, image: 0, fuel: 1, ram: 1 }, "1");
};
const ask = (sandbox, call) => send({ type: "call", sandbox, call, mode: "async", task: "t" }, "[]");
let opened = 0;
hear = (m) => {
  if (m.type === "ping") send({ type: "pong", n: m.n });
  if (m.type === "open") { opened++; ${more} }
};`;

async function run(fake: ReturnType<typeof fakePool>, seat: Seat | null): Promise<readonly string[]> {
  const ear = new Ear();
  fake.pool.open({ ...REQUEST, seat }, ear);
  await ear.over;
  return ear.heard;
}

test("a session stays in its cell, and others begin in others", async () => {
  using fake = fakePool([keeps('end(m.sandbox, "kept")'), keeps('end(m.sandbox, "kept")')], { most: 2 });
  const seats = [1, 2, 3].map((id) => new Seat(id, () => {}));
  for (const seat of seats) assert.equal((await run(fake, seat)).at(-1), "ended");
  assert.equal(fake.started, 2);
  const before = seats.map(({ cell }) => cell?.pid);
  for (const seat of seats) assert.equal((await run(fake, seat)).at(-1), "ended");
  assert.deepEqual(
    seats.map(({ cell }) => cell?.pid),
    before,
  );
  const cell = seats[0]?.cell;
  const there = cell?.seats ?? 0;
  seats[0]?.leave();
  assert.equal(cell?.seats, there - 1);
});

test("numbers of calls go on from attempt to attempt", async () => {
  using fake = fakePool([keeps('ask(m.sandbox, opened); end(m.sandbox, "kept")')]);
  const seat = new Seat(1, () => {});
  for (const calls of [1, 2, 3]) {
    assert.deepEqual(await run(fake, seat), ["started", "call", "ended"]);
    assert.equal(seat.calls, calls);
  }
});

const LIES: Readonly<Record<string, string>> = {
  "memory of an attempt that has no session": 'end(m.sandbox, m.session === 0 ? "kept" : "")',
  "a number of a call that an earlier attempt has made":
    'if (opened === 1) { ask(m.sandbox, 1); end(m.sandbox, "kept"); } else ask(m.sandbox, 1)',
  "giving up a call of an earlier attempt":
    'if (opened === 1) { ask(m.sandbox, 1); end(m.sandbox, "kept"); } else send({ type: "revoke", sandbox: m.sandbox, call: 1 })',
};

for (const [what, script] of Object.entries(LIES))
  test(`a cell that lies is replaced: ${what}`, async () => {
    using fake = fakePool([keeps(script)]);
    const losses: string[] = [];
    const seat = new Seat(1, (reason) => losses.push(reason));
    const first = what.startsWith("memory") ? null : seat;
    const heard = await run(fake, first);
    const last = first ? await run(fake, seat) : heard;
    assert.equal(last.at(-1), "lost");
    assert.equal(losses.length, first ? 1 : 0);
    assert.equal(seat.cell, null);
  });

test("a session hears that its cell is gone, also while nothing of it runs", async () => {
  using fake = fakePool([keeps('end(m.sandbox, "kept")')]);
  let lost = (_reason: string): void => {};
  const gone = new Promise<string>((resolve) => {
    lost = resolve;
  });
  const seat = new Seat(1, (reason) => lost(reason));
  await run(fake, seat);
  process.kill(fake.pool.pids[0] as number, "SIGKILL");
  assert.match(await gone, /SIGKILL/);
  assert.equal(seat.cell, null);
});
