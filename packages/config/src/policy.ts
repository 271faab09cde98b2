import { UsageError } from "@capsule-run/protocol";
import { type Ceiling, NO_CEILING } from "./ceiling.ts";
import { POLICY, readTable } from "./tables.ts";

/**
 * The ceiling that `run({ policy })` gives: the keys and values of `[policy]`; what is `undefined` or null is not given.
 * @throws UsageError `policy`
 */
export function readCeiling(policy: unknown): Ceiling {
  if (typeof policy !== "object" || policy === null || Array.isArray(policy))
    throw new UsageError(
      "policy",
      'policy must be an object, such as { allowed_hosts: ["api.example.com"] }',
    );
  const given = Object.entries(policy).filter(([, value]) => value !== undefined && value !== null);
  const read = readTable(POLICY, Object.fromEntries(given), "policy");
  if (!read.ok) throw new UsageError("policy", read.message);
  return { ...NO_CEILING, ...read.fields };
}
