import { EffectError } from "@capsule-run/protocol";
import type { NetworkLimits } from "./limits.ts";
import { shownHost, targetOf } from "./target.ts";

export type Header = readonly [name: string, value: string];

/** A request as the program wants it, checked: what there is to redirect and to send. */
export interface GuestRequest {
  readonly method: string;
  /** Without user-info and fragment. */
  readonly url: URL;
  /** Without those that belong to the connection, which are the host's own matter. */
  readonly headers: readonly Header[];
  readonly redirect: "follow" | "manual" | "error";
  /** Null: none; `"stream"`: follows in pieces. */
  readonly body: Uint8Array | "stream" | null;
  /** What a streamed body says of its length. */
  readonly length: number | null;
  /** Null: the host's own limits. */
  readonly timeoutMs: number | null;
}

const invalid = (message: string): EffectError => new EffectError("EINVAL", message);

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\0-\x1f\x7f]/;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Latin-1 without what could end a header. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * A URL as WHATWG parses it, by whose host everything is decided. Control characters are refused where the parser would
 * leave them out.
 * @throws EffectError EINVAL
 */
export function parseUrl(text: unknown, limits: NetworkLimits, base?: URL): URL {
  if (typeof text !== "string") throw invalid("the URL is not a string");
  if (text.length > limits.urlCharacters)
    throw new EffectError(
      "ELIMIT",
      `the URL is longer than ${limits.urlCharacters} characters (urlCharacters)`,
    );
  if (CONTROL.test(text)) throw invalid("the URL contains a control character");
  const url = URL.parse(text, base);
  if (!url) throw invalid("the URL can't be parsed");
  const { host } = targetOf(url);
  // Without the dot that a name may end with: one host has one name.
  if (url.hostname !== host) url.hostname = host;
  url.hash = "";
  // What is encoded may be nine times as long.
  checkLength(url.href, limits);
  return url;
}

function checkLength(url: string, { urlCharacters }: NetworkLimits): void {
  if (url.length > urlCharacters)
    throw new EffectError("ELIMIT", `the URL is longer than ${urlCharacters} characters (urlCharacters)`);
}

function readMethod(value: unknown): string {
  if (typeof value !== "string" || value.length > 64 || !TOKEN.test(value))
    throw invalid("the method is not a valid name");
  const upper = value.toUpperCase();
  if (["CONNECT", "TRACE", "TRACK"].includes(upper)) throw invalid(`the method ${upper} is not supported`);
  return ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"].includes(upper) ? upper : value;
}

/** Of the connection, which is the host's: programs and their libraries set them out of habit. */
const DROPPED: ReadonlySet<string> = new Set([
  ...["connection", "keep-alive", "te", "trailer", "expect", "http2-settings"],
  ...["proxy-authorization", "proxy-authenticate", "proxy-connection"],
]);

/** @throws EffectError EINVAL for what HTTP does not allow, ELIMIT for too much of it */
export function checkHeaders(headers: readonly Header[], limits: NetworkLimits): void {
  if (headers.length > limits.headers)
    throw new EffectError("ELIMIT", `more than ${limits.headers} headers (headers)`);
  let bytes = 0;
  for (const [name, value] of headers) {
    bytes += name.length + value.length;
    if (bytes > limits.headerBytes)
      throw new EffectError(
        "ELIMIT",
        `the headers are larger than ${limits.headerBytes} bytes (headerBytes)`,
      );
    if (!TOKEN.test(name)) throw invalid("the name of a header has a character that HTTP does not allow");
    if (!VALUE.test(value))
      throw invalid(`the header ${name} has a character that HTTP does not allow, such as a line break`);
  }
}

function readHeaders(value: unknown, limits: NetworkLimits): readonly Header[] {
  const isHeader = (each: unknown): each is Header =>
    Array.isArray(each) && each.length === 2 && typeof each[0] === "string" && typeof each[1] === "string";
  const tooMany = Array.isArray(value) && value.length > limits.headers;
  if (!Array.isArray(value) || (!tooMany && !value.every(isHeader)))
    throw invalid("the headers are not pairs of strings");
  if (tooMany) throw new EffectError("ELIMIT", `more than ${limits.headers} headers (headers)`);
  const headers = value.map(([name, text]) => [name, trimmed(text)] as const);
  checkHeaders(headers, limits);
  return headers;
}

/** Without the space around it, which is no part of a value. An expression that looks for its end would take the square of its length. */
function trimmed(text: string): string {
  const isSpace = (at: number): boolean => text[at] === " " || text[at] === "\t";
  let [start, end] = [0, text.length];
  while (start < end && isSpace(start)) start++;
  while (end > start && isSpace(end - 1)) end--;
  return text.slice(start, end);
}

/** How many bytes the body has; null: a stream of which nobody knows. Says what `Content-Length` may say. */
function lengthOf(body: GuestRequest["body"], said: readonly string[]): number | null {
  const numbers = said.map((text) => (/^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN));
  const length = body === "stream" ? (numbers[0] ?? null) : (body?.length ?? 0);
  if (numbers.some((number) => number !== length))
    throw invalid("the header Content-Length differs from the length of the body");
  return length;
}

/** Takes out what is the host's own matter, and refuses what would be a lie. */
function ownHeaders(
  headers: readonly Header[],
  url: URL,
  body: GuestRequest["body"],
): { readonly headers: readonly Header[]; readonly length: number | null } {
  const kept: Header[] = [];
  const lengths: string[] = [];
  for (const header of headers) {
    const [name, value] = [header[0].toLowerCase(), header[1]];
    if (name === "content-length") lengths.push(value);
    else if (name === "host") checkHostHeader(value, url);
    else if (name === "upgrade") throw invalid("a connection can't be upgraded, to WebSocket for one");
    else if (name === "transfer-encoding") {
      if (value.toLowerCase() !== "chunked") throw invalid("the only Transfer-Encoding is chunked");
    } else if (!DROPPED.has(name)) kept.push(header);
  }
  return { headers: kept, length: lengthOf(body, lengths) };
}

function checkHostHeader(value: string, url: URL): void {
  const said = value === "" ? null : URL.parse(`${url.protocol}//${value}/`);
  if (
    said?.pathname !== "/" ||
    said.username !== "" ||
    shownHost(targetOf(said)) !== shownHost(targetOf(url))
  )
    throw invalid("the header Host differs from the URL's host");
}

/** What user-info in a URL means, as clients have it. */
function credentials(url: URL): Header | null {
  if (url.username === "" && url.password === "") return null;
  const decode = (text: string): Buffer => {
    try {
      return Buffer.from(decodeURIComponent(text));
    } catch {
      return Buffer.from(text);
    }
  };
  const pair = Buffer.concat([decode(url.username), Buffer.from(":"), decode(url.password)]);
  return ["Authorization", `Basic ${pair.toString("base64")}`];
}

export function withoutCredentials(url: URL): URL {
  const plain = new URL(url);
  plain.username = "";
  plain.password = "";
  return plain;
}

function readBody(kind: unknown, payload: Uint8Array): GuestRequest["body"] {
  if (kind !== "whole" && payload.length > 0) throw invalid("the request has a body and says it has none");
  if (kind === "none") return null;
  if (kind === "stream") return "stream";
  if (kind === "whole") return payload;
  throw invalid('body is none of "none", "whole", "stream"');
}

/**
 * The head of `http.request`, checked.
 * @throws EffectError EINVAL, ELIMIT
 */
export function readRequest(
  head: Readonly<Record<string, unknown>>,
  payload: Uint8Array,
  limits: NetworkLimits,
): GuestRequest {
  const method = readMethod(head.method);
  const given = parseUrl(head.url, limits);
  const { redirect, timeoutMs } = head;
  if (redirect !== "follow" && redirect !== "manual" && redirect !== "error")
    throw invalid('redirect is none of "follow", "manual", "error"');
  if (timeoutMs !== null && !(typeof timeoutMs === "number" && timeoutMs >= 0))
    throw invalid("timeoutMs is not a time");
  const body = readBody(head.body, payload);
  const own = ownHeaders(readHeaders(head.headers, limits), given, body);
  const basic = credentials(given);
  const isAuthorized = own.headers.some(([name]) => name.toLowerCase() === "authorization");
  return {
    method,
    url: withoutCredentials(given),
    headers: basic && !isAuthorized ? [...own.headers, basic] : own.headers,
    redirect,
    body,
    length: own.length,
    timeoutMs: timeoutMs === null ? null : Math.max(1, Math.min(timeoutMs, limits.longestMs)),
  };
}
