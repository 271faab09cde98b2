import { meetHosts } from "@capsule-run/config";
import {
  type Parsed,
  parseCompute,
  parseDisk,
  parseHosts,
  parseRam,
  parseTimeout,
} from "@capsule-run/protocol";
import { ToolFailure } from "./failure.ts";
import type { McpSettings } from "./settings.ts";

/** What a call asks for in place of all it could have. */
export interface Wishes {
  readonly compute?: string | number | undefined;
  readonly ram?: string | number | undefined;
  readonly disk?: string | number | undefined;
  readonly timeout?: string | number | undefined;
  readonly allowed_hosts?: readonly string[] | undefined;
}

/** What it gets, as `@capsule-run/code` takes it. */
export interface Grant {
  readonly limits: Readonly<Record<"compute" | "ram" | "disk" | "timeout", number>>;
  readonly hosts: readonly string[];
}

function atMost<T extends string | number>(
  name: string,
  wish: T | undefined,
  parse: (value: unknown) => Parsed<number>,
  most: number,
): number {
  if (wish === undefined) return most;
  const parsed = parse(wish);
  if (!parsed.ok) throw new ToolFailure(`${name} can't be ${JSON.stringify(wish)}: it is ${parsed.allowed}`);
  return Math.min(parsed.value, most);
}

function narrowHosts(wish: readonly string[] | undefined, allowed: readonly string[]): readonly string[] {
  if (wish === undefined) return allowed;
  const parsed = parseHosts(wish);
  if (!parsed.ok) throw new ToolFailure(`allowed_hosts: ${JSON.stringify(parsed.wrong ?? null)} is no host`);
  for (const host of parsed.value)
    if (meetHosts([host], allowed).length === 0)
      throw new ToolFailure(
        `this server does not allow the host ${host}; ${allowed.length === 0 ? "it allows none" : `it allows ${allowed.join(", ")}`}`,
      );
  return meetHosts(parsed.value, allowed);
}

/**
 * What a call gets: less than the operator allows if it wants less, never more. Amounts are cut; a host that is not
 * allowed is a failure, because the code would fail without it.
 */
export const grant = (wishes: Wishes, settings: McpSettings): Grant => ({
  limits: {
    compute: atMost("compute", wishes.compute, parseCompute, settings.compute),
    ram: atMost("ram", wishes.ram, parseRam, settings.ram),
    disk: atMost("disk", wishes.disk, parseDisk, settings.disk),
    timeout: atMost("timeout", wishes.timeout, parseTimeout, settings.timeoutMs),
  },
  hosts: narrowHosts(wishes.allowed_hosts, settings.hosts),
});
