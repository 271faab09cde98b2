const PORTS: Readonly<Record<string, string>> = { "http:": "80", "https:": "443" };

/**
 * Whether a URL's host and port are what an entry of a secret's `hosts` means, as `parseSecretHosts` gave it. Without a
 * port it means the scheme's own one; `*.example.com` means names at any depth below it, not itself.
 */
export function hostMatches(entry: string, url: URL): boolean {
  const { host, port } = partsOf(entry);
  const own = PORTS[url.protocol];
  if (own === undefined || (url.port || own) !== (port ?? own)) return false;
  if (!host.startsWith("*.")) return url.hostname === hostOf(host);
  // Names only: `*.0.0.1` is not 127.0.0.1, and no top-level domain is a number.
  return url.hostname.length >= host.length && url.hostname.endsWith(host.slice(1)) && !/[0-9]$/.test(host);
}

function partsOf(entry: string): { host: string; port: string | null } {
  const match = /^(.*):([0-9]+)$/.exec(entry);
  // The last colon of an IPv6 address stands inside its brackets.
  return match ? { host: match[1] as string, port: String(Number(match[2])) } : { host: entry, port: null };
}

/** A host as a URL writes it: `[0:0:0:0:0:0:0:1]` is `[::1]`, `127.1` is `127.0.0.1`. */
const hostOf = (host: string): string =>
  URL.canParse(`http://${host}/`) ? new URL(`http://${host}/`).hostname : host;

/** Whether a URL's host is this machine by its name alone. What the name resolves to is for the one who connects. */
export const isLoopbackName = (hostname: string): boolean =>
  /^(?:(?:.+\.)?localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])$/.test(hostname);
