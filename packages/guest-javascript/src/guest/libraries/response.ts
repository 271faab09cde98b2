/** `Response`: https://fetch.spec.whatwg.org/#response-class. */
import { Body, bodyOf, cloneBody, extractBody, mixBody, type Source, setBody } from "./body.ts";
import type { Headers, HeadersPart } from "./headers.ts";
import { printAs, standardise } from "./show.ts";
import { byteString, dictionary, isObject, required, scalarString } from "./webidl.ts";

interface State {
  readonly type: "default" | "basic" | "error";
  readonly url: string;
  readonly redirected: boolean;
  readonly status: number;
  readonly statusText: string;
  readonly headers: Headers;
}

/** A response that is not of the program's own making. */
export interface Made extends State {
  readonly source: Source;
}

/** Statuses of responses that have no body. */
export const NULL_BODY: readonly number[] = [101, 103, 204, 205, 304];
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];
const MAKE = Symbol("make");
/** https://www.rfc-editor.org/rfc/rfc9110#name-field-values */
const REASON = /^[\t\x20-\x7e\x80-\xff]*$/;

let headersPart: () => HeadersPart;

export function useHeaders(load: () => HeadersPart): void {
  headersPart = load;
}

function optionsOf(init: unknown): Pick<State, "status" | "statusText" | "headers"> {
  const options = dictionary(init, "Response constructor");
  const status = options.status === undefined ? 200 : Math.trunc(Number(options.status)) & 0xffff;
  const statusText =
    options.statusText === undefined ? "" : byteString(options.statusText, "Response constructor");
  if (status < 200 || status > 599)
    throw new RangeError('init["status"] must be in the range of 200 to 599, inclusive.');
  if (!REASON.test(statusText)) throw new TypeError("Invalid statusText");
  const { Headers } = headersPart();
  return { status, statusText, headers: new Headers(options.headers ?? undefined) };
}

function withBody(
  given: unknown,
  { status, headers }: Pick<State, "status" | "headers">,
  type?: string,
): Source {
  if (NULL_BODY.includes(status))
    throw new TypeError(`Response constructor: Invalid response status code ${status}`);
  const extracted = extractBody(given);
  const kind = type ?? extracted.type;
  if (kind !== null && !headers.has("content-type")) headers.append("content-type", kind);
  return extracted.source;
}

let stateOf: (response: Response) => State;

export class Response extends Body {
  readonly #state: State;

  static {
    stateOf = (response) => {
      if (!isObject(response) || !(#state in response)) throw new TypeError("Illegal invocation");
      return response.#state;
    };
  }

  constructor(body: unknown = null, init: unknown = undefined, key?: unknown) {
    super();
    if (key === MAKE) {
      const { source, ...state } = init as Made;
      this.#state = state;
      setBody(this, source, () => state.headers);
      return;
    }
    const state: State = { type: "default", url: "", redirected: false, ...optionsOf(init) };
    this.#state = state;
    setBody(this, body === null || body === undefined ? null : withBody(body, state), () => state.headers);
  }

  static error(): Response {
    return makeResponse({
      type: "error",
      url: "",
      redirected: false,
      status: 0,
      statusText: "",
      headers: headersPart().freeze(new (headersPart().Headers)()),
      source: null,
    });
  }
  static json(...given: [data?: unknown, init?: unknown]): Response {
    required(given, 1, "Response.json");
    const text = JSON.stringify(given[0]) as string | undefined;
    if (text === undefined) throw new TypeError("Value is not JSON serializable");
    const state = optionsOf(given[1]);
    const source = withBody(text, state, "application/json");
    return makeResponse({ type: "default", url: "", redirected: false, ...state, source });
  }
  static redirect(...given: [url?: unknown, status?: unknown]): Response {
    required(given, 1, "Response.redirect");
    const text = scalarString(given[0]);
    const status = given[1] === undefined ? 302 : Math.trunc(Number(given[1])) & 0xffff;
    let url: URL;
    try {
      url = new URL(text);
    } catch (cause) {
      throw new TypeError(`Failed to parse URL from ${text}`, { cause });
    }
    if (!REDIRECTS.includes(status)) throw new RangeError(`Invalid status code ${status}`);
    const { Headers, freeze } = headersPart();
    const headers = freeze(new Headers({ location: url.href }));
    return makeResponse({
      ...{ type: "default", url: "", redirected: false, status, statusText: "" },
      headers,
      source: null,
    });
  }

  get type(): string {
    return stateOf(this).type;
  }
  get url(): string {
    return stateOf(this).url;
  }
  get redirected(): boolean {
    return stateOf(this).redirected;
  }
  get status(): number {
    return stateOf(this).status;
  }
  get ok(): boolean {
    const { status } = stateOf(this);
    return status >= 200 && status <= 299;
  }
  get statusText(): string {
    return stateOf(this).statusText;
  }
  get headers(): Headers {
    return stateOf(this).headers;
  }
  clone(): Response {
    const state = stateOf(this);
    const source = cloneBody(bodyOf(this), "Response.clone");
    return makeResponse({ ...state, headers: new (headersPart().Headers)(state.headers), source });
  }
}

export const makeResponse = (made: Made): Response => new Response(null, made, MAKE);

mixBody(Response);
standardise(Response, "Response");
printAs(Response, "Response", (response) => ({
  status: response.status,
  statusText: response.statusText,
  headers: response.headers,
  bodyUsed: response.bodyUsed,
  ok: response.ok,
  redirected: response.redirected,
  type: response.type,
  url: response.url,
}));
