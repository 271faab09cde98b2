/** Cells that break the protocol in ways drawn from a seed, and an attack on a runtime's parts by them. */
import { openToolbox } from "@capsule-run/host";
import { type Outcome, type TaskManifest, type ToolHost, UNDECLARED } from "@capsule-run/protocol";
import { createBudget, UNLIMITED } from "@capsule-run/scheduler";
import { executeAttempt } from "../attempt.ts";
import { LocalEngine, needing } from "../local.ts";
import { MemoryPlan } from "../memory.ts";
import type { Program } from "../program.ts";
import type { RunContext } from "../run-context.ts";
import { fakePool, REQUEST } from "./fake-cell.ts";
import { bareWorld } from "./world.ts";

/**
 * A cell that serves well for a while: answers pings, prints, calls, idles, ends. Between that it does something of
 * what follows: whatever a seed says.
 */
const HOSTILE = `
const words = ["constructor", "__proto__", "toString", "", "a".repeat(70000), "\\u0000\\u001b[2J", "\\ud800", "idle", "main"];
const pick = (list) => list[Math.floor(random() * list.length)];
const whole = (below) => Math.floor(random() * below);
const sandboxes = [];
let pinged = 0;
const value = (depth = 0) => pick([
  () => whole(100), () => -1, () => 0.5, () => 2 ** 53, () => 1e308, () => null, () => true, () => pick(words),
  () => depth > 3 ? [] : [value(depth + 1), value(depth + 1)], () => depth > 3 ? {} : { [pick(words)]: value(depth + 1) },
])();
const sandbox = () => random() < 0.9 ? pick(sandboxes) ?? 1 : pick([0, -1, 1, 2, 3, whole(1000), 1.5, 2 ** 53, "1", null]);
const calls = new Map();
const nextCall = (s) => { calls.set(s, (calls.get(s) ?? 0) + 1); return calls.get(s); };
const bodies = ["", "[]", "{}", "[1]", '{"a":1}', "[[", "1", "null", "\\xff", "x".repeat(200000), "[" + "1,".repeat(100000) + "1]", "[".repeat(3000) + "]".repeat(3000)];
const toolCall = () => {
  const head = { name: pick(["echo", "echo", "throw", "hang", "huge", "deep", "none", value()]), positional: pick([2, 2, 3, 0, -1, 1e9, value()]) };
  const text = Buffer.from(JSON.stringify(random() < 0.8 ? head : pick([value(), [head], { ...head, [pick(words)]: value() }])));
  const payload = Buffer.from(pick(["[]", "[]", "[1]", '[]{"a":1}', "[][]", '[{"a":1}', ...bodies]));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(random() < 0.9 ? text.length : whole(2 ** 32));
  return Buffer.concat([length, text, payload]);
};
const ending = (s, more) => ({ type: "ended", sandbox: s, ok: true, error: "", plain: false, lacks: "", memory: "", parked: 0, image: 0, fuel: 1, ram: 1, ...more });
const proper = () => {
  const s = sandbox();
  return pick([
    () => [{ type: "call", sandbox: s, call: nextCall(s), mode: pick(["async", "async", "sync"]), task: pick(["child", "child", "none", pick(words).slice(0, 200)]) }, pick(["[]", "[1]", "{}"])],
    () => [{ type: "output", sandbox: s, stream: pick([1, 2]) }, pick(["x", "at capsule:program:1:1", "x".repeat(70000), ""])],
    () => [{ type: "effect", sandbox: s, call: nextCall(s), mode: pick(["async", "async", "sync"]), name: "tool.call" }, toolCall()],
    () => [{ type: "idle", sandbox: s, wake: pick([-1, 0, Date.now() + whole(50), 8e15]), pending: whole(3) }],
    () => [{ type: "revoke", sandbox: s, call: Math.max(1, whole((calls.get(s) ?? 1) + 1)) }],
    () => [ending(s), "7"],
    () => [ending(s, { ok: false, error: pick(["task_error", "timeout", "out_of_fuel", "internal_error", "cancelled"]), plain: random() < 0.5 }), pick(['{"name":"E","message":"m","stack":"    at f (capsule:program:1:1)"}', "no report", "{}"])],
    () => [ending(s, { ok: false, error: "task_error", lacks: "numpy" }), "{}"],
    () => [{ type: "grown", sandbox: s, ram: pick([whole(1000), 2e7, 1e8, 4e9, 2 ** 40]) }],
    () => [{ type: "took", sandbox: s, bytes: pick([0, 4e6, 1e15]) }],
    () => [{ type: "used", sandbox: s, fuel: pick([0, 2e8, 5e8, 1e12]) }],
    () => [{ type: "pong", n: pinged }],
  ])();
};
const mutated = () => {
  const [head, body = ""] = proper();
  const copy = { ...head };
  const field = pick(Object.keys(copy));
  pick([() => { copy[field] = value(); }, () => { delete copy[field]; }, () => { copy[pick(words)] = value(); }])();
  return frame(copy, random() < 0.5 ? body : pick(bodies));
};
const flipped = () => {
  const bytes = frame(...proper());
  for (let n = whole(4); n >= 0; n--) bytes[whole(bytes.length)] = whole(256);
  return bytes;
};
const noise = (most) => Buffer.from(Array.from({ length: 1 + whole(most) }, () => whole(256)));
const flood = (ms, say) => { for (const end = Date.now() + ms; Date.now() < end; ) raw(say()); };
const EVIL = [
  () => raw(mutated()), () => raw(mutated()), () => raw(mutated()),
  () => raw(flipped()), () => raw(flipped()),
  () => raw(noise(400)),
  () => raw(lengths(pick([0, 3, 4, 320 * 1024 * 1024, 320 * 1024 * 1024 + 1, 2 ** 32 - 1]), pick([0, 2 ** 32 - 1, 24 * 1024 * 1024]))),
  () => raw(frame(...proper()).subarray(0, 1 + whole(40))),
  () => { const [h, b] = proper(); raw(frame(h, b)); raw(frame(h, b)); },
  () => raw(frame({ type: "loaded", sandbox: sandbox(), tasks: "[]", entry: "main", notice: "", snapshot: "after", reasons: "[]", output: "[]", globals: [], fuel: 1, ram: 1 }, "x".repeat(1e6))),
  () => { const n = whole(5e6); const json = '{"type":"idle","x":' + "[".repeat(n) + "]".repeat(n) + "}"; raw(Buffer.concat([lengths(4 + json.length, json.length), Buffer.from(json)])); },
  () => { const json = '{"type":"idle","x":[' + "{},".repeat(whole(5e6)) + "0]}"; raw(Buffer.concat([lengths(4 + json.length, json.length), Buffer.from(json)])); },
  () => flood(200, () => { const s = pick(sandboxes) ?? 1; return Buffer.concat(Array.from({ length: 200 }, () => frame({ type: "call", sandbox: s, call: nextCall(s), mode: "async", task: pick(["child", "none"]) }, "[]"))); }),
  () => flood(200, () => frame({ type: "output", sandbox: pick(sandboxes) ?? 1, stream: 1 }, "x".repeat(whole(60000)))),
  () => flood(200, () => frame({ type: "pong", n: pinged })),
  () => flood(200, () => Buffer.alloc(65536)),
  () => { for (let n = 0; n < 50; n++) fs.writeSync(2, "Error: " + pick(words).repeat(5)); },
  () => { const bytes = frame(...proper()); let at = 0; const drip = () => { if (at < bytes.length) { raw(bytes.subarray(at, ++at)); setTimeout(drip, 5); } }; drip(); },
  () => { mute = true; },
  () => process.stdin.pause(),
  () => fs.closeSync(pick([0, 1, 2])),
  () => process.exit(whole(3)),
  () => process.kill(process.pid, pick(["SIGKILL", "SIGSTOP", "SIGSEGV"])),
  () => { for (;;); },
];
let mute = false;
if (random() < 0.1) pick([() => raw(noise(100)), () => { for (;;); }, () => process.exit(1), () => send({ type: "ready", engine: "other" }), () => raw(frame(...proper()))])();
else ready();
hear = (m) => {
  if (mute) return;
  if (m.type === "ping") { pinged = m.n; send({ type: "pong", n: m.n }); }
  if (m.type === "open") sandboxes.push(m.sandbox);
  if (m.type === "stop" && random() < 0.5) { const at = sandboxes.indexOf(m.sandbox); if (at >= 0) { sandboxes.splice(at, 1); raw(frame(ending(m.sandbox, { ok: false, error: "cancelled", plain: true }))); } }
};
const act = () => {
  if (sandboxes.length > 0) { if (random() < calm) raw(frame(...proper())); else pick(EVIL)(); }
  setTimeout(act, whole(20));
};
const calm = random();
process.on("uncaughtException", () => process.exit(9));
setTimeout(act, whole(20));
`;

/** mulberry32: the same numbers in the cell as anywhere. */
const RANDOM = `
const random = (() => { let a = SEED; return () => {
  a = (a + 0x6d2b79f5) | 0;
  let t = Math.imul(a ^ (a >>> 15), 1 | a);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}; })();`;

const hostileCell = (seed: number): string => RANDOM.replace("SEED", String(seed | 0)) + HOSTILE;

/** Tools that are as wrong as those who call them. */
const hostileTools: ToolHost = {
  names: ["echo", "throw", "hang", "huge", "deep", "__proto__"],
  call({ name, args }) {
    if (name === "throw") throw null;
    if (name === "hang") return new Promise(() => {});
    const json = name === "huge" ? `"${"x".repeat(1e6)}"` : name === "deep" ? "[".repeat(5000) : args;
    return Promise.resolve({ ok: true, json });
  },
};

/** What a good cell says of each attempt before it ends it; a hostile one can't know it. */
const goodCell = (mark: string): string => `ready(); hear = (m) => {
  if (m.type === "open") {
    send({ type: "output", sandbox: m.sandbox, stream: 1 }, ${JSON.stringify(mark)});
    setTimeout(() => ended(m.sandbox, '"well"'), 150);
  }
  if (m.type === "ping") send({ type: "pong", n: m.n });
};`;

export interface Attack {
  /** How attempts ended: results, and errors by type. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Attempts in good cells that did not end well, and what else must not happen. */
  readonly harmed: readonly string[];
  /** Outcomes that were given although an attempt had ended already. */
  readonly twice: number;
  readonly cells: number;
  /** The most the host computed between two turns of its event loop, in ms of CPU time: a busy machine changes nothing. */
  readonly stalledMs: number;
}

const AT_ONCE = 5;
const TASKS: readonly TaskManifest[] = ["main", "child"].map((name) => ({
  name,
  policy: { ...UNDECLARED, timeoutMs: 1500 },
  async: true,
  parameters: null,
}));

/** Runs attempts on two cells at a time. The second one that is started is good, and all others are hostile. */
export async function attack(seed: number, attempts = 40): Promise<Attack> {
  const mark = `well-${Math.random()}`;
  const scripts = Array.from({ length: 400 }, (_, n) =>
    n === 1 ? goodCell(mark) : hostileCell(seed * 1000 + n),
  );
  using fake = fakePool(scripts, { most: 2, tickMs: 50 });
  const outcomes: Record<string, number> = {};
  const harmed: string[] = [];
  const ends = new Map<string, number>();
  const program: Program = {
    file: "main.ts",
    manifest: {
      language: "javascript",
      variant: "full",
      needs: [],
      engine: "fake",
      source: "a",
      entry: "main",
      snapshot: "after",
      reasons: [],
      output: [],
      tasks: TASKS,
    },
    tasks: new Map(TASKS.map((task) => [task.name, task])),
    artifact: REQUEST.artifact,
    cells: fake.pool,
    cached: true,
    floor: 0,
    placeMarks: ["capsule:program"],
    describe: async (report) => Buffer.from(report).toString().slice(0, 100),
    translate: async (text) => text,
    complete: async () => program,
  };
  const memory = new MemoryPlan();
  const world = await bareWorld();
  const inGood = new Set<string>();
  const context: RunContext = {
    program,
    complete: async () => {
      harmed.push("a program was made again for a cell that has all of the engine");
    },
    seed: () => REQUEST.seed,
    output: ({ path, bytes }) => {
      if (Buffer.from(bytes).toString() === mark) inGood.add(path);
    },
    outputFull: () => {},
    emit: () => {},
    queue: { bytes: 0 },
    budget: createBudget(UNLIMITED),
    spend: () => {},
    world,
    readyForFiles: () => null,
    session: null,
    tools: openToolbox(hostileTools, () => {}),
  };
  const note = (path: string, outcome: Outcome): void => {
    const how = outcome.ok ? "result" : outcome.error;
    outcomes[how] = (outcomes[how] ?? 0) + 1;
    ends.set(path, (ends.get(path) ?? 0) + 1);
    if (inGood.has(path) && Buffer.from(outcome.ok ? outcome.value : "").toString() !== '"well"')
      harmed.push(`${path}: ${outcome.ok ? "another result" : `${outcome.error}: ${outcome.message}`}`);
  };
  const local = new LocalEngine(
    async (spec, log) => {
      const outcome = await executeAttempt(spec, log, context, memory);
      // Children of a hostile attempt are cancelled with it, in good cells too.
      if (!spec.path.includes(".")) note(spec.path, outcome);
      return outcome;
    },
    {
      cells: 2,
      memory: memory.sandboxes,
      ...needing((spec) => memory.atStart(spec, REQUEST.artifact.pages)),
    },
  );
  let stalledMs = 0;
  let last = process.cpuUsage();
  const watch = setInterval(() => {
    const { user, system } = process.cpuUsage(last);
    stalledMs = Math.max(stalledMs, (user + system) / 1000);
    last = process.cpuUsage();
  }, 5);
  try {
    const never = new AbortController().signal;
    const [main] = TASKS as [TaskManifest];
    let begun = 0;
    // A few at a time: each cell that is lost takes only those with it.
    const worker = async (): Promise<void> => {
      while (begun < attempts) {
        const spec = { run: "r", path: String(begun++), attempt: 0, artifact: "a", task: "main" };
        await local.attempt({ ...spec, args: Buffer.from("[]"), policy: world.policyOf(main) }, never);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  } finally {
    clearInterval(watch);
  }
  const twice = [...ends.values()].filter((count) => count > 1).length;
  return { outcomes, harmed, twice, cells: fake.started, stalledMs };
}
