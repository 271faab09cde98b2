import { EffectError, type HostPlace, schemePort } from "@capsule-run/protocol";
import { type Address, parseAddress } from "./addresses.ts";

/** Where a request goes, as the parsed URL says. */
export interface Target extends HostPlace {
  /** If the host is one. */
  readonly address: Address | null;
}

const HOST_NAME = /^(?=.{1,253}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/;

/** A host as it is compared with those of allowlists; null if it can't be one. */
function normalHost(hostname: string): string | null {
  if (hostname.startsWith("[")) return parseAddress(hostname.slice(1, -1)) ? hostname : null;
  const host = hostname.endsWith(".") ? hostname.slice(0, -1) : hostname;
  return HOST_NAME.test(host) ? host : null;
}

/** @throws EffectError EINVAL for another scheme, or a host that no name or address can be */
export function targetOf(url: URL): Target {
  const scheme = url.protocol;
  if (scheme !== "http:" && scheme !== "https:")
    throw new EffectError(
      "EINVAL",
      `only http: and https: URLs can be requested, not ${scheme.slice(0, 40)}`,
    );
  const host = normalHost(url.hostname);
  if (host === null) throw new EffectError("EINVAL", "the URL's host is not a valid name or address");
  const port = url.port === "" ? schemePort(scheme) : Number(url.port);
  if (port === 0) throw new EffectError("EINVAL", "port 0 can't be connected to");
  return { scheme, host, port, address: parseAddress(host.replace(/^\[|\]$/g, "")) };
}

/** For messages and the `Host` header: without the port that goes without saying. */
export const shownHost = ({ scheme, host, port }: Target): string =>
  port === schemePort(scheme) ? host : `${host}:${port}`;
