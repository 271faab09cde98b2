import { EffectError, type HttpResponseHead } from "@capsule-run/protocol";
import type { OutgoingRequest, Scrubber, SecretsOnTheWay } from "../capability.ts";
import { type Allowlist, checkAddresses, checkHost, isLoopback } from "./allowlist.ts";
import { codingsOf, type ResponseBody, responseBody } from "./body.ts";
import { wireError } from "./errors.ts";
import type { NetworkLimits } from "./limits.ts";
import type { Recording, Records } from "./records.ts";
import { isRedirect, redirected } from "./redirect.ts";
import { checkHeaders, type GuestRequest, type Header, withoutCredentials } from "./request.ts";
import { type Resolver, resolveTarget } from "./resolve.ts";
import { shownHost, type Target, targetOf } from "./target.ts";
import type { Transport, WireResponse } from "./transport.ts";
import { type Upload, upload } from "./upload.ts";

/** What the exchanges of an attempt have in common. */
export interface ExchangeContext {
  readonly scope: string;
  readonly allowed: Allowlist;
  readonly secrets: SecretsOnTheWay | null;
  readonly resolve: Resolver;
  readonly transport: Transport;
  readonly limits: NetworkLimits;
  readonly records: Records;
}

/** A response whose head is there. `whole`: so is its body, and it is in `piece`. */
export interface Answered {
  readonly head: Omit<HttpResponseHead, "handle">;
  readonly piece: Uint8Array;
  readonly whole: boolean;
}

/** A request and its response, redirects included. */
export interface Exchange {
  /** Settles when the head of the last response is there. */
  readonly answered: Promise<Answered>;
  /** Whether its response is being decompressed. */
  readonly isCompressed: boolean;
  /** Null unless the request's body is a stream. */
  readonly upload: Upload | null;
  /** The next piece; once `answered`. */
  read(): Promise<{ readonly piece: Uint8Array; readonly done: boolean }>;
  /** Says that the program is at work on it, so that the time until the head begins anew. */
  touch(): void;
  /** Ends it, with what waits and comes later failing with this. */
  stop(error: EffectError): void;
}

/** One request on the wire: a hop of the exchange. */
interface Hop {
  readonly request: GuestRequest;
  readonly target: Target;
  readonly wire: WireResponse;
  readonly recording: Recording;
  /** Bytes of the request's body. */
  readonly sent: () => number;
  readonly location: string | null;
}

/** What belongs to a connection, and says nothing about the body as the program gets it. */
const OF_CONNECTION: ReadonlySet<string> = new Set([
  ...["connection", "keep-alive", "proxy-connection", "transfer-encoding", "te", "trailer", "upgrade"],
]);

export function startExchange(first: GuestRequest, context: ExchangeContext): Exchange {
  const { limits, secrets } = context;
  const gone = new AbortController();
  const { signal } = gone;
  const streamed = first.body === "stream" ? upload(limits, first.timeoutMs ?? limits.idleMs) : null;
  const headMs = first.timeoutMs ?? limits.headMs;
  let body: ResponseBody | null = null;
  let finish: (error: EffectError | null) => void = () => {};
  let timer: NodeJS.Timeout | undefined;
  let isCompressed = false;

  function stop(error: EffectError): void {
    clearTimeout(timer);
    streamed?.stop(error);
    body?.stop(error);
    if (!signal.aborted) gone.abort(error);
    finish(error);
  }
  function touch(): void {
    if (body || signal.aborted) return;
    clearTimeout(timer);
    const late = `"${first.url.host}" did not answer within ${headMs} ms`;
    timer = setTimeout(() => stop(new EffectError("ETIMEDOUT", late)), headMs);
  }

  /** The error as the program sees it: why the exchange was ended, or what went wrong on the wire. */
  const failure = (error: unknown, host: string): EffectError =>
    signal.reason instanceof EffectError ? signal.reason : wireError(error, host);

  async function send(request: GuestRequest): Promise<Hop> {
    let sent = (): number => 0;
    const recording = context.records.begin(request.method, request.url.href, () => ({
      sent: sent(),
      received: body?.received ?? 0,
    }));
    finish = (error) => recording.finished({ sent: sent(), received: body?.received ?? 0 }, error);
    let host = request.url.host;
    try {
      const target = targetOf(request.url);
      host = shownHost(target);
      checkHost(context.allowed, target);
      const addresses = await until(signal, resolveTarget(target, context.resolve));
      const checked = addresses.map(({ address }) => address);
      checkAddresses(context.allowed, target, checked);
      const outgoing = withSecrets(request, target.scheme === "https:" || checked.every(isLoopback), context);
      const content = request.body === "stream" ? (streamed?.body ?? null) : outgoing.body;
      sent = () => (request.body === "stream" ? (streamed?.bytes ?? 0) : (outgoing.body?.length ?? 0));
      const length: readonly Header[] =
        request.body === "stream" && request.length !== null
          ? [["content-length", String(request.length)]]
          : [];
      const route = { scope: context.scope, target, addresses: addresses.map(({ text }) => text) };
      const wire = await context.transport.send(
        route,
        {
          method: request.method,
          path: outgoing.url.pathname + outgoing.url.search,
          headers: [...outgoing.headers, ...length].flat(),
          body: content,
        },
        signal,
      );
      // Until somebody reads it, an error of the body is nobody's.
      wire.body.on("error", () => {});
      recording.answered(wire.status);
      const location = headerValues(wire.headers, "location")[0];
      return {
        ...{ request, target, wire, recording, sent },
        location: location === undefined ? null : (secrets?.scrubText(location) ?? location),
      };
    } catch (error) {
      const shown = failure(error, host);
      finish(shown);
      throw shown;
    }
  }

  /** Follows redirects up to the response that is the program's. */
  async function follow(): Promise<Hop> {
    let request = first;
    for (let hops = 0; ; hops++) {
      const hop = await send(request);
      const { status } = hop.wire;
      if (request.redirect === "manual" || !isRedirect(status, hop.location)) return hop;
      try {
        if (hops === limits.redirects)
          throw new EffectError("EREDIRECT", `more than ${limits.redirects} redirects (redirects)`);
        request = redirected(request, status, hop.location, limits);
        hop.recording.finished({ sent: hop.sent(), received: 0 }, null);
      } finally {
        await leave(hop.wire, signal, limits);
      }
      if (streamed && request.body !== "stream") streamed.stop(null);
    }
  }

  async function answer(): Promise<Answered> {
    const hop = await follow();
    const { wire, target, request } = hop;
    try {
      const given = pairs(wire.headers);
      if (given.length > limits.headers)
        throw new EffectError("ELIMIT", `the response has more than ${limits.headers} headers (headers)`);
      const isEmpty = request.method === "HEAD" || wire.status === 204 || wire.status === 304;
      const codings = isEmpty
        ? []
        : (codingsOf(headerValues(wire.headers, "content-encoding"), limits) ?? []);
      isCompressed = codings.length > 0;
      const scrubber = isEmpty ? null : (secrets?.scrubber() ?? null);
      body = responseBody(wire.body, {
        ...{ host: shownHost(target), codings, scrubber, limits },
        idleMs: first.timeoutMs ?? limits.idleMs,
      });
      finish = (error) => hop.recording.finished({ sent: hop.sent(), received: body?.received ?? 0 }, error);
      signal.throwIfAborted();
      clearTimeout(timer);
      const isEvents = headerValues(wire.headers, "content-type").some((type) =>
        /^text\/event-stream/i.test(type),
      );
      const { piece, done } = await read(isEvents ? 0 : limits.quietMs);
      return { head: headOf(hop, given, codings, scrubber), piece, whole: done };
    } catch (error) {
      throw failure(error, shownHost(target));
    }
  }

  function headOf(
    { request, wire }: Hop,
    given: readonly Header[],
    codings: readonly string[],
    scrubber: Scrubber | null,
  ): Answered["head"] {
    const untrue = new Set([
      ...(codings.length > 0 ? ["content-encoding", "content-length"] : []),
      ...(scrubber ? ["content-length"] : []),
    ]);
    const scrub = (text: string): string => secrets?.scrubText(text) ?? text;
    const kept = given.filter(
      ([name]) => !untrue.has(name.toLowerCase()) && !OF_CONNECTION.has(name.toLowerCase()),
    );
    return {
      status: wire.status,
      statusText: scrub(wire.statusText),
      url: withoutCredentials(request.url).href,
      redirected: request !== first,
      headers: kept.map(([name, value]) => [scrub(name), scrub(value)] as const),
    };
  }

  async function read(quietMs: number | null) {
    if (!body) throw new EffectError("EINVAL", "the response is not there yet");
    try {
      const got = await body.read({ quietMs });
      if (got.done) finish(null);
      return got;
    } catch (error) {
      const shown = failure(error, first.url.host);
      stop(shown);
      throw shown;
    }
  }

  touch();
  const answered = answer().catch((error: unknown) => {
    const shown = failure(error, first.url.host);
    stop(shown);
    throw shown;
  });
  // It is reported where it is waited for.
  answered.catch(() => {});
  return {
    ...{ answered, upload: streamed, read: () => read(null), touch, stop },
    get isCompressed() {
      return isCompressed;
    },
  };
}

const pairs = (raw: readonly string[]): readonly Header[] =>
  Array.from(
    { length: raw.length >> 1 },
    (_, i) => [raw[2 * i] as string, raw[2 * i + 1] as string] as const,
  );

const headerValues = (raw: readonly string[], name: string): readonly string[] =>
  pairs(raw).flatMap(([key, value]) => (key.toLowerCase() === name ? [value] : []));

/** Puts secrets in, and checks that what comes out can still be sent. */
function withSecrets(
  request: GuestRequest,
  secure: boolean,
  { secrets, limits }: ExchangeContext,
): OutgoingRequest {
  const { method, url, headers } = request;
  const plain = { method, url, headers, body: request.body === "stream" ? null : request.body };
  if (!secrets) return plain;
  const outgoing = secrets.substitute(plain, secure);
  try {
    checkHeaders(outgoing.headers, limits);
  } catch {
    throw new EffectError("EINVAL", "a header with a secret in it is not one that HTTP allows");
  }
  return outgoing;
}

/** Reads the rest of a response nobody wants, if it is short, so that its connection can be used again. */
async function leave({ body }: WireResponse, signal: AbortSignal, { quietMs }: NetworkLimits): Promise<void> {
  let left = 64 * 1024;
  const over = new Promise<void>((resolve) => body.once("close", () => resolve()));
  body.on("data", (piece: Buffer) => {
    left -= piece.length;
    if (left < 0) body.destroy();
  });
  const timer = setTimeout(() => body.destroy(), quietMs);
  await until(signal, over).finally(() => clearTimeout(timer));
}

/** What `promise` gives, unless the signal comes first: then its reason. */
async function until<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  // What comes of it later is nobody's.
  promise.catch(() => {});
  signal.throwIfAborted();
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
