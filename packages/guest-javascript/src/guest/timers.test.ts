import assert from "node:assert/strict";
import test from "node:test";
import { inBoth, main, openGuest, runMain, SDK } from "./testing.ts";

test("timers fire in Node's order", async () => {
  const { guest, node } = await inBoth([
    "const log = []; setTimeout(() => log.push('b'), 20); setTimeout(() => log.push('a'), 5); setTimeout(() => log.push('c'), 20); await new Promise((r) => setTimeout(r, 60)); return log",
    "const log = []; setTimeout((...a) => log.push(a), 1, 'x', 2); await new Promise((r) => setTimeout(r, 10)); return log",
    "const log = []; const t = setTimeout(() => log.push('no'), 1); clearTimeout(t); const u = setTimeout(() => log.push('no'), 1); clearTimeout(+u); const v = setTimeout(() => log.push('no'), 1); clearInterval(String(+v)); clearTimeout(); clearTimeout(null); clearTimeout({}); clearTimeout(99999); await new Promise((r) => setTimeout(r, 10)); return log",
    "let n = 0; await new Promise((r) => { const t = setInterval(() => { if (++n === 3) { clearInterval(t); r() } }, 2) }); await new Promise((r) => setTimeout(r, 20)); return n",
    "const log = []; setImmediate(() => { log.push(1); queueMicrotask(() => log.push('micro')) }); setImmediate((x) => log.push(x), 2); const i = setImmediate(() => log.push('no')); clearImmediate(i); await new Promise((r) => setTimeout(r, 10)); return log",
    "const log = []; setTimeout(() => { log.push(1); Promise.resolve().then(() => log.push('micro')) }, 1); setTimeout(() => log.push(2), 1); await new Promise((r) => setTimeout(r, 10)); return log",
    "const log = []; const t = setTimeout(() => { log.push('fired'); if (log.length < 3) t.refresh() }, 2); await new Promise((r) => setTimeout(r, 40)); return log",
    "const t = setTimeout(() => {}, 1); const r = [t.hasRef(), t.unref() === t, t.hasRef(), t.ref().hasRef(), typeof t[Symbol.toPrimitive](), typeof t.close, t.constructor.name]; clearTimeout(t); return r",
    "const log = []; { using t = setTimeout(() => log.push('no'), 1) } await new Promise((r) => setTimeout(r, 10)); return log",
    "setTimeout('text')",
    "setInterval()",
    "setImmediate({})",
    "const seen = await new Promise((r) => { const t = setTimeout(function () { r(this === t) }, 1) }); return seen",
    "const log = []; for (const d of [NaN, -1, 2 ** 31, '2', 'x', 1.9, undefined, null]) setTimeout(() => log.push(String(d)), d); await new Promise((r) => setTimeout(r, 30)); return log.length",
    "const t = setInterval(() => {}, 5); let n = 0; const u = setInterval(() => { n++; clearInterval(u) }, 1); await new Promise((r) => setTimeout(r, 20)); clearInterval(t); return n",
  ]);
  assert.deepEqual(guest, node);
});

test("time passes as the host says", async () => {
  const { outcome } = await runMain(
    main(
      "const a = Date.now(); await new Promise((r) => setTimeout(r, 3_600_000)); return Date.now() - a",
      "",
      "async",
    ),
  );
  const passed = (outcome as { value: number }).value;
  assert.ok(passed >= 3_600_000 && passed <= 3_600_001, `${passed}`);
});

test("wake is the next timer that counts", async () => {
  const wakeOf = async (body: string): Promise<[number | null, number]> => {
    using guest = await openGuest();
    guest.load(
      SDK +
        main(`${body}; await new Promise(() => {})`, 'const a = task({ name: "a" }, async () => 1)', "async"),
    );
    const start = guest.time;
    const outcome = guest.turn("start", "main", "[]");
    assert.equal(outcome.kind, "idle", JSON.stringify(outcome));
    const { wake, pending } = outcome as { wake: number | null; pending: number };
    return [wake === null ? null : Math.round(wake - start), pending];
  };
  assert.deepEqual(await wakeOf(""), [null, 0]);
  assert.deepEqual(await wakeOf("setTimeout(() => {}, 500); setTimeout(() => {}, 200)"), [200, 0]);
  assert.deepEqual(await wakeOf("clearTimeout(setTimeout(() => {}, 100))"), [null, 0]);
  assert.deepEqual(await wakeOf("setTimeout(() => {}, 100).unref()"), [100, 0]);
  assert.deepEqual(await wakeOf("setInterval(() => {}, 100).unref()"), [null, 0]);
  assert.deepEqual(await wakeOf("setInterval(() => {}, 100).unref(); a()"), [100, 1]);
  assert.deepEqual(await wakeOf("setInterval(() => {}, 100).unref(); setTimeout(() => {}, 300)"), [100, 0]);
  assert.deepEqual(await wakeOf("a(); a()"), [null, 2]);
});

test("a recursive immediate does not starve timers", async () => {
  const { outcome } = await runMain(
    main(
      "let n = 0; let on = true; const again = () => { n++; if (on) setImmediate(again) }; again(); await new Promise((r) => setTimeout(r, 2)); on = false; return n",
      "",
      "async",
    ),
  );
  assert.ok((outcome as { value: number }).value > 1);
});

test("many timers that are set and cleared cost no memory", async () => {
  const { outcome } = await runMain(
    main(
      "for (let i = 0; i < 100_000; i++) clearTimeout(setTimeout(() => {}, 1e6)); const order = []; for (let i = 0; i < 500; i++) setTimeout(() => order.push(i), (i * 7919) % 500 + 1); await new Promise((r) => setTimeout(r, 600)); return order.map((i) => (i * 7919) % 500).every((d, i, all) => i === 0 || all[i - 1] <= d + 5) && order.length",
      "",
      "async",
    ),
  );
  assert.equal((outcome as { value: unknown }).value, 500);
});

test("a timer set while loading asks for the clock and lives on", async () => {
  using guest = await openGuest();
  const before = guest.asked.clock;
  guest.load(
    `${SDK} globalThis.ticks = 0; setInterval(() => ticks++, 10); ${main("await new Promise((r) => setTimeout(r, 35)); return ticks", "", "async")}`,
  );
  assert.ok(guest.asked.clock > before);
  const outcome = guest.run("main");
  assert.equal((outcome as { value: unknown }).value, 3);
});
