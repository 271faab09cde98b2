/**
 * Runs programs and prints, as JSON, what each idle point and end looks like: memory, fuel, calls. A process of its own
 * for each choice of V8's flags; the size of a slice is the argument.
 */
import type { TurnEnd } from "@capsule-run/protocol";
import { success, TestGuest } from "./guest.ts";

const PROGRAMS: Readonly<Record<string, string>> = {
  work: `
    task({ name: "main" }, () => {
      const words = {};
      let h = 0;
      for (let i = 0; i < 30000; i++) {
        h = (Math.imul(h ^ i, 16777619) + (h >>> 3)) >>> 0;
        words["k" + (h % 997)] = (words["k" + (h % 997)] ?? 0) + h;
      }
      const text = JSON.stringify(words).replace(/[0-9]+/g, (d) => d.split("").reverse().join(""));
      return [h, text.length, Object.keys(words).sort().slice(0, 5), new Date(2024, 1, 29).toISOString()];
    });`,
  numbers: `
    task({ name: "main" }, () => {
      const list = [0 / 0, -(0 / 0), Infinity - Infinity, Math.sqrt(-1), Math.log(-1), 0 * Infinity, NaN ** 2, -0];
      for (let i = 0; i < 200; i++) list.push(list[i] * -list[(i * 7) % list.length], Math.sin(i), Math.pow(i, 0.37));
      const bits = new BigUint64Array(new Float64Array(list).buffer);
      const single = new Uint32Array(new Float32Array(list).buffer);
      return [[...bits].map(String).join(), single.join(), list.map(String).join()];
    });`,
  recursion: `
    task({ name: "main" }, () => {
      let depth = 0;
      const down = (a) => { depth++; return down({ a }) + 1; };
      const parse = () => JSON.parse("[".repeat(100000));
      const nest = () => { let a = []; for (let i = 0; i < 100000; i++) a = [a]; return JSON.stringify(a); };
      const caught = [];
      for (const f of [down, parse, nest]) try { f(0); caught.push("no"); } catch (e) { caught.push(e.name + e.message); }
      return [depth, caught];
    });`,
  turns: `
    const child = task({ name: "child" }, async (x) => x);
    const block = task({ name: "block" }, (x) => x);
    task({ name: "main" }, async () => {
      const log = [];
      const timers = [30, 10, 20, 10].map((ms, i) => new Promise((r) => setTimeout(() => { log.push("t" + i); r(i); }, ms)));
      const calls = Array.from({ length: 20 }, (_, i) => child({ i, random: Math.random() }));
      log.push(block(Math.random()).result);
      for await (const c of calls) log.push(c.result);
      log.push(await Promise.all(timers), Date.now(), crypto.randomUUID());
      await new Promise((r) => setTimeout(r, 1000));
      return [log, performance.now(), Date.now()];
    });`,
  memory: `
    task({ name: "main" }, async () => {
      let kept = [];
      for (let i = 0; i < 60; i++) {
        kept.push(new Uint8Array(100000 + i * 1000).fill(i));
        if (i % 20 === 19) { kept = kept.slice(10); await null; }
        if (i % 30 === 29) await new Promise((r) => setTimeout(r, 1));
      }
      return kept.map((b) => b[5]);
    });`,
  exhausted: `
    task({ name: "main" }, async () => {
      const all = [];
      for (;;) { all.push("x".repeat(1000) + all.length); if (all.length % 5000 === 0) await new Promise((r) => setTimeout(r, 1)); }
    });`,
};

const slice = Number(process.argv[2]);

async function trace(program: string): Promise<unknown[]> {
  const guest = new TestGuest({ slice });
  const image = await guest.load(program);
  const seen: unknown[] = [guest.digest];
  let now = 1_700_000_000_000;
  const note = (end: TurnEnd): void => {
    const shown = end.state === "result" ? Buffer.from(end.json).toString() : end;
    seen.push([shown, guest.instance.fuelUsed, guest.instance.ramUsed, guest.digest]);
  };
  guest.onWait = async (id) => {
    seen.push(["sync", id, guest.instance.fuelUsed, guest.digest]);
    now += 3;
    return { envelope: success(id), now };
  };
  guest.reset(image, { fuel: 3_000_000_000, ram: 64 * 1024 * 1024 }, now);
  let end = await guest.start("main");
  note(end);
  let answered = guest.calls.filter(({ mode }) => mode === "sync").length;
  while (end.state === "idle") {
    const open = guest.calls.findIndex(({ mode }, i) => mode === "async" && i >= answered);
    if (open >= 0) {
      answered = open + 1;
      now += 1;
      end = await guest.instance.complete(open + 1, success({ open }), now);
    } else if (end.wake !== null) {
      now = Math.max(now, end.wake);
      end = await guest.instance.wake(now);
    } else break;
    note(end);
  }
  return [...seen, guest.calls, guest.output];
}

const traces: Record<string, unknown> = {};
for (const [name, program] of Object.entries(PROGRAMS)) traces[name] = await trace(program);
process.stdout.write(JSON.stringify(traces));
