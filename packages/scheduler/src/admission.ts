import { Fifo } from "@capsule-run/protocol";

/**
 * Who may start. An attempt holds a sandbox from its start to its end; it takes a share of the cores only while it is
 * active, not while it waits for others or for time. So a parent that waits never keeps its children from starting.
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
}

export interface Candidate {
  readonly id: number;
  readonly run: string;
  readonly depth: number;
}

export type AdmissionEvent =
  | { readonly type: "arrived"; readonly candidate: Candidate }
  /** It gave up before it could start. */
  | { readonly type: "withdrawn"; readonly id: number }
  | { readonly type: "waiting"; readonly id: number }
  | { readonly type: "active"; readonly id: number }
  | { readonly type: "ended"; readonly id: number }
  /** Time has passed: an attempt that was active at the last two ticks and all the time between is slow. */
  | { readonly type: "tick" };

interface Queue {
  /** Candidates by depth, each level first come, first served. */
  readonly levels: Fifo<Candidate>[];
  /** Live sandboxes by depth. */
  readonly live: number[];
}

interface Live {
  readonly candidate: Candidate;
  active: boolean;
  /** Ticks it has been active without a pause. */
  ticks: number;
}

/** From here on an attempt is slow. */
const SLOW_TICKS = 2;

/**
 * The queue of a runtime. Deeper tasks go first, so that work that was begun ends before more is begun and memory stays
 * bounded; runs take turns.
 */
export interface Admission {
  readonly limits: AdmissionLimits;
  readonly runs: Map<string, Queue>;
  /** Live attempts. */
  readonly live: Map<number, Live>;
  readonly withdrawn: Set<number>;
  activeCount: number;
  /** Of the active ones, those that are slow. */
  slowCount: number;
}

export const createAdmission = (limits: AdmissionLimits): Admission => ({
  limits,
  runs: new Map(),
  live: new Map(),
  withdrawn: new Set(),
  activeCount: 0,
  slowCount: 0,
});

/** Takes in an event and gives the attempts that start now. The state is changed in place; nothing else is. */
export function admit(state: Admission, event: AdmissionEvent): readonly number[] {
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
    case "waiting":
    case "active":
      setActive(state, event.id, event.type === "active");
      break;
    case "ended":
      leave(state, event.id);
      break;
    case "tick":
      for (const attempt of state.live.values())
        if (attempt.active && ++attempt.ticks === SLOW_TICKS) state.slowCount++;
      break;
  }
  return startable(state);
}

function setActive(state: Admission, id: number, active: boolean): void {
  const attempt = state.live.get(id);
  if (!attempt || attempt.active === active) return;
  attempt.active = active;
  state.activeCount += active ? 1 : -1;
  if (attempt.ticks >= SLOW_TICKS) state.slowCount--;
  attempt.ticks = 0;
}

function leave(state: Admission, id: number): void {
  const attempt = state.live.get(id);
  if (!attempt) return;
  setActive(state, id, false);
  state.live.delete(id);
  const { run, depth } = attempt.candidate;
  const queue = state.runs.get(run);
  if (!queue) return;
  queue.live[depth] = (queue.live[depth] ?? 0) - 1;
  dropIfEmpty(state, run, queue);
}

function startable(state: Admission): readonly number[] {
  const started: number[] = [];
  const { active, brisk } = state.limits;
  while (state.activeCount < active && state.activeCount - state.slowCount < brisk) {
    const candidate = nextCandidate(state);
    if (!candidate) break;
    state.live.set(candidate.id, { candidate, active: true, ticks: 0 });
    state.activeCount++;
    started.push(candidate.id);
  }
  return started;
}

/** Takes the deepest candidate of the first run that has room; that run goes to the end of the line. */
function nextCandidate(state: Admission): Candidate | null {
  for (const [run, queue] of state.runs) {
    const candidate = takeDeepest(state, queue);
    if (!candidate) {
      dropIfEmpty(state, run, queue);
      continue;
    }
    queue.live[candidate.depth] = (queue.live[candidate.depth] ?? 0) + 1;
    state.runs.delete(run);
    state.runs.set(run, queue);
    return candidate;
  }
  return null;
}

function takeDeepest(state: Admission, queue: Queue): Candidate | null {
  let live = 0;
  for (let depth = Math.max(queue.levels.length, queue.live.length) - 1; depth >= 0; depth--) {
    live += queue.live[depth] ?? 0;
    if (live >= state.limits.livePerLevel) return null;
    const level = queue.levels[depth];
    for (let candidate = level?.shift(); candidate; candidate = level?.shift())
      if (!state.withdrawn.delete(candidate.id)) return candidate;
  }
  return null;
}

function dropIfEmpty(state: Admission, run: string, queue: Queue): void {
  if (queue.levels.every((level) => level.size === 0) && queue.live.every((live) => !live))
    state.runs.delete(run);
}
