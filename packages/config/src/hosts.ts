import { type HostPattern, hostPattern, isAddress, isLocalhost, nameFits } from "@capsule-run/protocol";

const text = ({ name, port }: HostPattern): string => (port === null ? name : `${name}:${port}`);

/**
 * Whether only an entry of its own opens it: an address, or a name of this machine. `*` stands for the public internet,
 * and the ranges of private addresses are not to be opened by way of a ceiling.
 */
const isNamedOnly = (name: string): boolean =>
  isAddress(name) || (isLocalhost(name) && !name.startsWith("*"));

/** The narrower of two names, if one is within the other: they overlap in no other way. */
function meetName(a: string, b: string): string | null {
  if (a === b) return a;
  if (nameFits(b, a)) return isNamedOnly(a) ? null : a;
  if (nameFits(a, b)) return isNamedOnly(b) ? null : b;
  return null;
}

const OWN: readonly (number | null)[] = [80, 443];

/** The ports that both allow, as a port of the pattern that comes out; undefined: none. */
function meetPort(a: HostPattern, b: HostPattern): number | null | undefined {
  if (a.port === b.port) return a.port;
  for (const [one, other] of [[a, b] as const, [b, a] as const])
    if (one.port === null && (one.name === "*" || OWN.includes(other.port))) return other.port;
  return undefined;
}

/**
 * Patterns that allow what both lists allow, and nothing else: a host and port is allowed by them if it is by one of `a`
 * and by one of `b`. An address, or a name of this machine, has to stand in both.
 */
export function meetHosts(a: readonly string[], b: readonly string[]): readonly string[] {
  const read = (list: readonly string[]): readonly HostPattern[] =>
    [...new Set(list)].map(hostPattern).filter((each) => each !== null);
  const others = read(b);
  const met = new Set<string>();
  for (const one of read(a))
    for (const other of others) {
      const name = meetName(one.name, other.name);
      const port = name === null ? undefined : meetPort(one, other);
      if (name !== null && port !== undefined) met.add(text({ name, port }));
    }
  return [...met];
}
