/** What an entry of `allowedHosts`, of a ceiling or of a secret's `hosts` means: for all who compare hosts. */

const LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?";
const PATTERN = new RegExp(
  `^(?:\\*|(?:\\*\\.)?${LABEL}(?:\\.${LABEL})*|\\[[0-9a-f:.]{2,45}\\])(?::([0-9]{1,5}))?$`,
);

/** A pattern for hosts in lower case; null if it is none. Without a port it means the scheme's own one. */
export function parseHostPattern(text: string): string | null {
  const pattern = text.toLowerCase();
  const match = pattern.length <= 260 ? PATTERN.exec(pattern) : null;
  if (!match) return null;
  const port = match[1] === undefined ? 1 : Number(match[1]);
  return port >= 1 && port <= 65_535 ? pattern : null;
}

/** A pattern in its parts. */
export interface HostPattern {
  /** `*`, or `*.` and a name, or a host as URLs write it: `127.1` is `127.0.0.1`, and IPv6 has one notation. */
  readonly name: string;
  /** Null: the scheme's own one; for `*`, any. */
  readonly port: number | null;
}

/** A pattern in its parts; null for what is none, and for a host that no URL can have: they mean nothing. */
export function hostPattern(pattern: string): HostPattern | null {
  const text = parseHostPattern(pattern) ?? "";
  const [, name = "", digits] = /^(\[[^\]]*\]|[^:]*)(?::([0-9]+))?$/.exec(text) ?? [];
  const port = digits === undefined ? null : Number(digits);
  if (name.startsWith("*")) return { name, port };
  const url = name === "" ? null : URL.parse(`http://${name}/`);
  return url && { name: url.hostname, port };
}

/** Where a URL leads, as far as patterns are concerned. */
export interface HostPlace {
  readonly scheme: "http:" | "https:";
  /** As URLs write it, without a dot at the end; an IPv6 address in brackets. */
  readonly host: string;
  readonly port: number;
}

export const schemePort = (scheme: HostPlace["scheme"]): number => (scheme === "https:" ? 443 : 80);

/** Of a host as URLs write it. */
export const isAddress = (host: string): boolean => /^\[|^[0-9.]+$/.test(host);

/** Whether a name is one of this machine's, whatever it resolves to. */
export const isLocalhost = (host: string): boolean => host === "localhost" || host.endsWith(".localhost");

/**
 * Whether a pattern's name means a host, or all that another pattern's name means. Below a domain there are names only:
 * `*.0.0.1` is not 127.0.0.1.
 */
export function nameFits(name: string, host: string): boolean {
  if (name === "*" || name === host) return true;
  return (
    name.startsWith("*.") && host.length >= name.length && host.endsWith(name.slice(1)) && !isAddress(host)
  );
}

/** Nobody speaks http to port 443, so a name without a port means 80 and 443, and is what a list with both allows. */
export function portFits({ name, port }: HostPattern, place: HostPlace): boolean {
  if (port === null) return name === "*" || place.port === schemePort(place.scheme);
  return port === place.port && port !== schemePort(place.scheme === "https:" ? "http:" : "https:");
}

/** Whether a pattern means this place. What the host resolves to is for the one who connects. */
export const patternFits = (pattern: HostPattern, place: HostPlace): boolean =>
  portFits(pattern, place) && nameFits(pattern.name, place.host);
