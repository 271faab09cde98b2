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
  /** The amounts of a policy that are less than what its task asks for, because the ceiling is. */
  lowered(policy: TaskPolicy): ReadonlySet<Amount>;
  /** Folders of the project that an attempt with this policy sees, each place once. */
  mounts(policy: TaskPolicy): readonly ProjectMount[];
}

const AMOUNTS = ["fuel", "ram", "timeoutMs"] as const;
export type Amount = (typeof AMOUNTS)[number];

/** @param defaults what a task asks for that does not say */
export function policiesFor(defaults: DeclaredPolicy, { ceiling, mounts, cuts }: Allowance): Policies {
  const known = new Map<TaskManifest, Settled>();
  const seen = new Map<TaskPolicy, readonly ProjectMount[]>();
  const lowered = new Map<TaskPolicy, ReadonlySet<Amount>>();
  const told = new Set<TaskManifest>();
  let untold = cuts;
  const settled = (task: TaskManifest): Settled => {
    let made = known.get(task);
    if (!made) {
      made = settle(task.policy, defaults, ceiling);
      known.set(task, made);
      const { policy, asked } = made;
      lowered.set(policy, new Set(AMOUNTS.filter((amount) => policy[amount] !== asked[amount])));
      seen.set(policy, mountsOf(asked.files, policy.files, mounts));
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
    lowered: (policy) => lowered.get(policy) ?? new Set(),
    mounts: (policy) => seen.get(policy) ?? [],
  };
}
