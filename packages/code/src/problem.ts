import { resolve } from "node:path";
import { UsageError } from "@capsule-run/protocol";

/** What is wrong with files of a workspace, or with those of the host that it is copied from or to. */
export const problem = (text: string, cause?: unknown): UsageError =>
  new UsageError("workspace", text, { cause });

/** `ENOENT` and the like of what Node's file system threw. */
export const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException | null)?.code;

/** Why something failed, in the words of whoever failed. */
export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** A path of the host, made absolute. @throws UsageError */
export function hostPath(given: unknown): string {
  if (typeof given !== "string" || given === "" || given.includes("\0"))
    throw problem(`${JSON.stringify(given) ?? String(given)} can't be a path of the host`);
  return resolve(given);
}
