/** What the record of runs has grown to. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Finished runs that are kept. */
const KEPT = 10_000;

export interface Recorded {
  /** Finished runs in it. */
  readonly runs: number;
  readonly bytes: number;
}

/**
 * The record of a project whose runtime is closed.
 * @throws Error if it has none
 */
export function recordOf(folder: string): Recorded {
  const file = join(folder, ".capsule", "runs.db");
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const row = database.prepare("SELECT count(*) AS runs FROM runs WHERE ended_at IS NOT NULL").get();
    return { runs: Number(row?.runs), bytes: statSync(file).size };
  } finally {
    database.close();
  }
}

/** What is wrong with it after so many runs. */
export const wrongRecord = (recorded: Recorded, runs: number): string | null =>
  recorded.runs === Math.min(runs, KEPT)
    ? null
    : `the record has ${recorded.runs} finished runs after ${runs}, of which it keeps ${KEPT}`;
