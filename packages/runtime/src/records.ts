import { relative } from "node:path";
import { databaseFile, openReader, type RunReader, readProblem } from "@capsule-run/lifecycle/read";
import { UsageError } from "@capsule-run/protocol";

export type {
  RunReader,
  RunState,
  StoredRun,
  TaskRow,
  TaskState,
} from "@capsule-run/lifecycle/read";

/** The record of runs of a project. */
export interface ProjectRecord {
  readonly root: string;
  /**
   * What `question` finds in it; null when nothing was ever recorded.
   * @throws UsageError `records` when the file can't be read
   */
  read<T>(question: (reader: RunReader) => T): T | null;
  close(): void;
}

/**
 * Opens the record of the project that a folder belongs to.
 * @throws UsageError `records` when it can't be read, `capsule-toml` for a wrong configuration
 */
export async function openRecord(folder: string): Promise<ProjectRecord> {
  const { readProject } = await import("@capsule-run/config");
  const { root } = await readProject({ cwd: folder });
  const shown = relative(folder, databaseFile(root));
  const reader = readable(shown, () => openReader(root));
  return {
    root,
    read: (question) => (reader ? readable(shown, () => question(reader)) : null),
    close: () => reader?.close(),
  };
}

/** Reads, at once or later; what is wrong with the file is a UsageError. */
function readable<T>(file: string, read: () => T): T {
  const explain = (error: unknown): never => {
    const problem = readProblem(file, error);
    throw problem === null ? error : new UsageError("records", problem, { cause: error });
  };
  try {
    const found = read();
    return found instanceof Promise ? (found.catch(explain) as T) : found;
  } catch (error) {
    return explain(error);
  }
}
