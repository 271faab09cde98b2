import {
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { codeOf, EngineError } from "./failure.ts";

/**
 * A lock between processes: a folder that exists while its owner works. It saves doing work twice and is no more than
 * that: whatever is written under it is put in place whole, so that a lock taken over wrongly does no harm. What the
 * owner has not finished stands in the folder too, and goes with it: a process that is killed leaves nothing else.
 */
export interface Lock {
  /** A folder for unfinished things. */
  readonly folder: string;
}

export interface LockOptions {
  /** Called once if another process holds it. */
  readonly onWait?: (() => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Between two looks at a lock that is held. */
  readonly pollMs?: number;
  /** An owner of whom nothing is known is dead when it has not shown itself for this long. */
  readonly silenceMs?: number;
}

/** Who holds a lock. */
interface Owner {
  /** Unique to this holding. */
  readonly token: string;
  readonly pid: number;
  /** When the process started, as its system counts. Null if that is not known. */
  readonly started: string | null;
  /** Where process ids mean the same: a boot of a machine, a container on it. */
  readonly realm: string;
}

const OWNER = "owner.json";
const HEARTBEAT_MS = 2_000;
const POLL_MS = 100;
const SILENCE_MS = 30_000;

let counter = 0;
const unique = (): string => `${process.pid}-${counter++}-${Math.random().toString(36).slice(2, 10)}`;

/**
 * Does some work while holding the lock at `path`, after whoever holds it.
 * @throws EngineError `interrupted` if `signal` is aborted while it waits
 */
export async function withLock<T>(
  path: string,
  options: LockOptions,
  work: (lock: Lock) => Promise<T>,
): Promise<T> {
  const token = await acquire(path, options);
  const heart = setInterval(() => beat(path), HEARTBEAT_MS);
  heart.unref();
  const release = (): void => remove(path, token);
  // A command that is interrupted ends while this waits.
  process.on("exit", release);
  try {
    return await work({ folder: path });
  } finally {
    clearInterval(heart);
    process.off("exit", release);
    release();
  }
}

async function acquire(path: string, options: LockOptions): Promise<string> {
  const { onWait, signal, pollMs = POLL_MS, silenceMs = SILENCE_MS } = options;
  let waiting = false;
  let seen = { sign: "", at: 0 };
  for (;;) {
    if (signal?.aborted)
      throw new EngineError("interrupted", "interrupted while waiting for another capsule");
    const token = take(path);
    if (token !== null) return token;
    const owner = readOwner(path);
    const alive = owner && isAlive(owner);
    if (owner && alive === false) {
      remove(path, owner.token);
      continue;
    }
    // Of an owner elsewhere only its heartbeat is known; times are compared with each other, never with our clock.
    const sign = `${owner?.token} ${heartbeat(path)}`;
    if (seen.sign !== sign) seen = { sign, at: performance.now() };
    if (alive !== true && performance.now() - seen.at > silenceMs) {
      remove(path, owner?.token);
      continue;
    }
    if (!waiting) onWait?.();
    waiting = true;
    await delay(pollMs);
  }
}

/** Puts the lock there with its owner's name in it, in one step; null if there is one. */
function take(path: string): string | null {
  const token = unique();
  const fresh = `${path}.${token}`;
  const owner: Owner = { token, pid: process.pid, started: startOf(process.pid), realm: realm() };
  mkdirSync(dirname(path), { recursive: true });
  mkdirSync(fresh);
  try {
    writeFileSync(join(fresh, OWNER), JSON.stringify(owner));
    renameSync(fresh, path);
    return token;
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    // A folder that holds something is never replaced; Windows calls that EPERM.
    if (["ENOTEMPTY", "EEXIST"].includes(codeOf(error) ?? "") || statSync(path, { throwIfNoEntry: false }))
      return null;
    throw error;
  }
}

/** Removes a lock if it is still the one that `token` names: the name goes first, so that nobody sees half of it. */
function remove(path: string, token: string | undefined): void {
  if (readOwner(path)?.token !== token) return;
  const old = `${path}.${unique()}`;
  try {
    renameSync(path, old);
  } catch {
    return;
  }
  // Between the look and the step somebody else may have taken it over: theirs goes back.
  if (readOwner(old)?.token !== token) {
    try {
      renameSync(old, path);
      return;
    } catch {
      // A third one holds it now.
    }
  }
  try {
    rmSync(old, { recursive: true, force: true });
  } catch {
    // Something in it is still open on a system that minds; it has no name that matters any more.
  }
}

function readOwner(path: string): Owner | null {
  try {
    return JSON.parse(readFileSync(join(path, OWNER), "utf8")) as Owner;
  } catch {
    return null;
  }
}

function heartbeat(path: string): string {
  return String(statSync(join(path, OWNER), { bigint: true, throwIfNoEntry: false })?.mtimeNs);
}

function beat(path: string): void {
  try {
    const now = new Date();
    utimesSync(join(path, OWNER), now, now);
  } catch {
    // It was taken over, or the disk is gone: the work itself will notice.
  }
}

/** Whether the owner lives; null if it can't be told from here. */
function isAlive(owner: Owner): boolean | null {
  if (owner.realm !== realm()) return null;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if (codeOf(error) === "ESRCH") return false;
  }
  const started = startOf(owner.pid);
  if (started === ENDED) return false;
  // The number may belong to another process by now.
  if (owner.started === null || started === null) return null;
  return started === owner.started;
}

/** What `startOf` says of a process that only waits for its parent to ask how it ended. */
const ENDED = "ended";

/** When a process started, in ticks since the machine's; null where only a command would tell. */
function startOf(pid: number): string | null {
  if (process.platform !== "linux") return null;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in parentheses may hold anything.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? ENDED : (fields[19] ?? null);
  } catch {
    return null;
  }
}

let known: string | null = null;

function realm(): string {
  if (known !== null) return known;
  const parts = [hostname()];
  if (process.platform === "linux")
    for (const read of [
      () => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
      () => readlinkSync("/proc/self/ns/pid"),
    ])
      try {
        parts.push(read());
      } catch {
        parts.push("?");
      }
  known = parts.join(" ");
  return known;
}
