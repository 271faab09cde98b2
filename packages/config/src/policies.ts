import type { DeclaredPolicy, TaskManifest, TaskPolicy } from "@capsule-run/protocol";
import type { Allowance } from "./allowance.ts";
import { cutsOf } from "./cuts.ts";
import { mountsOf, type ProjectMount } from "./mounts.ts";
import { type Settled, settle } from "./settle.ts";

/** What the tasks of one run get. */
export interface Policies {
  /** What a task gets: what it asks for, the project's defaults where it does not say, and never more than the ceiling. */
  of(task: TaskManifest): TaskPolicy;
  /** What the ceiling cuts of what a task asks for, in lines; given once for each task. */
  newCuts(task: TaskManifest): readonly string[];
  /** Folders of the project that an attempt with this policy sees, each place once. */
  mounts(policy: TaskPolicy): readonly ProjectMount[];
}

/** @param defaults what a task asks for that does not say */
export function policiesFor(defaults: DeclaredPolicy, { ceiling, mounts, cuts }: Allowance): Policies {
  const known = new Map<TaskManifest, Settled>();
  const seen = new Map<TaskPolicy, readonly ProjectMount[]>();
  const told = new Set<TaskManifest>();
  let untold = cuts;
  const settled = (task: TaskManifest): Settled => {
    let made = known.get(task);
    if (!made) {
      made = settle(task.policy, defaults, ceiling);
      known.set(task, made);
      seen.set(made.policy, mountsOf(made.asked.files, made.policy.files, mounts));
    }
    return made;
  };
  return {
    of: (task) => settled(task).policy,
    newCuts(task) {
      if (told.has(task)) return [];
      told.add(task);
      const lines = [...untold, ...cutsOf(settled(task).asked, ceiling)];
      untold = [];
      return lines;
    },
    mounts: (policy) => seen.get(policy) ?? [],
  };
}
