/** The URL of a request. Most are plain, and need not be parsed by a program in an interpreter, which takes its time. */
import { isTagged, scalarString } from "./webidl.ts";

export interface RequestUrl {
  readonly href: string;
  readonly protocol: string;
}

const HOST =
  "(?:(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\\.)*[a-z](?:[a-z0-9-]*[a-z0-9])?" +
  "|(?:(?:[1-9]?[0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5])(?:\\.(?!:|/|$)|(?=:|/|$))){4})";
/**
 * What parsing leaves as it is: a host of plain labels, none of them punycode, the last one no number, or an IPv4 address
 * as addresses are written; another port than the scheme's; no segment that begins with a dot, encoded or not; nothing
 * to encode; no fragment.
 */
const PLAIN = new RegExp(
  `^https?://(?![^/]*xn--)${HOST}(?::(?!80/|443/)(?:[1-5][0-9]{4}|6[0-4][0-9]{3}|[1-9][0-9]{0,3})(?=/))?` +
    "(?:/(?!\\.|%2[eE])[A-Za-z0-9_~!$&()*+,;=:@%.-]*)+(?:\\?[A-Za-z0-9_~!$&()*+,;=:@%./?-]*)?$",
);

const SCHEME = /^[^:]*:/;

/** @throws TypeError for what is no URL, or holds a user's name or password */
export function requestUrl(input: unknown): RequestUrl {
  const text = isTagged(input, "URL") ? (input as URL).href : scalarString(input);
  if (PLAIN.test(text)) return { href: text, protocol: (SCHEME.exec(text) as RegExpExecArray)[0] };
  let url: URL;
  try {
    url = new URL(text);
  } catch (cause) {
    throw new TypeError(`Failed to parse URL from ${text}`, { cause });
  }
  if (url.username !== "" || url.password !== "")
    throw new TypeError(`Request cannot be constructed from a URL that includes credentials: ${text}`);
  return { href: url.href, protocol: url.protocol };
}
