/** What a process and its children hold at a moment. */

import { getEventListeners } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { childrenOf, memoryOf } from "../../bench/lib/processes.ts";

const LINUX = process.platform === "linux";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

export interface Held {
  /** Bytes of the host's heap and of what hangs on it, after a collection. */
  readonly heap: number;
  /** Resident bytes of the host. */
  readonly host: number;
  /** Resident bytes of the cells. Linux; 0 elsewhere. */
  readonly cells: number;
  /** Children, in order: cells, and the bundler. Linux; none elsewhere. */
  readonly pids: readonly number[];
  /** What keeps the event loop, by kind: sockets, timers and the like. */
  readonly resources: Readonly<Record<string, number>>;
  /** Open files of the host. Linux; 0 elsewhere. */
  readonly files: number;
  /** Listeners on the process, its streams and a signal that all runs are given. */
  readonly listeners: number;
}

const isCell = (pid: number): boolean => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("cell-");

function counts(words: readonly string[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const word of words) found[word] = (found[word] ?? 0) + 1;
  return found;
}

function listenersOf(signal: AbortSignal): number {
  const emitters = [process, process.stdout, process.stderr];
  const ours = emitters.flatMap((emitter) => emitter.eventNames().map((name) => emitter.listenerCount(name)));
  return ours.reduce((sum, count) => sum + count, getEventListeners(signal, "abort").length);
}

/**
 * Milliseconds until cells have let go of the instances that they keep for the next runs: a second more than it takes
 * them. A Python cell keeps up to eight, of 26 MiB each, or of 47 once a program of 64 MiB ran in it: how many it has of
 * which at a moment depends on what ran last. So what a cell takes goes up for 2,000 runs, to 650 MiB, and then down to 440
 * and up again whenever it has been quiet: a leak would be lost in that.
 */
export const QUIET_MS = 4000;

/** Looks at this process and its children when nothing has run for a while. Finalisers run between the two collections. */
export async function gauge(signal: AbortSignal, quietMs: number): Promise<Held> {
  collect();
  await new Promise((resolve) => setTimeout(resolve, quietMs));
  collect();
  const { heapUsed, external, rss } = process.memoryUsage();
  const pids = LINUX ? childrenOf(process.pid).sort((a, b) => a - b) : [];
  return {
    heap: heapUsed + external,
    host: rss,
    cells: pids.filter(isCell).reduce((sum, pid) => sum + memoryOf(pid).resident, 0),
    pids,
    resources: counts(process.getActiveResourcesInfo()),
    files: LINUX ? readdirSync("/proc/self/fd").length : 0,
    listeners: listenersOf(signal),
  };
}
