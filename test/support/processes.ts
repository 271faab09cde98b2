/** What /proc tells of processes. Only on Linux. */
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

export const onLinux = process.platform === "linux";

interface Status {
  readonly pid: number;
  readonly parent: number;
  readonly state: string;
  readonly rssBytes: number;
}

function statusOf(pid: number): Status | null {
  try {
    const text = readFileSync(`/proc/${pid}/status`, "utf8");
    const field = (name: string): string => new RegExp(`^${name}:\\s*(\\S+)`, "m").exec(text)?.[1] ?? "";
    return {
      pid,
      parent: Number(field("PPid")),
      state: field("State"),
      rssBytes: Number(field("VmRSS")) * 1024,
    };
  } catch {
    return null;
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

/** Resident bytes of a process; 0 if it is gone. */
export const rssOf = (pid: number): number => statusOf(pid)?.rssBytes ?? 0;

/** The cells of a `capsule` process: its children that run the cell's script. */
export function cellsOf(host: number): number[] {
  const found: number[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const status = statusOf(Number(name));
    if (status?.parent === host && /\bcell-[a-z]+\.cjs\b/.test(commandOf(status.pid))) found.push(status.pid);
  }
  return found;
}

/** Whether a process is there and not a zombie. */
export function isAlive(pid: number): boolean {
  const status = statusOf(pid);
  return status !== null && status.state !== "Z" && status.state !== "X";
}

/** Waits until all processes are gone, and gives those that are not after `ms`. */
export async function survivors(pids: readonly number[], ms: number): Promise<readonly number[]> {
  const end = performance.now() + ms;
  for (;;) {
    const alive = pids.filter(isAlive);
    if (alive.length === 0 || performance.now() > end) return alive;
    await sleep(25);
  }
}

/** Waits until a `capsule` process has a cell. */
export async function waitForCells(host: number, count = 1): Promise<readonly number[]> {
  for (let i = 0; i < 400; i++) {
    const cells = cellsOf(host);
    if (cells.length >= count) return cells;
    await sleep(25);
  }
  throw new Error(`process ${host} has no ${count} cells`);
}

/** The most memory a process and its cells took while `work` went on: resident bytes, sampled. */
export async function peakMemory<T>(
  host: number,
  work: Promise<T>,
): Promise<{
  readonly value: T;
  readonly hostBytes: number;
  /** Of the largest cell, and of all together. */
  readonly cellBytes: number;
  readonly allCellBytes: number;
}> {
  let [hostBytes, cellBytes, allCellBytes, over] = [0, 0, 0, false];
  const sampling = (async () => {
    while (!over) {
      hostBytes = Math.max(hostBytes, rssOf(host));
      const cells = cellsOf(host).map(rssOf);
      cellBytes = Math.max(cellBytes, ...cells);
      allCellBytes = Math.max(
        allCellBytes,
        cells.reduce((sum, bytes) => sum + bytes, 0),
      );
      await sleep(100);
    }
  })();
  try {
    return { value: await work, hostBytes, cellBytes, allCellBytes };
  } finally {
    over = true;
    await sampling;
  }
}
