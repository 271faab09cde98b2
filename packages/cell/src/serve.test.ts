import assert from "node:assert/strict";
import { test } from "node:test";
import { checkFromCell, type FromCell, type GuestEvent, LIMITS, type TurnEnd } from "@capsule-run/protocol";
import { Bench, type FakeInstance, idle, LIMIT, NOTHING, result, settle } from "./testing.ts";

test("greets, answers pings, and knows what it is told", async () => {
  const bench = new Bench();
  await bench.tell({ type: "ping", n: 4 });
  assert.deepEqual(bench.said(), ["ready", "pong 4"]);
});

test("a task that ends in its first turn", async () => {
  const bench = new Bench();
  const guest = await bench.open();
  bench.said();
  assert.deepEqual(guest.entries, ["start main [1]"]);
  await guest.end(result("7"));
  assert.deepEqual(bench.said(), ["ended 1 ok 7"]);
});

test("turns: idle, completions, a wake, and the end", async () => {
  const bench = new Bench();
  const guest = await bench.open();
  bench.said();
  assert.equal(guest.host.call("async", "child", Buffer.from("[2]")), 1);
  await guest.end({ state: "idle", wake: 50.5, pending: 1 });
  assert.deepEqual(bench.said(), ["call 1 1 async child [2]", "idle 1 50.5 1"]);
  await bench.tell({ type: "wake", sandbox: 1, now: 51 });
  await guest.end(idle);
  await bench.tell({ type: "complete", sandbox: 1, call: 1, now: 60, body: Buffer.from("{}") });
  await guest.end(result("null"));
  assert.deepEqual(bench.said(), ["idle 1 -1 1", "ended 1 ok null"]);
  assert.deepEqual(guest.entries, ["start main [1]", "wake 51", "complete 1 {} 60"]);
});

test("what comes during a turn waits for its end, in order, one turn each", async () => {
  const bench = new Bench();
  const guest = await bench.open();
  await bench.tell(
    { type: "complete", sandbox: 1, call: 2, now: 6, body: Buffer.from("b") },
    { type: "wake", sandbox: 1, now: 7 },
    { type: "complete", sandbox: 1, call: 1, now: 8, body: Buffer.from("a") },
  );
  assert.equal(guest.entries.length, 1);
  bench.said();
  await guest.end(idle);
  assert.deepEqual(bench.said(), ["idle 1 -1 1"], "idle is said before the next turn");
  await guest.end(idle);
  await guest.end(idle);
  assert.deepEqual(guest.entries.slice(1), ["complete 2 b 6", "wake 7", "complete 1 a 8"]);
  await guest.end(result("1"));
  assert.deepEqual(bench.said(), ["idle 1 -1 1", "idle 1 -1 1", "ended 1 ok 1"]);
});

test("a sync call: its completion goes to the guest that waits, others wait for the turn's end", async () => {
  const bench = new Bench();
  const guest = await bench.open();
  bench.said();
  const first = guest.host.call("async", "a", Buffer.from("[]"));
  const second = guest.host.call("sync", "b", Buffer.from("[]"));
  const waited = guest.host.wait(second);
  await bench.tell({ type: "complete", sandbox: 1, call: first, now: 9, body: Buffer.from("A") });
  assert.equal(guest.entries.length, 1, "nobody enters a suspended guest");
  await bench.tell({ type: "complete", sandbox: 1, call: second, now: 10, body: Buffer.from("B") });
  const completion = await waited;
  assert.equal(completion?.now, 10);
  assert.equal(Buffer.from(completion?.envelope ?? []).toString(), "B");
  await guest.end(idle);
  assert.deepEqual(guest.entries.slice(1), ["complete 1 A 9"]);
  await guest.end(result("0"));
  assert.deepEqual(bench.said(), [
    "call 1 1 async a []",
    "call 1 2 sync b []",
    "idle 1 -1 1",
    "ended 1 ok 0",
  ]);
});

const shown = (event: GuestEvent | null): unknown =>
  event?.type === "complete"
    ? [event.type, event.call, Buffer.from(event.envelope).toString(), event.now]
    : event;

test("resting: told like the end of a turn, woken by what comes first, or deaf to all but the time", async () => {
  const bench = new Bench();
  const guest = await bench.open();
  bench.said();
  guest.host.call("async", "t", Buffer.from("[]"));
  const listening = guest.host.rest(50, 1, false);
  await settle();
  assert.deepEqual(bench.said(), ["call 1 1 async t []", "idle 1 50 1"]);
  await bench.tell({ type: "complete", sandbox: 1, call: 1, now: 7, body: Buffer.from("{}") });
  assert.deepEqual(shown(await listening), ["complete", 1, "{}", 7]);

  guest.host.call("async", "t", Buffer.from("[]"));
  const deaf = guest.host.rest(60, 1, true);
  await bench.tell({ type: "complete", sandbox: 1, call: 2, now: 8, body: Buffer.from("{}") });
  await bench.tell({ type: "wake", sandbox: 1, now: 60 });
  assert.deepEqual(await deaf, { type: "wake", now: 60 });
  // What a deaf guest missed comes to one that rests again, or as a turn of its own.
  assert.deepEqual(shown(await guest.host.rest(null, 1, false)), ["complete", 2, "{}", 8]);
  assert.deepEqual(guest.entries, ["start main [1]"]);
});

test("stop while a guest rests: it is told, and so is one that rests later", async () => {
  const bench = new Bench();
  const guest = await bench.open();
  const resting = guest.host.rest(null, 0, false);
  await bench.tell({ type: "stop", sandbox: 1 });
  assert.equal(await resting, null);
  assert.equal(await guest.host.rest(1, 0, true), null);
});

test("a guest gives up calls that it made, and no others", async () => {
  const bench = new Bench();
  const guest = await bench.open();
  bench.said();
  guest.host.call("async", "t", Buffer.from("[]"));
  for (const id of [0, -1, 2, 1.5, Number.NaN, 1]) guest.host.revoke(id);
  await settle();
  assert.deepEqual(bench.said(), ["call 1 1 async t []", "revoke 1 1"]);
  guest.host.call("async", "t", Buffer.from("[]"));
  for (const id of [1.5, 2, 2, 2, 1]) guest.host.revoke(id);
  await settle();
  assert.deepEqual(bench.said(), ["call 1 2 async t []", "revoke 1 2"]);
});

test("stop while idle ends it at once, and what follows is ignored", async () => {
  const bench = new Bench();
  const guest = await bench.open();
  await guest.end(idle);
  bench.said();
  await bench.tell({ type: "stop", sandbox: 1 });
  assert.deepEqual(bench.said(), ["ended 1 cancelled stopped"]);
  await bench.tell(
    { type: "stop", sandbox: 1 },
    { type: "wake", sandbox: 1, now: 1 },
    { type: "complete", sandbox: 1, call: 1, now: 1, body: NOTHING },
  );
  assert.deepEqual(bench.said(), []);
  assert.equal(guest.entries.length, 1);
});

test("stop in a turn: the next pause says no, and the end is told once", async () => {
  const bench = new Bench();
  const guest = await bench.open();
  bench.said();
  assert.equal(await guest.host.pause(), true);
  await bench.tell({ type: "stop", sandbox: 1 }, { type: "wake", sandbox: 1, now: 3 });
  assert.deepEqual(bench.said(), [], "it ends when its turn does");
  assert.equal(await guest.host.pause(), false);
  await guest.end({ state: "stopped" });
  assert.deepEqual(bench.said(), ["ended 1 cancelled stopped"]);
  assert.equal(guest.entries.length, 1);
});

test("stop in a turn that ends by itself: stopped all the same", async () => {
  for (const end of [idle, result("1")]) {
    const bench = new Bench();
    const guest = await bench.open();
    await bench.tell({ type: "stop", sandbox: 1 });
    bench.said();
    await guest.end(end);
    assert.deepEqual(bench.said(), ["ended 1 cancelled stopped"]);
  }
});

test("stop in a sync call: the wait ends with null, and so does a later one", async () => {
  const bench = new Bench();
  const guest = await bench.open();
  const waited = guest.host.wait(guest.host.call("sync", "b", Buffer.from("[]")));
  await bench.tell({ type: "stop", sandbox: 1 });
  assert.equal(await waited, null);
  assert.equal(await guest.host.wait(guest.host.call("sync", "b", Buffer.from("[]"))), null);
  bench.said();
  await guest.end({ state: "stopped" });
  assert.deepEqual(bench.said(), ["ended 1 cancelled stopped"]);
});

test("stop in the same breath as open", async () => {
  const bench = new Bench();
  const artifact = {
    type: "artifact",
    hash: "a",
    globals: [],
    pages: 0,
    snapshot: "after",
    body: NOTHING,
  } as const;
  const open = {
    type: "open",
    session: 0,
    sandbox: 1,
    artifact: "a",
    task: "main",
    limits: LIMIT,
    granted: 100_000,
    seed: "00".repeat(32),
    now: 5,
    environment: "{}",
    mounts: "[]",
    body: NOTHING,
  } as const;
  await bench.tell(artifact, open, { type: "stop", sandbox: 1 });
  assert.deepEqual(bench.said(), ["ready", "ended 1 cancelled stopped"]);
  assert.equal(bench.instances.length, 0, "nothing was made for it");
});

test("the unknown is ignored, an unknown artifact is the host's fault", async () => {
  const bench = new Bench();
  await bench.tell(
    { type: "stop", sandbox: 9 },
    { type: "wake", sandbox: 9, now: 1 },
    { type: "forget", hash: "x" },
  );
  assert.deepEqual(bench.said(), ["ready"]);
});

test("an instance is used again, only after its sandbox has ended, and speaks to the new one", async () => {
  const bench = new Bench();
  const first = await bench.open(1);
  await bench.open(2);
  assert.equal(bench.instances.length, 2);
  await first.end(result("1"));
  bench.said();
  await bench.open(3);
  assert.equal(bench.instances.length, 2, "the third took the first's");
  assert.equal(first.resets, 2);
  first.host.output(1, Buffer.from("x"));
  await settle();
  assert.deepEqual(bench.said(), ["output 1 x"]);
});

test("a failure of our own in one sandbox is its own failure", async () => {
  const bench = new Bench();
  const guest = await bench.open(1);
  await guest.end(result("1"));
  guest.onReset = () => {
    throw new RangeError("no memory");
  };
  bench.said();
  await bench.open(2);
  assert.deepEqual(bench.said(), ["ended 2 internal_error the sandbox failed: no memory"]);
});

test("output: cut at the limit between characters, with one mark at its end", async () => {
  const bench = new Bench();
  const guest = await bench.open();
  bench.said();
  const most = LIMITS.attemptOutputBytes;
  guest.host.output(1, NOTHING);
  guest.host.output(1, new Uint8Array(most - 2).fill(0x61));
  guest.host.output(2, Buffer.from("€€"));
  guest.host.output(1, Buffer.from("more"));
  await settle();
  assert.deepEqual(bench.said(), [`output 1 ${most - 2}`, "output 2 "]);
  await guest.end(result("1"));
  const next = await bench.open(2);
  bench.said();
  next.host.output(1, new Uint8Array(most).fill(0x61));
  await settle();
  assert.deepEqual(bench.said(), [`output 1 ${most}`], "exactly the limit is not too much");
});

test("what a guest says instead of JSON becomes its own failure, never a broken protocol", async () => {
  for (const json of [
    "",
    "[1,",
    "undefined",
    `${"[".repeat(1002)}${"]".repeat(1002)}`,
    "9".repeat(200_000),
  ]) {
    const bench = new Bench();
    const guest = await bench.open();
    bench.said();
    guest.host.call("async", "t", Buffer.from(json));
    await guest.end(result(json));
    const said = bench.sent.map((message) => checkFromCell(message as unknown as Record<string, unknown>));
    assert.deepEqual(
      said.map((message) => [
        message.type,
        "body" in message && message.type === "call" && message.body.length,
      ]),
      [
        ["call", 0],
        ["ended", false],
      ],
    );
    const [, ended = ""] = bench.said();
    assert.match(ended, /^ended 1 invalid_result the result is no JSON/);
  }
});

test("what a guest makes too large becomes its own failure, never a broken protocol", async () => {
  const bench = new Bench();
  const guest = await bench.open();
  bench.said();
  guest.host.call("async", "t".repeat(500), new Uint8Array(LIMITS.argumentBytes + 1));
  await settle();
  assert.deepEqual(bench.said(), [`call 1 1 async ${"t".repeat(200)} `]);
  await guest.end({ state: "result", json: new Uint8Array(LIMITS.resultBytes + 1) });
  assert.match(bench.said()[0] ?? "", /^ended 1 invalid_result the result is 33554433 bytes/);
  for (const end of [
    { state: "failed", error: "invalid_result", message: "m".repeat(1_000_000) },
    {
      state: "raised",
      error: "task_error",
      report: { name: "n", message: "\u0001".repeat(1_000_000), stack: "s".repeat(1_000_000) },
    },
    // What a guest makes its report of is its own affair.
    ...[
      { name: 5, message: {}, stack: "s".repeat(1_000_000) },
      { name: "n", message: "m", stack: "", cause: JSON.parse("[".repeat(200_000) + "]".repeat(200_000)) },
      { name: [], message: null },
      [],
    ].map((report) => ({ state: "raised", error: "task_error", report: report as never }) as const),
  ] as const) {
    const again = await bench.open(2);
    bench.sent.splice(0);
    await (again.inTurn ? again : (bench.instances[0] as FakeInstance)).end(end);
    const [ended] = bench.sent.splice(0) as Extract<FromCell, { type: "ended" }>[];
    assert.ok(ended && ended.body.length <= LIMITS.reportBytes);
  }
});

test("loading: what it gave, or how it failed", async () => {
  const bench = new Bench();
  await bench.tell({ type: "load", sandbox: 1, limits: LIMIT, variables: "[]", body: Buffer.from("source") });
  const guest = bench.instances[0] as FakeInstance;
  bench.sent.splice(0);
  const image = { globals: [1, 2], pages: Buffer.from("pages") };
  const words = { entry: "main", notice: "", snapshot: "after", reasons: [], output: [] };
  const loaded = { tasks: "[]", ...words, image };
  await guest.end(loaded as unknown as TurnEnd);
  const [message] = bench.sent.splice(0);
  assert.ok(message?.type === "loaded");
  assert.deepEqual(
    [message.tasks, message.globals, Buffer.from(message.body).toString()],
    ["[]", [1, 2], "pages"],
  );

  await bench.tell({ type: "load", sandbox: 2, limits: LIMIT, variables: "[]", body: NOTHING });
  await guest.end({ ...loaded, tasks: "x".repeat(LIMITS.manifestCharacters + 1) } as unknown as TurnEnd);
  assert.match(bench.said()[0] ?? "", /^ended 2 limit_exceeded/);

  for (const lie of [
    { tasks: null },
    { tasks: 5 },
    { entry: "m".repeat(201) },
    { entry: {} },
    { notice: 1 },
  ]) {
    await bench.tell({ type: "load", sandbox: 4, limits: LIMIT, variables: "[]", body: NOTHING });
    await guest.end({ ...loaded, ...lie } as unknown as TurnEnd);
    assert.match(bench.said()[0] ?? "", /^ended 4 task_error what it says of its tasks/);
  }

  await bench.tell(
    { type: "load", sandbox: 3, limits: LIMIT, variables: "[]", body: NOTHING },
    { type: "stop", sandbox: 3 },
  );
  assert.equal(await guest.host.pause(), false);
  await guest.end({ state: "stopped" });
  assert.deepEqual(bench.said(), ["ended 3 cancelled stopped"]);
});

test("what an attempt uses is told as it goes on, not too often", async () => {
  const bench = new Bench();
  const guest = await bench.open();
  bench.said();
  for (const fuel of [5, 200_000_000.4, 300_000_000, 400_000_000]) {
    guest.fuelUsed = fuel;
    await guest.host.pause();
  }
  assert.deepEqual(bench.said(), ["used 1 200000000", "used 1 400000000"]);
  guest.fuelUsed = 900_000_000;
  await bench.tell({ type: "stop", sandbox: 1 });
  await guest.host.pause();
  assert.deepEqual(bench.said(), [], "its end tells");
});

test("those that use up their slices take turns, and the host is heard between", async () => {
  const bench = new Bench();
  const guests = [await bench.open(1), await bench.open(2), await bench.open(3)];
  const order: number[] = [];
  let stop = false;
  const spin = async (i: number): Promise<void> => {
    while (!stop && (await guests[i]?.host.pause())) order.push(i);
  };
  const spinning = Promise.all([spin(0), spin(1), spin(2)]);
  await bench.tell({ type: "ping", n: 1 });
  for (let i = 0; i < 10; i++) await new Promise(setImmediate);
  stop = true;
  await spinning;
  assert.ok(bench.said().includes("pong 1"));
  assert.ok(order.length >= 6);
  for (let i = 3; i < order.length; i++) assert.equal(order[i], order[i - 3], "each in its turn");
});

test("what has grown beyond its grant stands still until it is granted more", async () => {
  const bench = new Bench();
  const guest = await bench.open();
  assert.equal(guest.granted, 100_000);
  guest.memory = 100_000;
  assert.equal(await guest.host.pause(), true);
  assert.deepEqual(bench.said(), ["ready"], "it has what it was granted");
  guest.memory = 200_000;
  const paused = guest.host.pause();
  await settle();
  assert.deepEqual(bench.said(), ["grown 1 200000"]);
  await bench.tell({ type: "complete", sandbox: 1, call: 9, now: 1, body: NOTHING });
  assert.deepEqual(guest.entries, ["start main [1]"], "nobody enters it meanwhile");
  await bench.tell({ type: "grant", sandbox: 1, granted: 150_000 });
  assert.deepEqual(bench.said(), ["grown 1 200000"], "that is not enough");
  await bench.tell({ type: "grant", sandbox: 1, granted: 300_000 });
  assert.equal(await paused, true);
  assert.equal(guest.granted, 300_000);
  await guest.end(result("1"));
  assert.deepEqual(bench.said(), ["ended 1 ok 1"]);
});

test("what grew unnoticed stands still at the end of its turn, before anybody hears that it is idle", async () => {
  const bench = new Bench();
  const guest = await bench.open();
  guest.memory = 200_000;
  await guest.end(idle);
  assert.deepEqual(bench.said(), ["ready", "grown 1 200000"]);
  await bench.tell({ type: "grant", sandbox: 1, granted: 200_000 });
  assert.deepEqual(bench.said(), ["idle 1 -1 1"]);
});

test("what stands still can be stopped, in a turn and at its end", async () => {
  for (const inTurn of [true, false]) {
    const bench = new Bench();
    const guest = await bench.open();
    guest.memory = 200_000;
    const paused: Promise<unknown> = inTurn ? guest.host.pause() : guest.end(idle);
    await settle();
    assert.deepEqual(bench.said(), ["ready", "grown 1 200000"]);
    await bench.tell({ type: "stop", sandbox: 1 });
    if (inTurn) {
      assert.equal(await paused, false);
      await guest.end({ state: "stopped" });
    }
    assert.deepEqual(bench.said(), ["ended 1 cancelled stopped"]);
  }
});

/** Starts a sandbox on a new instance, which grows to `memory` bytes. */
async function grown(bench: Bench, sandbox: number, memory: number): Promise<FakeInstance> {
  const guest = await bench.open(sandbox);
  guest.memory = memory;
  return guest;
}

test("memory that was let go of is collected before anybody hears of the end", async () => {
  const bench = new Bench();
  const guest = await grown(bench, 1, 40_000_000);
  guest.reusable = false;
  await bench.tell({ type: "grant", sandbox: 1, granted: 50_000_000 });
  await guest.end(result("1"));
  await settle();
  assert.equal(bench.collections, 1);
  assert.deepEqual(bench.said(), ["ready", "ended 1 ok 1"]);
});

test("unused instances are kept up to the bytes that the host says", async () => {
  const bench = new Bench();
  await bench.tell({ type: "keep", bytes: 150_000 });
  for (const sandbox of [1, 2, 3]) await bench.open(sandbox);
  assert.equal(bench.instances.length, 3);
  for (const guest of bench.instances) await guest.end(result("1"));
  for (const sandbox of [4, 5, 6]) await bench.open(sandbox);
  assert.equal(bench.instances.length, 4, "two of three were kept");
});

test("a sandbox gets no instance that is larger than what it was granted", async () => {
  const bench = new Bench();
  const large = await grown(bench, 1, 90_000);
  const small = await bench.open(2);
  await small.end(result("1"));
  await large.end(result("1"));
  large.memory = 110_000;
  await bench.open(3);
  assert.equal(bench.instances.length, 2);
  assert.deepEqual([large.resets, small.resets], [1, 2], "the small one is used again");
});

test("who is stopped while it waits for its slice goes before the others", async () => {
  const bench = new Bench();
  const guests = [];
  for (const sandbox of [1, 2, 3, 4]) guests.push(await bench.open(sandbox));
  const order: number[] = [];
  const pauses = guests.map(async ({ host }, i) => {
    await host.pause();
    order.push(i + 1);
  });
  void bench.tell({ type: "stop", sandbox: 4 });
  await Promise.all(pauses);
  assert.deepEqual(order, [4, 1, 2, 3]);
  await settle();
});

test("instances are made one per turn of the event loop; unused ones are there at once", async () => {
  const bench = new Bench();
  const open = (sandbox: number) => bench.open(sandbox);
  const opening = [open(1), open(2), open(3)];
  assert.equal(bench.instances.length, 0);
  await Promise.all(opening);
  assert.equal(bench.instances.length, 3);
  for (const guest of bench.instances) await guest.end(result("1"));
  await open(4);
  assert.equal(bench.instances.length, 3);
});

test("an instance that can't be made fails its sandbox, not the cell", async () => {
  const bench = new Bench({
    create: () => {
      throw new RangeError("no memory");
    },
  });
  await bench.open();
  assert.match(bench.said().join(), /ended 1 internal_error the sandbox failed: no memory/);
});
