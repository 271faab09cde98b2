import { type HostPlace, hostPattern, isLocalhost, patternFits, schemePort } from "@capsule-run/protocol";

/** Whether an entry of a secret's `hosts`, as `parseSecretHosts` gave it, means where a URL leads. */
export function hostMatches(entry: string, url: URL): boolean {
  const place = placeOf(url);
  const pattern = hostPattern(entry);
  return place !== null && pattern !== null && patternFits(pattern, place);
}

function placeOf({ protocol: scheme, hostname: host, port }: URL): HostPlace | null {
  if (scheme !== "http:" && scheme !== "https:") return null;
  return { scheme, host, port: port === "" ? schemePort(scheme) : Number(port) };
}

/** Whether a URL's host is this machine by its name alone. What the name resolves to is for the one who connects. */
export const isLoopbackName = (hostname: string): boolean =>
  isLocalhost(hostname) || /^(?:127(?:\.[0-9]{1,3}){3}|\[::1\])$/.test(hostname);
