import { type AttemptCapabilities, openAttempt } from "@capsule-run/host";
import {
  DEFAULT_POLICY,
  EffectError,
  NO_SURROUNDINGS,
  type Surroundings,
  type TaskManifest,
  type TaskPolicy,
} from "@capsule-run/protocol";

/** What the tasks of one run may reach. */
export interface RunWorld {
  /** What a task gets: what it asks for, the project's defaults where it does not say, and never more than the ceiling. */
  policyOf(task: TaskManifest): TaskPolicy;
  /** What an attempt sees beside its arguments. */
  surroundings(policy: TaskPolicy): Surroundings;
  /** The capabilities of one attempt. */
  open(policy: TaskPolicy): AttemptCapabilities;
  close(): Promise<void>;
}

export interface WorldOptions {
  /** The project root: absolute. */
  readonly root: string;
}

export function openWorld(_options: WorldOptions): RunWorld {
  const settled = new Map<TaskManifest, TaskPolicy>();
  return {
    policyOf(task) {
      const known = settled.get(task);
      if (known) return known;
      const said = Object.fromEntries(Object.entries(task.policy).filter(([, value]) => value !== null));
      const policy: TaskPolicy = { ...DEFAULT_POLICY, ...said };
      settled.set(task, policy);
      return policy;
    },
    surroundings: () => NO_SURROUNDINGS,
    open: () =>
      openAttempt({
        files: async () => {
          throw new EffectError("EACCES", "no files");
        },
        network: async () => {
          throw new EffectError("EFORBIDDEN", "no hosts");
        },
        scrub: (text) => text,
      }),
    close: async () => {},
  };
}
