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

/** Looks at this process when nothing runs. Finalisers run between the two collections. */
export async function gauge(signal: AbortSignal): Promise<Held> {
  collect();
  await new Promise((resolve) => setTimeout(resolve, 200));
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
