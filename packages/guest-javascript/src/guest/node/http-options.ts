/** What `http.request` was asked for: its forms of arguments, made one. */
import { TOKEN } from "../libraries/http-token.ts";
import { coded } from "./http-errors.ts";
import type { IncomingMessage } from "./http-incoming.ts";

type Headers = Readonly<Record<string, number | string | readonly string[]>> | readonly string[];
export type Callback = (response: IncomingMessage) => void;

/** https://nodejs.org/api/http.html#httprequesturl-options-callback; what is not here is for connections, and ignored. */
export interface RequestOptions {
  readonly protocol?: string | null;
  readonly host?: string | null;
  readonly hostname?: string | null;
  readonly port?: number | string | null;
  readonly path?: string | null;
  readonly method?: string;
  readonly headers?: Headers | Iterable<readonly [string, string]>;
  readonly auth?: string | null;
  readonly timeout?: number;
  readonly signal?: AbortSignal;
  readonly agent?: unknown;
  readonly socketPath?: string;
}

export interface Target {
  readonly protocol: string;
  readonly hostname: string;
  readonly method: string;
  readonly path: string;
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: number | string | readonly string[]])[];
  /** `user:password` */
  readonly auth: string | null;
}

const UNESCAPED = /[^\x21-\xff]/;

function optionsOf(url: URL): RequestOptions {
  const { username, password } = url;
  return {
    protocol: url.protocol,
    hostname: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port,
    path: url.pathname + url.search,
    auth: username || password ? `${decodeURIComponent(username)}:${decodeURIComponent(password)}` : null,
  };
}

function parse(text: string): URL {
  const url = URL.parse(text);
  if (!url) throw Object.assign(coded("ERR_INVALID_URL", "Invalid URL", TypeError), { input: text });
  return url;
}

const isUrl = (value: unknown): value is URL =>
  typeof value === "object" && value !== null && "href" in value && "searchParams" in value;

function headersOf(headers: RequestOptions["headers"]): Target["headers"] {
  if (!headers) return [];
  if (!Array.isArray(headers)) {
    const isIterable = Symbol.iterator in headers;
    return (isIterable ? [...(headers as Iterable<[string, string]>)] : Object.entries(headers)).filter(
      ([, value]) => value !== undefined,
    );
  }
  if (headers.every(Array.isArray)) return headers as [string, string][];
  return headers.flatMap((name: string, i) =>
    i % 2 === 0 ? [[name, headers[i + 1] as string] as const] : [],
  );
}

/**
 * @param scheme the module's own: `http:` or `https:`
 * @param given arguments of `request`
 * @throws TypeError with Node's codes
 */
export function targetOf(
  scheme: string,
  given: readonly unknown[],
): { readonly target: Target; readonly options: RequestOptions; readonly callback: Callback | undefined } {
  const [first] = given;
  const isFirst = typeof first === "string" || isUrl(first);
  const rest = isFirst ? given.slice(1) : given;
  const more = typeof rest[0] === "function" ? {} : ((rest[0] ?? {}) as RequestOptions);
  const base = isFirst ? optionsOf(isUrl(first) ? first : parse(first)) : {};
  const options: RequestOptions = { ...base, ...(isUrl(more) ? optionsOf(more) : more) };
  const callback = rest.find((each) => typeof each === "function") as Callback | undefined;
  return { target: checked(scheme, options), options, callback };
}

function checked(scheme: string, options: RequestOptions): Target {
  const method = options.method === undefined ? "GET" : String(options.method).toUpperCase();
  const agent = options.agent as { readonly protocol?: unknown } | undefined;
  const protocol = options.protocol || scheme;
  if (options.socketPath !== undefined)
    throw new Error("http.request: socketPath is not available inside a sandbox");
  const expected = typeof agent?.protocol === "string" ? agent.protocol : scheme;
  if (protocol !== expected)
    throw coded(
      "ERR_INVALID_PROTOCOL",
      `Protocol "${protocol}" not supported. Expected "${expected}"`,
      TypeError,
    );
  if (!TOKEN.test(method))
    throw coded("ERR_INVALID_HTTP_TOKEN", `Method must be a valid HTTP token ["${method}"]`, TypeError);
  const path = options.path || "/";
  if (UNESCAPED.test(path))
    throw coded("ERR_UNESCAPED_CHARACTERS", "Request path contains unescaped characters", TypeError);
  const hostname = options.hostname || options.host || "localhost";
  const authority = hostname.includes(":") ? `[${hostname}]` : hostname;
  const port = options.port ? `:${options.port}` : "";
  return {
    ...{ protocol, hostname, method, path },
    url: `${protocol}//${authority}${port}${path.startsWith("/") ? "" : "/"}${path}`,
    headers: headersOf(options.headers),
    auth: options.auth ?? null,
  };
}
