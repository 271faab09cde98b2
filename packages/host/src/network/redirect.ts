import { EffectError } from "@capsule-run/protocol";
import type { NetworkLimits } from "./limits.ts";
import { type GuestRequest, parseUrl, withoutCredentials } from "./request.ts";

const STATUSES: readonly number[] = [301, 302, 303, 307, 308];

export const isRedirect = (status: number, location: string | null): location is string =>
  location !== null && STATUSES.includes(status);

/** What is for one origin only. */
const PRIVATE: readonly string[] = ["authorization", "cookie", "proxy-authorization"];
const OF_BODY: readonly string[] = [
  ...["content-encoding", "content-language", "content-location", "content-type", "content-length"],
];

/**
 * The request that a redirect asks for, as fetch makes it: 303, and 301 and 302 of a POST, become a GET; credentials do
 * not go to another origin, and do not come back later. User-info in a `Location` is left out.
 * @param location as the server wrote it, what is secret scrubbed
 * @throws EffectError EREDIRECT, or what is wrong with the URL
 */
export function redirected(
  request: GuestRequest,
  status: number,
  location: string,
  limits: NetworkLimits,
): GuestRequest {
  if (request.redirect === "error")
    throw new EffectError("EREDIRECT", "the server redirects, which this request does not allow");
  // Headers are bytes, URLs in them UTF-8.
  const text = Buffer.from(location, "latin1").toString("utf8");
  const url = withoutCredentials(parseUrl(text, limits, request.url));
  if (request.body === "stream" && status !== 303)
    throw new EffectError("EREDIRECT", "the server redirects, and a streamed body can't be sent again");
  const becomesGet =
    status === 303 ? !["GET", "HEAD"].includes(request.method) : status < 303 && request.method === "POST";
  const dropped = [...(url.origin === request.url.origin ? [] : PRIVATE), ...(becomesGet ? OF_BODY : [])];
  return {
    ...request,
    url,
    method: becomesGet ? "GET" : request.method,
    headers: request.headers.filter(([name]) => !dropped.includes(name.toLowerCase())),
    body: becomesGet ? null : request.body,
    length: becomesGet ? 0 : request.length,
  };
}
