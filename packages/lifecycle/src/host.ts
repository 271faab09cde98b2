import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/** Which process runs something, so that another one can tell whether it is still there. */
export interface HostProcess {
  /** Where `pid` means something: the machine, and on Linux its boot and the namespace of process ids. */
  readonly host: string;
  readonly pid: number;
  /** When it started, in a unit of the system's; null where that can't be asked. Another process with its id differs. */
  readonly born: number | null;
}

const textOf = (read: () => string): string => {
  try {
    return read().trim();
  } catch {
    return "";
  }
};

/** The place that process ids of this process belong to. */
export function thisHost(): string {
  if (process.platform !== "linux") return hostname();
  const boot = textOf(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8"));
  const space = textOf(() => readlinkSync("/proc/self/ns/pid"));
  return `${hostname()} ${boot} ${space}`;
}

type State = "gone" | "stopped" | "there";

/** State and time of birth of a process here: fields 3 and 22 of `/proc/PID/stat`. */
function statOf(pid: number): { readonly state: string; readonly born: number } | null {
  const text = textOf(() => readFileSync(`/proc/${pid}/stat`, "latin1"));
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return fields.length > 20 ? { state: fields[0] as string, born: Number(fields[19]) } : null;
}

export const thisProcess = (): HostProcess => ({
  host: thisHost(),
  pid: process.pid,
  born: process.platform === "linux" ? (statOf(process.pid)?.born ?? null) : null,
});

function stateOf({ pid, born }: HostProcess): State {
  if (born !== null) {
    const stat = statOf(pid);
    if (!stat || stat.born !== born || stat.state === "Z" || stat.state === "X") return "gone";
    return stat.state === "T" || stat.state === "t" ? "stopped" : "there";
  }
  try {
    process.kill(pid, 0);
    return "there";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM" ? "there" : "gone";
  }
}

/** A process says each second that it is alive; this long after the last time it is given up. */
const SILENT_MS = 5000;
/** The same if it is known to be there: its disk or its cores may be busy. */
const BUSY_MS = 60_000;

/** Whether a process that last gave a sign at `aliveAt` still runs what it was running. */
export function isAlive(process: HostProcess, aliveAt: number, now: number, here = thisHost()): boolean {
  const silent = now - aliveAt;
  if (process.host !== here) return silent <= SILENT_MS;
  const state = stateOf(process);
  if (state === "gone") return false;
  return state === "stopped" || silent <= (process.born === null ? SILENT_MS : BUSY_MS);
}
