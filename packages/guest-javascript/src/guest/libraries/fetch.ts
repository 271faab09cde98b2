/** `fetch`: https://fetch.spec.whatwg.org/#fetch-method, as far as it makes sense without pages and origins. */
import type { Kit } from "../library.ts";
import { bodyOf, piecesOf, type Source, useKit } from "./body.ts";
import { parseDataUrl } from "./data-url.ts";
import type { HeadersPart, Pair } from "./headers.ts";
import { Request, requestState, useHeaders as requestsUseHeaders } from "./request.ts";
import { makeResponse, NULL_BODY, Response, useHeaders as responsesUseHeaders } from "./response.ts";
import type { Exchange, Incoming, Outgoing, Pieces, TransportPart } from "./transport.ts";
import { required } from "./webidl.ts";

let transport: () => TransportPart;
let headersPart: () => HeadersPart;
let shared: Kit;

/** What is sent along unless the program says something else. */
const USUAL: readonly Pair[] = [
  ["accept", "*/*"],
  ["accept-language", "*"],
  ["user-agent", "capsule"],
  ["accept-encoding", "gzip, deflate, br"],
];

/**
 * Failures that another try may mend. Their message is the one of Node, for libraries know it and try again; what
 * happened is in `cause`.
 */
const PASSING = ["ECONNREFUSED", "ECONNRESET", "EDNS", "ETIMEDOUT"];

/** What a program gets for the failure of an exchange. */
function failed(error: unknown, passing: string): TypeError {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  if (typeof code !== "string") return new TypeError(passing, { cause: error });
  const cause = Object.assign(new Error(String(message)), { code });
  return new TypeError(PASSING.includes(code) ? passing : `${passing}: ${cause.message}`, { cause });
}

/** Marks what a program's own signal gave as the reason: it reaches the program as it is. */
class Aborted {
  readonly reason: unknown;
  constructor(reason: unknown) {
    this.reason = reason;
  }
}

const thrown = (error: unknown, passing: string): unknown =>
  error instanceof Aborted ? error.reason : failed(error, passing);

/** Ends the exchange when the signal says so. Gives the function that stops listening. */
function follow(signal: AbortSignal | null, exchange: Exchange): () => void {
  if (!signal) return () => {};
  const abort = (): void => exchange.abort(new Aborted(signal.reason));
  signal.addEventListener("abort", abort, { once: true });
  return () => signal.removeEventListener("abort", abort);
}

/** A response's body whose end stops listening to the signal, and whose failures are those of `fetch`. */
function guarded(body: Pieces, leave: () => void): Pieces {
  return {
    async read() {
      try {
        const piece = await body.read();
        if (piece === null) leave();
        return piece;
      } catch (error) {
        leave();
        throw thrown(error, "terminated");
      }
    },
    cancel(reason) {
      leave();
      body.cancel(reason);
    },
  };
}

function outgoing(request: Request): Outgoing {
  const { method, url, headers, redirect } = requestState(request);
  const { source } = bodyOf(request);
  const { listOf } = headersPart();
  return {
    method,
    url: url.href,
    headers: listOf(headers, USUAL),
    redirect,
    body: bodyToSend(source, method),
    timeoutMs: null,
  };
}

function bodyToSend(source: Source, method: string): Outgoing["body"] {
  // Servers want to know that nothing comes.
  if (source === null) return method === "POST" || method === "PUT" ? new Uint8Array(0) : null;
  return source instanceof Uint8Array ? source : piecesOf(source);
}

async function overHttp(request: Request, frames: string): Promise<Response> {
  const { given: signal, method } = requestState(request);
  const sent = outgoing(request);
  bodyOf(request).used = true;
  const exchange = transport().open(sent);
  const leave = follow(signal, exchange);
  let response: Incoming;
  try {
    response = await exchange.response;
  } catch (error) {
    leave();
    const failure = thrown(error, "fetch failed");
    if (!(error instanceof Aborted)) shared.setFrames(failure, frames);
    throw failure;
  }
  const { head, body } = response;
  const isEmpty = method === "HEAD" || NULL_BODY.includes(head.status);
  if (isEmpty) body.cancel(null);
  // All of it is here: there is nothing left to abort.
  if (isEmpty || head.handle === null) leave();
  return makeResponse({
    type: "basic",
    url: head.url,
    redirected: head.redirected,
    status: head.status,
    statusText: head.statusText,
    headers: headersPart().received(head.headers),
    source: isEmpty ? null : guarded(body, leave),
  });
}

function ofData(request: Request): Response {
  const { url } = requestState(request);
  const data = parseDataUrl(url.href);
  if (!data) throw failed({ code: "EINVAL", message: "the data: URL is malformed" }, "fetch failed");
  return makeResponse({
    ...{ type: "basic", redirected: false, status: 200, statusText: "OK" },
    url: url.href,
    headers: headersPart().received([["content-type", data.type]]),
    source: data.bytes,
  });
}

async function fetch(...given: [input?: unknown, init?: unknown]): Promise<Response> {
  const frames = shared.framesHere(fetch);
  required(given, 1, "fetch");
  const request = new Request(...given);
  const { given: signal, url, integrity } = requestState(request);
  if (signal?.aborted) throw signal.reason;
  if (integrity !== "")
    throw failed({ code: "EINVAL", message: "integrity can't be checked inside a sandbox" }, "fetch failed");
  if (url.protocol === "data:") return ofData(request);
  return overHttp(request, frames);
}

Object.defineProperty(fetch, "length", { value: 1, configurable: true });

export function make(kit: Kit): unknown {
  const { loadPart } = kit;
  shared = kit;
  transport = () => loadPart("transport") as TransportPart;
  headersPart = () => loadPart("headers") as HeadersPart;
  useKit(kit);
  requestsUseHeaders(headersPart);
  responsesUseHeaders(headersPart);
  return { Request, Response, fetch };
}
