/** A pattern of `allowedHosts` in its parts. */
interface Pattern {
  /** A name, `*.` and a name, or `*`. Names that are addresses stand as URLs write them. */
  readonly name: string;
  /** Null: the scheme's own one; for `*`, any. */
  readonly port: string | null;
}

/** Null for a name that no URL can have: it allows nothing. */
function read(pattern: string): Pattern | null {
  const [, name = "", port] = /^(\[[^\]]*\]|[^:]*)(?::([0-9]+))?$/.exec(pattern) ?? [];
  const number = port === undefined ? null : String(Number(port));
  if (name.startsWith("*")) return { name, port: number };
  try {
    return { name: new URL(`http://${name}/`).hostname, port: number };
  } catch {
    return null;
  }
}

const text = ({ name, port }: Pattern): string => (port === null ? name : `${name}:${port}`);

/**
 * Whether only an entry of its own opens it: an address, or a name of this machine. `*` stands for the public internet,
 * and the ranges of private addresses are not to be opened by way of a ceiling.
 */
const isNamedOnly = (name: string): boolean =>
  /^\[|^[0-9.]+$|^localhost$|\.localhost$/.test(name) && !name.startsWith("*");

const isBelow = (name: string, wildcard: string): boolean =>
  wildcard === "*" || (wildcard.startsWith("*.") && name.endsWith(wildcard.slice(1)));

/** The narrower of two names, if one is within the other: they overlap in no other way. */
function meetName(a: string, b: string): string | null {
  if (a === b) return a;
  if (isBelow(a, b)) return isNamedOnly(a) ? null : a;
  if (isBelow(b, a)) return isNamedOnly(b) ? null : b;
  return null;
}

const OWN: readonly (string | null)[] = ["80", "443"];

/** The ports that both allow, as a port of the pattern that comes out; undefined: none. */
function meetPort(a: Pattern, b: Pattern): string | null | undefined {
  if (a.port === b.port) return a.port;
  for (const [one, other] of [[a, b] as const, [b, a] as const])
    if (one.port === null && (one.name === "*" || OWN.includes(other.port))) return other.port;
  return undefined;
}

/**
 * Patterns that allow what both lists allow, and nothing else: a host and port is allowed by them if it is by one of `a`
 * and by one of `b`. Port 443 is https's and port 80 http's. An address, or a name of this machine, has to stand in both.
 */
export function meetHosts(a: readonly string[], b: readonly string[]): readonly string[] {
  const [some, others] = [a, b].map((list) => [...new Set(list)].map(read).filter((each) => each !== null));
  const met = new Set<string>();
  for (const one of some as Pattern[])
    for (const other of others as Pattern[]) {
      const name = meetName(one.name, other.name);
      const port = name === null ? undefined : meetPort(one, other);
      if (name !== null && port !== undefined) met.add(text({ name, port }));
    }
  return [...met];
}
