import {
  EffectError,
  type HostPattern,
  hostPattern,
  isLocalhost,
  patternFits,
  portFits,
} from "@capsule-run/protocol";
import { type Address, parseAddress, sameAddress, specialKind } from "./addresses.ts";
import { shownHost, type Target } from "./target.ts";

/** An entry of `allowedHosts`. */
interface Entry extends HostPattern {
  /** If it is one. */
  readonly address: Address | null;
}

/** What a task may reach. */
export interface Allowlist {
  /** As they were written. */
  readonly texts: readonly string[];
  readonly entries: readonly Entry[];
}

/** @param hosts entries as `parseHostPattern` gives them; what is none opens nothing */
export function allowlist(hosts: readonly string[]): Allowlist {
  const patterns = hosts.map(hostPattern).filter((pattern) => pattern !== null);
  const entries = patterns.map((pattern) => ({
    ...pattern,
    address: parseAddress(pattern.name.replace(/^\[|\]$/g, "")),
  }));
  return { texts: hosts, entries };
}

const MOST_SHOWN = 10;

function shownEntries(texts: readonly string[]): string {
  if (texts.length === 0) return "nothing is allowed";
  const more = texts.length - MOST_SHOWN;
  return `allowed: ${texts.slice(0, MOST_SHOWN).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/** @throws EffectError EFORBIDDEN if no entry is for this host and port */
export function checkHost({ entries, texts }: Allowlist, target: Target): void {
  if (entries.some((entry) => patternFits(entry, target))) return;
  const why = `"${shownHost(target)}" is not among the hosts that this task may reach (${shownEntries(texts)})`;
  throw new EffectError("EFORBIDDEN", why);
}

/**
 * Whether a special address was named: by an entry that is this very address, or, for a loopback address, by an entry
 * that is this very `localhost` name. A name from DNS opens nothing but the public internet, since who owns the name
 * decides what it resolves to.
 */
function isNamed({ entries }: Allowlist, target: Target, address: Address, kind: string): boolean {
  const fitting = entries.filter((entry) => portFits(entry, target));
  if (fitting.some((entry) => entry.address !== null && sameAddress(entry.address, address))) return true;
  if (kind !== "loopback" || !isLocalhost(target.host)) return false;
  return fitting.some(({ name }) => name === target.host);
}

/**
 * Every address that a host has, or none may be connected to.
 * @throws EffectError EFORBIDDEN if one is not of the public internet and was not named
 */
export function checkAddresses(allowed: Allowlist, target: Target, addresses: readonly Address[]): void {
  for (const address of addresses) {
    const kind = specialKind(address);
    if (kind === null || isNamed(allowed, target, address, kind)) continue;
    const host = shownHost(target);
    const a = `${/^[aeiou]/.test(kind) ? "an" : "a"} ${kind} address`;
    throw new EffectError(
      "EFORBIDDEN",
      target.address
        ? `"${host}" is ${a}, which only an entry of its own among the allowed hosts opens`
        : `"${host}" resolves to ${a}, which only an entry for that address among the allowed hosts opens`,
    );
  }
}

export const isLoopback = (address: Address): boolean => specialKind(address) === "loopback";
