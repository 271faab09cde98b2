import { type DeclaredPolicy, type TaskManifest, UsageError } from "@capsule-run/protocol";
import { type Ceiling, intersect, SEALED } from "./ceiling.ts";
import { limitMounts, type ProjectMount, parseMounts } from "./mounts.ts";
import { readCeiling } from "./policy.ts";
import type { Project } from "./project.ts";

/** What the operator allows a run, and the folders he gives it. */
export interface Allowance {
  readonly ceiling: Ceiling;
  readonly mounts: readonly ProjectMount[];
  /** A line for each mount that is not given as it was asked for. */
  readonly cuts: readonly string[];
}

/** What whoever starts a run says of what it may use. */
export interface Wishes {
  /** See `readCeiling`. */
  readonly policy?: unknown;
  /** No files, hosts or variables. */
  readonly sealed?: boolean | undefined;
  /** See `parseMounts`. */
  readonly mounts?: readonly string[] | undefined;
}

/**
 * What a request leaves of what its project allows.
 * @throws UsageError `policy`, `mount`
 */
export function allowance(
  { policy, sealed, mounts: texts = [] }: Wishes,
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

/**
 * Checks that the operator leaves every task the memory that its sandbox begins with, `floor` bytes. What tasks declare
 * themselves was looked at when the program was loaded.
 * @throws UsageError `policy`, `capsule-toml`
 */
export function checkMemory(
  file: string,
  { floor, tasks }: { readonly floor: number; readonly tasks: readonly TaskManifest[] },
  defaults: DeclaredPolicy,
  ceiling: Ceiling,
): void {
  const least = `an empty sandbox of ${file} takes ${floor} bytes already`;
  if (ceiling.ram !== null && ceiling.ram < floor)
    throw new UsageError("policy", `max_ram is ${ceiling.ram} bytes; ${least}`);
  if (defaults.ram !== null && defaults.ram < floor && tasks.some(({ policy }) => policy.ram === null))
    throw new UsageError("capsule-toml", `default_ram is ${defaults.ram} bytes; ${least}`);
}
