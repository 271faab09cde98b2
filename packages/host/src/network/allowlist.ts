import { EffectError, parseHostPattern } from "@capsule-run/protocol";
import { type Address, parseAddress, sameAddress, specialKind } from "./addresses.ts";
import { defaultPort, isLocalhost, normalHost, shownHost, type Target } from "./target.ts";

/** An entry of `allowedHosts`: one host, or all below a domain (`suffix`, with its dot), or any. */
interface Pattern {
  readonly host: { readonly is: string } | { readonly suffix: string } | "any";
  /** Null: the scheme's own one; for `*` without one, any. */
  readonly port: number | null;
  /** If the entry is an address. */
  readonly address: Address | null;
}

/** What a task may reach. */
export interface Allowlist {
  readonly entries: readonly string[];
  readonly patterns: readonly Pattern[];
}

function patternOf(entry: string): Pattern | null {
  const text = parseHostPattern(entry);
  if (text === null) return null;
  const [, name = "", port] = /^(\[[^\]]*\]|[^:]*)(?::([0-9]+))?$/.exec(text) ?? [];
  const rest = { port: port === undefined ? null : Number(port), address: null };
  if (name === "*") return { ...rest, host: "any" };
  if (name.startsWith("*.")) return { ...rest, host: { suffix: name.slice(1) } };
  try {
    // As hosts of URLs are: `127.1` is 127.0.0.1, and IPv6 has one notation.
    const host = normalHost(new URL(`http://${name}/`).hostname);
    if (host === null) return null;
    return { ...rest, host: { is: host }, address: parseAddress(host.replace(/^\[|\]$/g, "")) };
  } catch {
    return null;
  }
}

/** @param hosts entries as `parseHostPattern` gives them; what is none opens nothing */
export function allowlist(hosts: readonly string[]): Allowlist {
  const patterns = hosts.map(patternOf).filter((pattern) => pattern !== null);
  return { entries: hosts, patterns };
}

const other = (scheme: Target["scheme"]): Target["scheme"] => (scheme === "https:" ? "http:" : "https:");

function portFits({ host, port }: Pattern, target: Target): boolean {
  // Nobody speaks http to port 443: so a name without a port means these two, and is what a list with both allows.
  if (port !== null) return port === target.port && target.port !== defaultPort(other(target.scheme));
  return host === "any" || target.port === defaultPort(target.scheme);
}

function hostFits({ host }: Pattern, target: Target): boolean {
  if (host === "any") return true;
  if ("is" in host) return host.is === target.host;
  // Names only: `*.0.0.1` is not 127.0.0.1.
  return (
    target.address === null && target.host.endsWith(host.suffix) && target.host.length > host.suffix.length
  );
}

const MOST_SHOWN = 10;

function shownEntries(entries: readonly string[]): string {
  if (entries.length === 0) return "nothing is allowed";
  const more = entries.length - MOST_SHOWN;
  return `allowed: ${entries.slice(0, MOST_SHOWN).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/** @throws EffectError EFORBIDDEN if no entry is for this host and port */
export function checkHost({ patterns, entries }: Allowlist, target: Target): void {
  if (patterns.some((pattern) => portFits(pattern, target) && hostFits(pattern, target))) return;
  const why = `"${shownHost(target)}" is not among the hosts that this task may reach (${shownEntries(entries)})`;
  throw new EffectError("EFORBIDDEN", why);
}

/**
 * Whether a special address was named: by an entry that is this very address, or, for a loopback address, by an entry
 * that is this very `localhost` name. A name from DNS opens nothing but the public internet, since who owns the name
 * decides what it resolves to.
 */
function isNamed({ patterns }: Allowlist, target: Target, address: Address, kind: string): boolean {
  const fitting = patterns.filter((pattern) => portFits(pattern, target));
  if (fitting.some((pattern) => pattern.address !== null && sameAddress(pattern.address, address)))
    return true;
  if (kind !== "loopback" || !isLocalhost(target.host)) return false;
  return fitting.some(({ host }) => typeof host === "object" && "is" in host && host.is === target.host);
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
