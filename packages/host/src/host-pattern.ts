const PORTS: Readonly<Record<string, string>> = { "http:": "80", "https:": "443" };

/**
 * Whether a URL's host and port are what a pattern means, which is one that `parseHostPattern` gave. A pattern without a
 * port means the scheme's own one, `*.example.com` any depth below it and not itself.
 */
export function hostMatches(pattern: string, url: URL): boolean {
  const { host, port } = partsOf(pattern);
  const own = PORTS[url.protocol];
  if (own === undefined || (url.port || own) !== (port ?? own)) return false;
  if (host === "*") return true;
  return host.startsWith("*.")
    ? url.hostname.length >= host.length && url.hostname.endsWith(host.slice(1))
    : url.hostname === hostOf(host);
}

function partsOf(pattern: string): { host: string; port: string | null } {
  const match = /^(.*):([0-9]+)$/.exec(pattern);
  // The last colon of an IPv6 address stands inside its brackets.
  return match ? { host: match[1] as string, port: String(Number(match[2])) } : { host: pattern, port: null };
}

/** A host as a URL writes it: `[0:0:0:0:0:0:0:1]` is `[::1]`. */
function hostOf(host: string): string {
  return host.startsWith("[") && URL.canParse(`http://${host}/`) ? new URL(`http://${host}/`).hostname : host;
}

/** Whether a URL's host is this machine by its name alone. What the name resolves to is for the one who connects. */
export const isLoopbackName = (hostname: string): boolean =>
  /^(?:(?:.+\.)?localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])$/.test(hostname);
