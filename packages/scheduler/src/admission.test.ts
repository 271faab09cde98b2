import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Admission,
  type AdmissionEvent,
  type AdmissionLimits,
  type Candidate,
  createAdmission as createWith,
  type Decision,
  admit as decide,
  isStuck,
} from "./admission.ts";

const createAdmission = (limits: Omit<AdmissionLimits, "memory">): Admission =>
  createWith({ ...limits, memory: 1e9 });

/** Who starts now; nothing else may happen. */
const admit = (state: Admission, event: AdmissionEvent): readonly number[] =>
  decide(state, event).map((decision) => {
    assert.equal(decision.do, "start");
    return decision.id;
  });

const arrive = (state: Admission, id: number, depth = 0, run = "r"): readonly number[] =>
  admit(state, { type: "arrived", candidate: { id, run, depth, memory: 1 } });

test("as many start as may be active; the next when one ends or waits", () => {
  const state = createAdmission({ active: 2, brisk: 2, livePerLevel: 10 });
  assert.deepEqual(arrive(state, 1), [1]);
  assert.deepEqual(arrive(state, 2), [2]);
  assert.deepEqual(arrive(state, 3), []);
  assert.deepEqual(arrive(state, 4), []);
  assert.deepEqual(admit(state, { type: "waiting", id: 1 }), [3]);
  assert.deepEqual(admit(state, { type: "ended", id: 2 }), [4]);
  assert.deepEqual(admit(state, { type: "active", id: 1 }), []);
  assert.equal(state.activeCount, 3, "one that wakes up is not kept waiting");
});

test("deeper ones go first, and each level in order", () => {
  const state = createAdmission({ active: 1, brisk: 1, livePerLevel: 10 });
  arrive(state, 1);
  for (const [id, depth] of [
    [2, 0],
    [3, 1],
    [4, 2],
    [5, 1],
    [6, 2],
  ] as const)
    arrive(state, id, depth);
  const order: number[] = [];
  for (let started = admit(state, { type: "ended", id: 1 }); started.length > 0; ) {
    order.push(...started);
    started = admit(state, { type: "ended", id: started[0] as number });
  }
  assert.deepEqual(order, [4, 6, 3, 5, 2]);
});

test("runs take turns", () => {
  const state = createAdmission({ active: 1, brisk: 1, livePerLevel: 10 });
  arrive(state, 0, 0, "a");
  for (let i = 1; i <= 4; i++) arrive(state, i, 0, "a");
  for (let i = 11; i <= 12; i++) arrive(state, i, 0, "b");
  const order: number[] = [];
  for (let started = admit(state, { type: "ended", id: 0 }); started.length > 0; ) {
    order.push(...started);
    started = admit(state, { type: "ended", id: started[0] as number });
  }
  assert.deepEqual(order, [1, 11, 2, 12, 3, 4]);
});

test("one that was withdrawn never starts, and leaves nothing behind", () => {
  const state = createAdmission({ active: 1, brisk: 1, livePerLevel: 10 });
  arrive(state, 1);
  arrive(state, 2);
  arrive(state, 3);
  admit(state, { type: "withdrawn", id: 2 });
  assert.deepEqual(admit(state, { type: "ended", id: 1 }), [3]);
  arrive(state, 4);
  admit(state, { type: "ended", id: 3 });
  admit(state, { type: "ended", id: 4 });
  arrive(state, 5);
  arrive(state, 6, 0, "other");
  admit(state, { type: "withdrawn", id: 6 });
  admit(state, { type: "ended", id: 5 });
  assert.equal(state.runs.size, 0);
  assert.equal(state.withdrawn.size, 0);
  assert.equal(state.live.size, 0);
});

test("events of the unknown change nothing", () => {
  const state = createAdmission({ active: 1, brisk: 1, livePerLevel: 1 });
  for (const type of ["waiting", "active", "ended"] as const)
    assert.deepEqual(admit(state, { type, id: 9 }), []);
  assert.equal(state.activeCount, 0);
});

test("a hundred thousand candidates queue and start without trouble", () => {
  const state = createAdmission({ active: 4, brisk: 4, livePerLevel: 256 });
  const count = 100_000;
  const started: number[] = [];
  for (let id = 0; id < count; id++) started.push(...arrive(state, id, 1));
  for (let i = 0; i < started.length; i++)
    started.push(...admit(state, { type: "ended", id: started[i] as number }));
  assert.equal(started.length, count);
});

/** What happens, in short. */
const happens = (state: Admission, event: AdmissionEvent): readonly string[] =>
  [...decide(state, event), ...(isStuck(state) ? decide(state, { type: "quiet" }) : [])].map(
    (decision) => `${decision.do} ${decision.id}`,
  );

/** A queue with cores for all, and a budget. */
const budget = (memory: number): Admission =>
  createWith({ active: 100, brisk: 100, livePerLevel: 100, memory });
const comes = (state: Admission, id: number, memory: number, depth = 0, run = "r") =>
  happens(state, { type: "arrived", candidate: { id, run, depth, memory } });
const grows = (state: Admission, id: number, memory: number) => happens(state, { type: "grown", id, memory });
const becomes = (state: Admission, id: number, type: "active" | "waiting" | "sleeping" | "ended") =>
  happens(state, { type, id });

test("starting waits while memory is full; a smaller one of another run does not go before", () => {
  const state = budget(100);
  assert.deepEqual(comes(state, 1, 60), ["start 1"]);
  assert.deepEqual(comes(state, 2, 60), []);
  assert.deepEqual(comes(state, 3, 10, 0, "other"), []);
  assert.deepEqual(becomes(state, 1, "ended"), ["start 2", "start 3"]);
});

test("growing waits while memory is full, the oldest goes on first", () => {
  const state = budget(100);
  for (const id of [1, 2, 3]) comes(state, id, 30);
  assert.deepEqual(grows(state, 1, 35), ["resume 1"]);
  assert.deepEqual(grows(state, 3, 55), []);
  assert.deepEqual(grows(state, 2, 50), []);
  assert.deepEqual(becomes(state, 1, "ended"), ["resume 2"]);
  assert.deepEqual(becomes(state, 2, "ended"), ["resume 3"]);
  assert.equal(state.memory, 55);
});

test("when all stand still the youngest ends, one at a time", () => {
  const state = budget(100);
  for (const id of [1, 2, 3]) comes(state, id, 30);
  assert.deepEqual(grows(state, 3, 90), []);
  assert.deepEqual(grows(state, 1, 90), []);
  assert.deepEqual(grows(state, 2, 90), ["end 3"]);
  assert.deepEqual(happens(state, { type: "tick" }), [], "nobody else until that has ended");
  assert.deepEqual(becomes(state, 3, "ended"), ["end 2"]);
  assert.deepEqual(becomes(state, 2, "ended"), ["resume 1"]);
});

test("who sleeps goes on, so nothing is forced", () => {
  const state = budget(100);
  comes(state, 1, 60);
  assert.deepEqual(becomes(state, 1, "sleeping"), []);
  assert.deepEqual(comes(state, 2, 60), []);
  assert.deepEqual(becomes(state, 1, "active"), []);
  assert.deepEqual(becomes(state, 1, "waiting"), ["start 2"]);
});

test("parents that fill memory and wait get their children, one at each level", () => {
  const state = budget(100);
  comes(state, 1, 100);
  assert.deepEqual(comes(state, 2, 10, 1), []);
  assert.deepEqual(comes(state, 3, 10, 1), []);
  assert.deepEqual(becomes(state, 1, "waiting"), ["start 2"]);
  assert.deepEqual(comes(state, 4, 10, 2), []);
  assert.deepEqual(becomes(state, 2, "waiting"), ["start 4"]);
  assert.deepEqual(
    grows(state, 4, 20),
    ["end 4"],
    "the next of that level would only come to stand beside it",
  );
  assert.deepEqual(becomes(state, 4, "ended"), ["start 3"], "2 is still told to wait");
  assert.equal(state.memory, 120);
});

test("a deeper candidate starts beside those that stand still, one as deep does not", () => {
  const state = budget(100);
  comes(state, 1, 50);
  comes(state, 2, 50, 1);
  becomes(state, 1, "waiting");
  assert.deepEqual(comes(state, 3, 10, 1), []);
  assert.deepEqual(comes(state, 4, 10, 2), []);
  assert.deepEqual(grows(state, 2, 60), ["start 4"]);
  assert.deepEqual(becomes(state, 4, "ended"), ["end 2"]);
});

test("what is larger than the whole budget ends at once", () => {
  const state = budget(100);
  comes(state, 1, 10);
  comes(state, 2, 10);
  assert.deepEqual(grows(state, 1, 101), ["end 1"]);
  assert.deepEqual(becomes(state, 1, "ended"), []);
});

test("an image that is larger than the budget runs alone", () => {
  const state = budget(100);
  assert.deepEqual(comes(state, 1, 150), ["start 1"]);
  assert.deepEqual(comes(state, 2, 150), []);
  assert.deepEqual(becomes(state, 1, "ended"), ["start 2"]);
});

test("a stream of small ones does not keep one standing still for ever", () => {
  const state = budget(100);
  comes(state, 1, 50);
  comes(state, 2, 30);
  assert.deepEqual(grows(state, 1, 80), []);
  assert.deepEqual(comes(state, 3, 20), ["start 3"]);
  for (let i = 0; i < 20; i++) happens(state, { type: "tick" });
  assert.deepEqual(becomes(state, 3, "ended"), []);
  assert.deepEqual(comes(state, 4, 20), [], "now it is its turn");
  assert.deepEqual(becomes(state, 2, "ended"), ["resume 1", "start 4"]);
});

test("one that stands still and is told to end frees its place when it has", () => {
  const state = budget(100);
  comes(state, 1, 90);
  comes(state, 2, 10);
  assert.deepEqual(grows(state, 1, 95), []);
  assert.deepEqual(becomes(state, 1, "active"), []);
  assert.deepEqual(becomes(state, 1, "ended"), []);
  assert.equal(state.memory, 10);
});

interface Simulated extends Candidate {
  readonly parent: Simulated | null;
  pending: number;
  /** Children it will still ask for. */
  plan: number;
  has: number;
  state: "queued" | "running" | "waiting" | "sleeping" | "held" | "ending" | "over";
}

/** Bytes of every sandbox at its start. */
const IMAGE = 10;

/** A world of runs whose tasks call tasks: some wait for each child, some for all at once; they sleep, grow, and are cancelled. */
class World {
  readonly state: Admission;
  readonly tasks = new Map<number, Simulated>();
  readonly #random: (below: number) => number;
  readonly #maxDepth: number;
  #ids = 0;
  ends = 0;
  readonly #limits: AdmissionLimits;

  constructor(seed: number, limits: AdmissionLimits, maxDepth: number) {
    let state = seed;
    this.#random = (below) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    this.state = createWith(limits);
    this.#limits = limits;
    this.#maxDepth = maxDepth;
  }

  add(run: string, parent: Simulated | null): void {
    const depth = parent ? parent.depth + 1 : 0;
    const plan = depth < this.#maxDepth ? this.#random(4) : 0;
    const id = ++this.#ids;
    const task: Simulated = {
      id,
      run,
      depth,
      memory: IMAGE,
      has: IMAGE,
      parent,
      pending: 0,
      plan,
      state: "queued",
    };
    this.tasks.set(id, task);
    if (parent) parent.pending++;
    this.#tell({ type: "arrived", candidate: { id, run, depth, memory: IMAGE } });
  }

  /** Something happens to one of those that go on of themselves. False: nothing does. */
  next(): boolean {
    const going = [...this.tasks.values()].filter(({ state }) => GOING.has(state));
    const task = going[this.#random(going.length)];
    if (!task) return false;
    const grows = this.#random(4) === 0;
    if (task.state === "ending") this.#end(task);
    else if (task.state === "sleeping") this.#become(task, "running");
    else if (this.#random(6) === 0) this.#become(task, "sleeping");
    else if (grows && task.has < 8 * IMAGE) {
      task.state = "held";
      task.has += IMAGE * (1 + this.#random(3));
      this.#tell({ type: "grown", id: task.id, memory: task.has });
    } else if (task.plan > 0) {
      const children = this.#random(2) === 0 ? task.plan : 1;
      task.plan -= children;
      for (let i = 0; i < children; i++) this.add(task.run, task);
      // A hopeless start may have ended at once.
      this.#become(task, task.pending > 0 ? "waiting" : "running");
    } else this.#end(task);
    this.quiet();
    this.check();
    return true;
  }

  /** Everybody has heard of what ended. */
  quiet(): void {
    if (isStuck(this.state)) this.#tell({ type: "quiet" });
  }

  tick(): void {
    this.#tell({ type: "tick" });
  }

  /** A caller gives up a whole tree. */
  cancel(): void {
    const all = [...this.tasks.values()];
    const root = all[this.#random(all.length)];
    if (!root) return;
    const below = (task: Simulated): boolean => task === root || (task.parent !== null && below(task.parent));
    const gone = all.filter(below).reverse();
    for (const task of gone) {
      this.tasks.delete(task.id);
      const type = task.state === "queued" ? "withdrawn" : "ended";
      task.state = "over";
      this.#tell({ type, id: task.id });
    }
    this.#settled(root.parent);
    this.quiet();
    this.check();
  }

  check(): void {
    const all = [...this.tasks.values()];
    const active = all.filter(({ state }) => state === "running" || state === "ending");
    assert.equal(this.state.activeCount, active.length);
    assert.equal(this.state.heldCount, all.filter(({ state }) => state === "held").length);
    assert.equal(this.state.sleepingCount, all.filter(({ state }) => state === "sleeping").length);
    const overshoot = IMAGE * (this.#maxDepth + 1);
    assert.ok(this.state.memory <= this.#limits.memory + overshoot, "one image more at each level");
    const live = new Map<string, number>();
    for (const { run, depth, state } of all)
      if (state !== "queued") live.set(`${run} ${depth}`, (live.get(`${run} ${depth}`) ?? 0) + 1);
    for (const count of live.values())
      assert.ok(count <= this.#limits.livePerLevel, "the live bound holds at each level");
    assert.ok(
      all.some(({ state }) => GOING.has(state)) || all.length === 0,
      "a world in which all wait for the queue, or for memory, is deadlocked",
    );
  }

  #become(task: Simulated, to: "running" | "waiting" | "sleeping"): void {
    task.state = to;
    this.#tell({ type: to === "running" ? "active" : to, id: task.id });
  }

  #tell(event: AdmissionEvent): void {
    const decisions = decide(this.state, event);
    const starts = decisions.filter((decision) => decision.do === "start");
    if (starts.length > 0) assert.ok(this.state.activeCount <= this.#limits.active, "never over capacity");
    for (const decision of decisions) this.#follow(decision);
  }

  #follow({ do: what, id }: Decision): void {
    const task = this.tasks.get(id);
    assert.ok(task, `${what} of one that is there`);
    assert.equal(task.state, what === "start" ? "queued" : "held", what);
    task.state = what === "end" ? "ending" : "running";
    if (what === "end") this.ends++;
  }

  #end(task: Simulated): void {
    task.state = "over";
    this.tasks.delete(task.id);
    for (const child of [...this.tasks.values()].reverse()) if (child.parent === task) this.#giveUp(child);
    this.#tell({ type: "ended", id: task.id });
    this.#settled(task.parent);
  }

  #giveUp(task: Simulated): void {
    for (const child of [...this.tasks.values()]) if (child.parent === task) this.#giveUp(child);
    const type = task.state === "queued" ? "withdrawn" : "ended";
    task.state = "over";
    this.tasks.delete(task.id);
    this.#tell({ type, id: task.id });
  }

  #settled(parent: Simulated | null): void {
    if (!parent || parent.state === "over") return;
    parent.pending--;
    if (parent.pending > 0 || parent.state !== "waiting") return;
    this.#become(parent, "running");
  }
}

const GOING: ReadonlySet<Simulated["state"]> = new Set(["running", "sleeping", "ending"]);

for (const [active, livePerLevel, maxDepth, memory] of [
  [1, 1, 6, 1000],
  [2, 1, 5, 60],
  [3, 2, 5, 100],
  [4, 3, 4, 200],
  [16, 8, 4, 150],
  [16, 8, 4, 5],
] as const)
  test(`thousands of random steps: ${active} active, ${livePerLevel} live per level, depth ${maxDepth}, ${memory} bytes`, () => {
    let ends = 0;
    for (let seed = 1; seed <= 12; seed++) {
      const world = new World(seed, { active, brisk: active, livePerLevel, memory }, maxDepth);
      for (let run = 0; run < 3; run++) world.add(`run ${run}`, null);
      world.quiet();
      for (let i = 0; i < 2500; i++) {
        if (!world.next()) break;
        if (i % 7 === 0) world.tick();
        if (seed % 3 === 0 && i % 97 === 96) world.cancel();
        if (i % 400 === 0 && i < 1000) world.add(`late ${i}`, null);
        world.quiet();
      }
      while (world.next());
      ends += world.ends;
      assert.equal(world.tasks.size, 0, "everything that was begun ends");
      assert.equal(world.state.live.size, 0);
      assert.equal(world.state.memory, 0);
      assert.equal(world.state.runs.size, 0);
      assert.equal(world.state.withdrawn.size, 0);
    }
    if (memory < 1000) assert.ok(ends > 0, "memory was short");
  });

test("nobody starts while as many are active as may be", () => {
  const state = createAdmission({ active: 2, brisk: 2, livePerLevel: 100 });
  for (let id = 0; id < 20; id++) arrive(state, id);
  admit(state, { type: "waiting", id: 0 });
  admit(state, { type: "active", id: 0 });
  assert.equal(state.activeCount, 3);
  assert.deepEqual(admit(state, { type: "ended", id: 1 }), [], "three were too many: one must go first");
  assert.equal(admit(state, { type: "ended", id: 0 }).length, 1);
});

test("one run's flood does not keep another waiting for its end", () => {
  const state = createAdmission({ active: 1, brisk: 1, livePerLevel: 4 });
  for (let id = 0; id < 1000; id++) arrive(state, id, 0, "flood");
  arrive(state, 5000, 0, "small");
  let steps = 0;
  for (let started = admit(state, { type: "ended", id: 0 }); ; steps++) {
    const [id] = started;
    assert.ok(id !== undefined);
    if (id === 5000) break;
    started = admit(state, { type: "ended", id });
  }
  assert.ok(steps <= 1);
});

test("what is active for long makes room for others, and takes it back when it pauses", () => {
  const state = createAdmission({ active: 3, brisk: 1, livePerLevel: 10 });
  const arrive = (id: number) =>
    admit(state, { type: "arrived", candidate: { id, run: "a", depth: 0, memory: 1 } });
  const tick = () => admit(state, { type: "tick" });
  assert.deepEqual([arrive(1), arrive(2), arrive(3), arrive(4)], [[1], [], [], []]);
  assert.deepEqual([tick(), tick()], [[], [2]], "1 is slow after two ticks");
  assert.deepEqual([tick(), tick()], [[], [3]], "so is 2");
  assert.deepEqual([tick(), tick(), tick()], [[], [], []], "no more than 3 are active");
  assert.deepEqual(admit(state, { type: "waiting", id: 1 }), [4]);
  assert.deepEqual(admit(state, { type: "active", id: 1 }), [], "it is brisk again");
  assert.equal(state.slowCount, 2);
  for (const id of [1, 2, 3, 4]) admit(state, { type: "ended", id });
  assert.deepEqual([state.activeCount, state.slowCount, state.live.size], [0, 0, 0]);
});

test("what is parked counts, is not counted twice when it goes on, and is given back", () => {
  const state = budget(100);
  assert.deepEqual(comes(state, 1, 30), ["start 1"]);
  assert.deepEqual(happens(state, { type: "ended", id: 1, parked: 50 }), []);
  assert.equal(state.memory, 50);
  assert.deepEqual(comes(state, 2, 60), ["start 2"], "nothing else could go on");
  becomes(state, 2, "ended");
  assert.deepEqual(
    happens(state, { type: "arrived", candidate: { id: 3, run: "r", depth: 0, memory: 90, parked: 50 } }),
    ["start 3"],
  );
  assert.equal(state.memory, 90);
  assert.deepEqual(comes(state, 4, 20), []);
  assert.deepEqual(happens(state, { type: "ended", id: 3, parked: 50 }), ["start 4"]);
  happens(state, { type: "parked", bytes: -50 });
  assert.equal(state.memory, 20);
});

test("parked memory that is given back lets others start", () => {
  const state = budget(100);
  comes(state, 1, 50);
  happens(state, { type: "parked", bytes: 50 });
  assert.deepEqual(comes(state, 2, 50), []);
  assert.deepEqual(happens(state, { type: "parked", bytes: -50 }), ["start 2"]);
});

test("what stays in use is never let in beyond what there is, unless there is nothing else", () => {
  const state = createWith({ active: 4, brisk: 4, livePerLevel: 10, memory: 100 });
  const arrive = (id: number, memory: number, parked = 0): readonly Decision[] => [
    ...decide(state, {
      type: "arrived",
      candidate: { id, run: String(id), depth: 0, memory, parked, stays: true },
    }),
    ...decide(state, { type: "quiet" }),
  ];
  assert.deepEqual(arrive(1, 200), [{ do: "start", id: 1 }]);
  decide(state, { type: "ended", id: 1, parked: 60 });
  assert.deepEqual(arrive(2, 50), [{ do: "refuse", id: 2 }]);
  assert.deepEqual(arrive(3, 90, 60), [{ do: "start", id: 3 }]);
  decide(state, { type: "ended", id: 3, parked: 90 });
  assert.deepEqual([arrive(4, 20), arrive(5, 10)], [[{ do: "refuse", id: 4 }], [{ do: "start", id: 5 }]]);
  decide(state, { type: "ended", id: 5, parked: 10 });
  assert.equal(state.memory, 100);
  assert.equal(state.runs.size, 0);
});
