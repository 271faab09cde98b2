/** `Request`: https://fetch.spec.whatwg.org/#request-class. */
import { Body, bodyOf, cloneBody, extractBody, mixBody, type Source, setBody, takeBody } from "./body.ts";
import type { Headers, HeadersPart } from "./headers.ts";
import { TOKEN } from "./http-token.ts";
import { type RequestUrl, requestUrl } from "./request-url.ts";
import { printAs, standardise } from "./show.ts";
import { byteString, dictionary, isObject, oneOf, required, scalarString } from "./webidl.ts";

/** Options that a sandbox has no use for: kept as they were given, and checked. */
interface Ignored {
  readonly mode: string;
  readonly credentials: string;
  readonly cache: string;
  readonly referrer: string;
  readonly referrerPolicy: string;
  readonly integrity: string;
  readonly keepalive: boolean;
}

interface State extends Ignored {
  readonly method: string;
  readonly url: RequestUrl;
  readonly headers: Headers;
  readonly redirect: "follow" | "manual" | "error";
  /** As it was given. */
  readonly given: AbortSignal | null;
  /** As the request shows it, once it was asked for. */
  signal: AbortSignal | null;
}

const WORDS = {
  mode: ["navigate", "same-origin", "no-cors", "cors"],
  credentials: ["omit", "same-origin", "include"],
  cache: ["default", "no-store", "reload", "no-cache", "force-cache", "only-if-cached"],
  redirect: ["follow", "error", "manual"],
  referrerPolicy: [
    ...["", "no-referrer", "no-referrer-when-downgrade", "same-origin", "origin", "strict-origin"],
    ...["origin-when-cross-origin", "strict-origin-when-cross-origin", "unsafe-url"],
  ],
  duplex: ["half"],
} as const;

const DEFAULTS: Ignored & { readonly redirect: "follow" } = {
  mode: "cors",
  credentials: "same-origin",
  cache: "default",
  redirect: "follow",
  referrer: "about:client",
  referrerPolicy: "",
  integrity: "",
  keepalive: false,
};

const NORMALISED = ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"];

let headersPart: () => HeadersPart;

export function useHeaders(load: () => HeadersPart): void {
  headersPart = load;
}

/** https://fetch.spec.whatwg.org/#concept-method */
function methodOf(given: unknown): string {
  const method = byteString(given, "Request constructor");
  if (!TOKEN.test(method)) throw new TypeError(`'${method}' is not a valid HTTP method.`);
  const upper = method.toUpperCase();
  if (upper === "CONNECT" || upper === "TRACE" || upper === "TRACK")
    throw new TypeError(`'${method}' HTTP method is unsupported.`);
  return NORMALISED.includes(upper) ? upper : method;
}

function wordOf<K extends keyof typeof WORDS>(
  options: Record<string, unknown>,
  key: K,
  otherwise: string,
): string {
  const given = options[key];
  return given === undefined ? otherwise : oneOf(given, WORDS[key], `Request constructor: ${key}`);
}

function signalOf(given: unknown, before: AbortSignal | null): AbortSignal | null {
  if (given === undefined) return before;
  if (given === null) return null;
  // Any signal will do, those of polyfills too.
  if (!isObject(given) || !("aborted" in given) || !("addEventListener" in given))
    throw new TypeError("Failed to construct 'Request': member signal is not of type AbortSignal.");
  return given as AbortSignal;
}

function ignoredOf(options: Record<string, unknown>, before: Ignored): Ignored {
  const mode = wordOf(options, "mode", before.mode);
  if (mode === "navigate") throw new TypeError("Request constructor: invalid request mode navigate.");
  const { referrer, integrity, keepalive } = options;
  return {
    mode,
    credentials: wordOf(options, "credentials", before.credentials),
    cache: wordOf(options, "cache", before.cache),
    referrer: referrer === undefined ? before.referrer : scalarString(referrer) || "no-referrer",
    referrerPolicy: wordOf(options, "referrerPolicy", before.referrerPolicy),
    integrity: integrity === undefined ? before.integrity : scalarString(integrity),
    keepalive: keepalive === undefined ? before.keepalive : Boolean(keepalive),
  };
}

let stateOf: (request: Request) => State;

/** What `fetch` needs to know of a request. */
export const requestState = (request: Request): State => stateOf(request);

export class Request extends Body {
  readonly #state: State;

  static {
    stateOf = (request) => {
      if (!isObject(request) || !(#state in request)) throw new TypeError("Illegal invocation");
      return request.#state;
    };
  }

  constructor(...given: [input?: unknown, init?: unknown]) {
    super();
    required(given, 1, "Request constructor");
    const [input, init] = given;
    const options = dictionary(init, "Request constructor");
    const before = isObject(input) && #state in input ? (input as Request) : null;
    const old = before === null ? null : before.#state;
    const { Headers } = headersPart();
    const from: Ignored & Pick<State, "redirect"> = old ?? DEFAULTS;
    const redirect = wordOf(options, "redirect", from.redirect) as State["redirect"];
    const state: State = {
      ...ignoredOf(options, from),
      redirect,
      method: options.method === undefined ? (old?.method ?? "GET") : methodOf(options.method),
      url: old?.url ?? requestUrl(input),
      headers: new Headers(options.headers ?? old?.headers),
      given: signalOf(options.signal, old?.given ?? null),
      signal: null,
    };
    this.#state = state;
    wordOf(options, "duplex", "half");
    setBody(this, sourceOf(options, before, state), () => state.headers);
  }

  get method(): string {
    return stateOf(this).method;
  }
  get url(): string {
    return stateOf(this).url.href;
  }
  get headers(): Headers {
    return stateOf(this).headers;
  }
  get destination(): string {
    return stateOf(this) && "";
  }
  get referrer(): string {
    return stateOf(this).referrer;
  }
  get referrerPolicy(): string {
    return stateOf(this).referrerPolicy;
  }
  get mode(): string {
    return stateOf(this).mode;
  }
  get credentials(): string {
    return stateOf(this).credentials;
  }
  get cache(): string {
    return stateOf(this).cache;
  }
  get redirect(): string {
    return stateOf(this).redirect;
  }
  get integrity(): string {
    return stateOf(this).integrity;
  }
  get keepalive(): boolean {
    return stateOf(this).keepalive;
  }
  get isReloadNavigation(): boolean {
    return !stateOf(this);
  }
  get isHistoryNavigation(): boolean {
    return !stateOf(this);
  }
  get signal(): AbortSignal {
    const state = stateOf(this);
    state.signal ??= state.given ? AbortSignal.any([state.given]) : new AbortController().signal;
    return state.signal;
  }
  get duplex(): string {
    return stateOf(this) && "half";
  }
  clone(): Request {
    const state = stateOf(this);
    const source = cloneBody(bodyOf(this), "Request.clone");
    const copy = new Request(state.url.href);
    const headers = new (headersPart().Headers)(state.headers);
    copy.#assign({ ...state, headers, signal: null });
    setBody(copy, source, () => headers);
    return copy;
  }
  #assign(state: State): void {
    Object.assign(this.#state, state);
  }
}

function sourceOf(options: Record<string, unknown>, before: Request | null, state: State): Source {
  const { body } = options;
  const isBodyless = state.method === "GET" || state.method === "HEAD";
  const inherited = before ? bodyOf(before) : null;
  const given = body !== undefined && body !== null;
  if (isBodyless && (given || (body === undefined && inherited?.source)))
    throw new TypeError("Request with GET/HEAD method cannot have body.");
  if (given) {
    const { source, type } = extractBody(body);
    if (type !== null && !state.headers.has("content-type")) state.headers.append("content-type", type);
    if (!(source instanceof Uint8Array) && options.duplex === undefined)
      throw new TypeError("RequestInit: duplex option is required when sending a body.");
    return source;
  }
  if (body === null || !inherited) return null;
  if (inherited.source !== null && (before as Request).bodyUsed)
    throw new TypeError("Cannot construct a Request with a Request object that has already been used.");
  return takeBody(inherited);
}

mixBody(Request);
standardise(Request, "Request");
printAs(Request, "Request", (request) => ({
  method: request.method,
  url: request.url,
  headers: request.headers,
  redirect: request.redirect,
  bodyUsed: request.bodyUsed,
}));
