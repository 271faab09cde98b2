import { join } from "node:path";
import { CAPSULE_FOLDER } from "@capsule-run/protocol";
import type { Problem } from "./messages.ts";

/** Where the record of a project's runs is. */
export const databaseFile = (root: string): string => join(root, CAPSULE_FOLDER, "runs.db");

/** Why runs of a project are not recorded, and what to do. */
export function problemText(root: string, problem: Problem): string {
  const file = databaseFile(root);
  switch (problem.kind) {
    case "unwritable":
      return unwritable(join(root, CAPSULE_FOLDER), problem.code);
    case "locked":
      return `${file} is locked by another process; runs of this process are not recorded any more`;
    case "corrupt":
      return `${file} is damaged (${problem.reason}): runs are not recorded. To begin a new record, move it away together with runs.db-wal and runs.db-shm`;
    case "foreign":
      return `${file} ${problem.reason}: runs are not recorded. To begin a record, move it away`;
    case "other":
      return `${file} can't be written (${problem.reason}): runs of this process are not recorded any more`;
  }
}

/** One sentence for both that `.capsule` is for: programs and the record. */
export const unwritable = (folder: string, code: string): string =>
  `${folder} can't be written (${code}): compiled programs go to a temporary cache, and runs are not recorded`;
