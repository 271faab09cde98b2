import {
  type Ceiling,
  intersect,
  limitMounts,
  type Project,
  type ProjectMount,
  parseMounts,
  readCeiling,
  SEALED,
} from "@capsule-run/config";
import { type DeclaredPolicy, UsageError } from "@capsule-run/protocol";
import type { RunRequest } from "./api.ts";
import type { Program } from "./program.ts";

/** What the operator allows a run, and the folders he gives it. */
export interface Allowance {
  readonly ceiling: Ceiling;
  readonly mounts: readonly ProjectMount[];
  /** A line for each mount that is not given as it was asked for. */
  readonly cuts: readonly string[];
}

/**
 * Checks that the folders of mounts are there, and are the project's: whoever asks for a mount wants to know.
 * @throws UsageError `mount`
 */
export async function checkMounts(texts: readonly string[], root: string): Promise<void> {
  if (texts.length === 0) return;
  const { checkMount } = await import("@capsule-run/host/files");
  for (const { host } of parseMounts(texts))
    try {
      checkMount(root, host);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      throw new UsageError("mount", `A mount can't be given: ${error.text}`, { cause: error });
    }
}

/**
 * Checks that the operator leaves every task the memory that its sandbox begins with. What tasks declare themselves was
 * looked at when the program was loaded.
 * @throws UsageError `policy`, `capsule-toml`
 */
export function checkMemory(
  file: string,
  { floor, manifest: { tasks } }: Pick<Program, "floor" | "manifest">,
  defaults: DeclaredPolicy,
  ceiling: Ceiling,
): void {
  const least = `an empty sandbox of ${file} takes ${floor} bytes already`;
  if (ceiling.ram !== null && ceiling.ram < floor)
    throw new UsageError("policy", `max_ram is ${ceiling.ram} bytes; ${least}`);
  if (defaults.ram !== null && defaults.ram < floor && tasks.some(({ policy }) => policy.ram === null))
    throw new UsageError("capsule-toml", `default_ram is ${defaults.ram} bytes; ${least}`);
}

/**
 * What a request leaves of what its project allows.
 * @throws UsageError `policy`, `mount`
 */
export function allowance(
  { policy, sealed, mounts: texts = [] }: Pick<RunRequest, "policy" | "sealed" | "mounts">,
  project: Pick<Project, "ceiling">,
): Allowance {
  const asked = parseMounts(texts);
  if (sealed && asked.length > 0)
    throw new UsageError("mount", "A sealed run has no files, and so no mounts: leave out one of the two");
  let { ceiling } = project;
  if (policy !== undefined) ceiling = intersect(ceiling, readCeiling(policy));
  if (sealed) ceiling = intersect(ceiling, SEALED);
  const { mounts, cuts } = limitMounts(asked, ceiling.files);
  return { ceiling, mounts, cuts };
}
