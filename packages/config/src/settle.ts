import { DEFAULT_POLICY, type DeclaredPolicy, type TaskPolicy } from "@capsule-run/protocol";
import { type Ceiling, lower, meetNames } from "./ceiling.ts";
import { meetFiles } from "./files.ts";
import { meetHosts } from "./hosts.ts";

/** What a task gets. */
export interface Settled {
  readonly policy: TaskPolicy;
  /** What it would get without a ceiling. */
  readonly asked: TaskPolicy;
}

/**
 * What a task gets: what it asks for, what the project says where it does not, and never more than the ceiling. `cutsOf`
 * tells what the ceiling takes away.
 */
export function settle(declared: DeclaredPolicy, defaults: DeclaredPolicy, ceiling: Ceiling): Settled {
  const asked = overlay(overlay(DEFAULT_POLICY, defaults), declared);
  return { policy: capped(asked, ceiling), asked };
}

function overlay(below: TaskPolicy, above: DeclaredPolicy): TaskPolicy {
  const said = Object.fromEntries(Object.entries(above).filter(([, value]) => value !== null));
  return { ...below, ...said };
}

const capped = (asked: TaskPolicy, ceiling: Ceiling): TaskPolicy => ({
  fuel: lower(asked.fuel, ceiling.fuel) ?? asked.fuel,
  ram: lower(asked.ram, ceiling.ram),
  timeoutMs: lower(asked.timeoutMs, ceiling.timeoutMs),
  maxRetries: asked.maxRetries,
  files: ceiling.files === null ? asked.files : meetFiles(asked.files, ceiling.files),
  hosts: ceiling.hosts === null ? asked.hosts : meetHosts(asked.hosts, ceiling.hosts),
  environment:
    ceiling.environment === null ? asked.environment : meetNames(asked.environment, ceiling.environment),
});
