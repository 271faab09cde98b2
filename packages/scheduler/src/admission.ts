import { Fifo } from "@capsule-run/protocol";

/**
 * Who may start, and who may grow. An attempt holds a sandbox, and its memory, from its start to its end; it takes a share
 * of the cores only while it is active, not while it waits for others or for time. So a parent that waits never keeps its
 * children from starting.
 */
export interface AdmissionLimits {
  /** Attempts that may be active at once, in all runs. */
  readonly active: number;
  /**
   * Attempts that may be active at once without being slow. Few: those that share a core evict each other's memory from
   * its caches, and short ones are over before anybody has to wait. A slow one makes room for others.
   */
  readonly brisk: number;
  /**
   * Sandboxes of one run that may be alive at its deepest level and each level above. Counted from the level down, so
   * that what waits above never keeps what it waits for from starting: no nesting can deadlock.
   */
  readonly livePerLevel: number;
  /** Bytes of memory that all live sandboxes may have together, but for those that start because nothing else can go on. */
  readonly memory: number;
}

export interface Candidate {
  readonly id: number;
  readonly run: string;
  readonly depth: number;
  /** Bytes of memory that it has from its start. */
  readonly memory: number;
  /** Of these, what is counted already, as parked; default: 0. */
  readonly parked?: number;
  /** Whether memory stays in use when it has ended: then it does not start beyond what there is. Default: no. */
  readonly stays?: boolean;
}

export type AdmissionEvent =
  | { readonly type: "arrived"; readonly candidate: Candidate }
  /** It gave up before it could start. */
  | { readonly type: "withdrawn"; readonly id: number }
  /** It can use a core; one that was told to end counts as that until it has. */
  | { readonly type: "active"; readonly id: number }
  /** It goes on when others have ended, and not before. */
  | { readonly type: "waiting"; readonly id: number }
  /** It goes on when its time has come, whatever others do. */
  | { readonly type: "sleeping"; readonly id: number }
  /** It needs `memory` bytes in all, more than it has, and stands still until it has them. */
  | { readonly type: "grown"; readonly id: number; readonly memory: number }
  /** It has left `parked` bytes, which stay in use; default: 0. */
  | { readonly type: "ended"; readonly id: number; readonly parked?: number }
  /** What is parked has become more, or less, by so many bytes. */
  | { readonly type: "parked"; readonly bytes: number }
  /** Time has passed: an attempt that was active at the last two ticks and all the time between is slow. */
  | { readonly type: "tick" }
  /** Whoever waited for those that ended has heard of it, and nothing else is about to happen: see `isStuck`. */
  | { readonly type: "quiet" };

/** What is to be done about an attempt. Each is said once, and true as soon as it is said. */
export type Decision =
  | { readonly do: "start"; readonly id: number }
  /** It does not start: what is in use stays in use, and leaves too little. */
  | { readonly do: "refuse"; readonly id: number }
  /** It has the memory that it asked for. */
  | { readonly do: "resume"; readonly id: number }
  /** It does not get it: it has to end, and counts as active until it has. */
  | { readonly do: "end"; readonly id: number };

interface Queue {
  /** Candidates by depth, each level first come, first served. */
  readonly levels: Fifo<Candidate>[];
  /** Live sandboxes by depth. */
  readonly live: number[];
}

interface Live {
  readonly candidate: Candidate;
  state: "active" | "waiting" | "sleeping" | "held";
  /** Bytes of memory it has, and those it stands still for. */
  memory: number;
  wanted: number;
  /** Ticks it has been active, or held, without a pause. */
  ticks: number;
}

/** From here on an attempt is slow. */
const SLOW_TICKS = 2;
/** When one has been held for so long, nothing new starts until it goes on: it would never be its turn. */
const PATIENCE_TICKS = 20;

/**
 * The queue of a runtime. Deeper tasks go first, so that work that was begun ends before more is begun and memory stays
 * bounded; runs take turns.
 */
export interface Admission {
  readonly limits: AdmissionLimits;
  readonly runs: Map<string, Queue>;
  /** Live attempts, oldest first. */
  readonly live: Map<number, Live>;
  readonly withdrawn: Set<number>;
  activeCount: number;
  /** Of the active ones, those that are slow. */
  slowCount: number;
  sleepingCount: number;
  heldCount: number;
  /** Bytes that live attempts have, and those that are parked. */
  memory: number;
}

export const createAdmission = (limits: AdmissionLimits): Admission => ({
  limits,
  runs: new Map(),
  live: new Map(),
  withdrawn: new Set(),
  activeCount: 0,
  slowCount: 0,
  sleepingCount: 0,
  heldCount: 0,
  memory: 0,
});

/** Takes in an event and gives what happens now. The state is changed in place; nothing else is. */
export function admit(state: Admission, event: AdmissionEvent): readonly Decision[] {
  switch (event.type) {
    case "arrived": {
      const { run, depth } = event.candidate;
      const queue = state.runs.get(run) ?? { levels: [], live: [] };
      state.runs.set(run, queue);
      const level = queue.levels[depth] ?? new Fifo();
      queue.levels[depth] = level;
      level.push(event.candidate);
      break;
    }
    case "withdrawn":
      state.withdrawn.add(event.id);
      break;
    case "active":
    case "waiting":
    case "sleeping":
      become(state, event.id, event.type);
      break;
    case "grown": {
      const attempt = state.live.get(event.id);
      if (attempt) attempt.wanted = event.memory;
      become(state, event.id, "held");
      break;
    }
    case "ended":
      leave(state, event.id);
      state.memory += event.parked ?? 0;
      break;
    case "parked":
      state.memory += event.bytes;
      break;
    case "tick":
      for (const attempt of state.live.values()) {
        if (attempt.state === "active" && ++attempt.ticks === SLOW_TICKS) state.slowCount++;
        if (attempt.state === "held") attempt.ticks++;
      }
      break;
    case "quiet":
      break;
  }
  const decisions: Decision[] = [];
  resume(state, decisions);
  start(state, decisions);
  if (event.type === "quiet") unblock(state, decisions);
  return decisions;
}

/**
 * Whether nothing goes on of itself, though there is something to do. It may be that somebody has yet to hear of what
 * ended; who asks says `quiet` when everybody has.
 */
export const isStuck = ({ activeCount, sleepingCount, runs }: Admission): boolean =>
  activeCount === 0 && sleepingCount === 0 && runs.size > 0;

function become(state: Admission, id: number, to: Live["state"]): void {
  const attempt = state.live.get(id);
  if (!attempt || attempt.state === to) return;
  count(state, attempt, -1);
  attempt.state = to;
  attempt.ticks = 0;
  count(state, attempt, 1);
}

function count(state: Admission, { state: is, ticks }: Live, by: 1 | -1): void {
  if (is === "active") state.activeCount += by;
  if (is === "active" && ticks >= SLOW_TICKS) state.slowCount += by;
  if (is === "sleeping") state.sleepingCount += by;
  if (is === "held") state.heldCount += by;
}

function leave(state: Admission, id: number): void {
  const attempt = state.live.get(id);
  if (!attempt) return;
  count(state, attempt, -1);
  state.memory -= attempt.memory;
  state.live.delete(id);
  const { run, depth } = attempt.candidate;
  const queue = state.runs.get(run);
  if (!queue) return;
  queue.live[depth] = (queue.live[depth] ?? 0) - 1;
  dropIfEmpty(state, run, queue);
}

/** Those that stand still for memory go on where there is room, oldest first. */
function resume(state: Admission, decisions: Decision[]): void {
  if (state.heldCount === 0) return;
  for (const [id, attempt] of state.live) {
    if (attempt.state !== "held") continue;
    const more = attempt.wanted - attempt.memory;
    if (attempt.wanted > state.limits.memory) decisions.push(end(state, id));
    else if (state.memory + more <= state.limits.memory) {
      state.memory += more;
      attempt.memory = attempt.wanted;
      become(state, id, "active");
      decisions.push({ do: "resume", id });
    }
  }
}

/** Candidates start while there are cores and memory for them. */
function start(state: Admission, decisions: Decision[]): void {
  const { active, brisk } = state.limits;
  while (state.activeCount < active && state.activeCount - state.slowCount < brisk && !isImpatient(state)) {
    const found = nextCandidate(state);
    if (!found) break;
    decisions.push(begin(state, found));
  }
}

/** Whether one has stood still for so long that others may not go before it any more. */
function isImpatient(state: Admission): boolean {
  if (state.heldCount === 0) return false;
  for (const attempt of state.live.values())
    if (attempt.state === "held" && attempt.ticks >= PATIENCE_TICKS) return true;
  return false;
}

/**
 * When nothing goes on of itself, something has to, full as memory is. What waits may wait for a candidate: the deepest
 * one starts, unless one that is as deep stands still for memory already, because the next would only come to stand
 * beside it. So there is at most one such at each level of nesting. Else the youngest of those that stand still ends:
 * the older have done more.
 */
function unblock(state: Admission, decisions: Decision[]): void {
  if (!isStuck(state)) return;
  let [youngest, deepest] = [-1, -1];
  if (state.heldCount > 0)
    for (const [id, { state: is, candidate }] of state.live)
      if (is === "held") [youngest, deepest] = [id, Math.max(deepest, candidate.depth)];
  for (let found = deepestCandidate(state, deepest); found; found = deepestCandidate(state, deepest)) {
    if (!isTooMuch(state, found)) {
      decisions.push(begin(state, found));
      return;
    }
    drop(state, found);
    decisions.push({ do: "refuse", id: found.id });
  }
  if (youngest >= 0) decisions.push(end(state, youngest));
}

/**
 * Whether one that leaves memory in use would take more than there is. By itself it may: nobody else keeps it from that. Of
 * others that would each be let in beyond the limit, more and more would stay.
 */
function isTooMuch({ memory: used, limits }: Admission, { memory, parked = 0, stays }: Candidate): boolean {
  return stays === true && used > parked && used + memory - parked > limits.memory;
}

/** Forgets a candidate that was taken and does not start. */
function drop(state: Admission, { run, depth }: Candidate): void {
  const queue = state.runs.get(run);
  if (!queue) return;
  queue.live[depth] = (queue.live[depth] ?? 0) - 1;
  dropIfEmpty(state, run, queue);
}

function begin(state: Admission, candidate: Candidate): Decision {
  const { id, memory, parked = 0 } = candidate;
  const attempt: Live = {
    candidate,
    state: "active",
    memory,
    wanted: memory,
    ticks: 0,
  };
  state.live.set(id, attempt);
  count(state, attempt, 1);
  state.memory += memory - parked;
  return { do: "start", id };
}

function end(state: Admission, id: number): Decision {
  become(state, id, "active");
  return { do: "end", id };
}

/**
 * Takes the deepest candidate of the first run that has one, and that run goes to the end of the line. Null if there is
 * none, or if it needs more memory than there is: smaller ones of other runs do not go before it, or it might never start.
 */
function nextCandidate(state: Admission): Candidate | null {
  for (const [run, queue] of state.runs) {
    const level = deepestLevel(state, queue);
    const candidate = level?.peek();
    if (!candidate) {
      dropIfEmpty(state, run, queue);
      continue;
    }
    if (state.memory + candidate.memory - (candidate.parked ?? 0) > state.limits.memory) return null;
    return take(state, run, queue, level as Fifo<Candidate>);
  }
  return null;
}

/** Takes the deepest candidate of all runs that is deeper than `above`. */
function deepestCandidate(state: Admission, above: number): Candidate | null {
  let best: { readonly run: string; readonly queue: Queue; readonly level: Fifo<Candidate> } | null = null;
  let depth = above;
  for (const [run, queue] of state.runs) {
    const level = deepestLevel(state, queue);
    const candidate = level?.peek();
    if (!level || !candidate || candidate.depth <= depth) continue;
    best = { run, queue, level };
    depth = candidate.depth;
  }
  return best && take(state, best.run, best.queue, best.level);
}

function take(state: Admission, run: string, queue: Queue, level: Fifo<Candidate>): Candidate {
  const candidate = level.shift() as Candidate;
  queue.live[candidate.depth] = (queue.live[candidate.depth] ?? 0) + 1;
  state.runs.delete(run);
  state.runs.set(run, queue);
  return candidate;
}

/** The deepest level that has a candidate at its head, if nothing keeps it from starting but cores and memory. */
function deepestLevel(state: Admission, queue: Queue): Fifo<Candidate> | null {
  let live = 0;
  for (let depth = Math.max(queue.levels.length, queue.live.length) - 1; depth >= 0; depth--) {
    live += queue.live[depth] ?? 0;
    if (live >= state.limits.livePerLevel) return null;
    const level = queue.levels[depth];
    for (let candidate = level?.peek(); candidate; candidate = level?.peek()) {
      if (!state.withdrawn.delete(candidate.id)) return level ?? null;
      level?.shift();
    }
  }
  return null;
}

function dropIfEmpty(state: Admission, run: string, queue: Queue): void {
  if (queue.levels.every((level) => level.size === 0) && queue.live.every((live) => !live))
    state.runs.delete(run);
}
