import assert from "node:assert/strict";
import { test } from "node:test";
import { type Admission, type AdmissionLimits, admit, type Candidate, createAdmission } from "./admission.ts";

const arrive = (state: Admission, id: number, depth = 0, run = "r"): readonly number[] =>
  admit(state, { type: "arrived", candidate: { id, run, depth } });

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

interface Simulated extends Candidate {
  readonly parent: Simulated | null;
  pending: number;
  /** Children it will still ask for. */
  plan: number;
  state: "queued" | "running" | "waiting" | "over";
}

/** A world of runs whose tasks call tasks: some wait for each child, some for all at once, some are cancelled. */
class World {
  readonly state: Admission;
  readonly tasks = new Map<number, Simulated>();
  readonly #random: (below: number) => number;
  readonly #maxDepth: number;
  #ids = 0;
  readonly #limits: AdmissionLimits;

  constructor(seed: number, limits: AdmissionLimits, maxDepth: number) {
    let state = seed;
    this.#random = (below) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    this.state = createAdmission(limits);
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
      parent,
      pending: 0,
      plan,
      state: "queued",
    };
    this.tasks.set(id, task);
    if (parent) parent.pending++;
    this.#start(admit(this.state, { type: "arrived", candidate: { id, run, depth } }));
  }

  /** Something happens to one of those that run. False: nothing runs. */
  next(): boolean {
    const running = [...this.tasks.values()].filter(({ state }) => state === "running");
    const task = running[this.#random(running.length)];
    if (!task) return false;
    if (task.plan > 0) {
      const children = this.#random(2) === 0 ? task.plan : 1;
      task.plan -= children;
      for (let i = 0; i < children; i++) this.add(task.run, task);
      task.state = "waiting";
      this.#start(admit(this.state, { type: "waiting", id: task.id }));
    } else this.#end(task);
    this.check();
    return true;
  }

  /** A caller gives up a whole tree. */
  cancel(): void {
    const all = [...this.tasks.values()];
    const root = all[this.#random(all.length)];
    if (!root) return;
    const below = (task: Simulated): boolean => task === root || (task.parent !== null && below(task.parent));
    const gone = all.filter(below);
    for (const task of gone) this.tasks.delete(task.id);
    for (const task of gone.reverse()) {
      const type = task.state === "queued" ? "withdrawn" : "ended";
      task.state = "over";
      this.#start(admit(this.state, { type, id: task.id }));
    }
    this.#settled(root.parent);
    this.check();
  }

  check(): void {
    const all = [...this.tasks.values()];
    const running = all.filter(({ state }) => state === "running");
    assert.equal(this.state.activeCount, running.length);
    const live = new Map<string, number>();
    for (const { run, depth, state } of all)
      if (state !== "queued") live.set(`${run} ${depth}`, (live.get(`${run} ${depth}`) ?? 0) + 1);
    for (const count of live.values())
      assert.ok(count <= this.#limits.livePerLevel, "the live bound holds at each level");
    assert.ok(
      running.length > 0 || all.length === 0,
      "a world in which all wait for the queue is deadlocked",
    );
  }

  #start(ids: readonly number[]): void {
    if (ids.length > 0) assert.ok(this.state.activeCount <= this.#limits.active, "never over capacity");
    for (const id of ids) {
      const task = this.tasks.get(id);
      assert.ok(task && task.state === "queued", "who starts was queued, and was not withdrawn");
      task.state = "running";
    }
  }

  #end(task: Simulated): void {
    task.state = "over";
    this.tasks.delete(task.id);
    this.#start(admit(this.state, { type: "ended", id: task.id }));
    this.#settled(task.parent);
  }

  #settled(parent: Simulated | null): void {
    if (!parent || parent.state === "over") return;
    parent.pending--;
    if (parent.pending > 0 || parent.state !== "waiting") return;
    parent.state = "running";
    this.#start(admit(this.state, { type: "active", id: parent.id }));
  }
}

for (const [active, livePerLevel, maxDepth] of [
  [1, 1, 6],
  [2, 1, 5],
  [3, 2, 5],
  [4, 3, 4],
  [16, 8, 4],
] as const)
  test(`thousands of random steps: ${active} active, ${livePerLevel} live per level, depth ${maxDepth}`, () => {
    for (let seed = 1; seed <= 12; seed++) {
      const world = new World(seed, { active, brisk: active, livePerLevel }, maxDepth);
      for (let run = 0; run < 3; run++) world.add(`run ${run}`, null);
      for (let i = 0; i < 1500; i++) {
        if (!world.next()) break;
        if (seed % 3 === 0 && i % 97 === 96) world.cancel();
        if (i % 400 === 0 && i < 1000) world.add(`late ${i}`, null);
      }
      while (world.next());
      assert.equal(world.tasks.size, 0, "everything that was begun ends");
      assert.equal(world.state.live.size, 0);
      assert.equal(world.state.runs.size, 0);
      assert.equal(world.state.withdrawn.size, 0);
    }
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
  const arrive = (id: number) => admit(state, { type: "arrived", candidate: { id, run: "a", depth: 0 } });
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
