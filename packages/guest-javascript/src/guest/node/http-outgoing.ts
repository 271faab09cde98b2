/** The headers of a message that a program sends: `OutgoingMessage` of `node:http`. */
import { Writable } from "node:stream";
import { TOKEN } from "../libraries/http-token.ts";
import { coded } from "./http-errors.ts";

type Value = number | string | readonly string[];

const INVALID = /[^\t\x20-\x7e\x80-\xff]/;

export function validateHeaderName(name: unknown): void {
  if (typeof name !== "string" || !TOKEN.test(name))
    throw coded(
      "ERR_INVALID_HTTP_TOKEN",
      `Header name must be a valid HTTP token [${JSON.stringify(name)}]`,
      TypeError,
    );
}

export function validateHeaderValue(name: string, value: unknown): void {
  if (value === undefined)
    throw coded("ERR_HTTP_INVALID_HEADER_VALUE", `Invalid value "undefined" for header "${name}"`, TypeError);
  for (const each of Array.isArray(value) ? value : [value])
    if (INVALID.test(String(each)))
      throw coded("ERR_INVALID_CHAR", `Invalid character in header content ["${name}"]`, TypeError);
}

/** A writable stream with headers. What is written goes where a subclass says. */
export class OutgoingMessage extends Writable {
  headersSent = false;
  readonly #headers = new Map<string, { readonly name: string; value: Value }>();

  setHeader(name: string, value: Value): this {
    this.#checkUnsent("set");
    validateHeaderName(name);
    validateHeaderValue(name, value);
    this.#headers.set(name.toLowerCase(), { name, value });
    return this;
  }
  appendHeader(name: string, value: Value): this {
    const there = this.getHeader(name);
    return this.setHeader(
      name,
      there === undefined ? value : ([there, value].flat().map(String) as string[]),
    );
  }
  setHeaders(headers: Iterable<readonly [string, Value]>): this {
    for (const [name, value] of headers) this.setHeader(name, value);
    return this;
  }
  getHeader(name: string): Value | undefined {
    return this.#headers.get(name.toLowerCase())?.value;
  }
  getHeaders(): Record<string, Value> {
    const headers: Record<string, Value> = Object.create(null);
    for (const [key, { value }] of this.#headers) headers[key] = value;
    return headers;
  }
  getHeaderNames(): string[] {
    return [...this.#headers.keys()];
  }
  getRawHeaderNames(): string[] {
    return [...this.#headers.values()].map(({ name }) => name);
  }
  hasHeader(name: string): boolean {
    return this.#headers.has(name.toLowerCase());
  }
  removeHeader(name: string): void {
    this.#checkUnsent("remove");
    this.#headers.delete(name.toLowerCase());
  }
  get finished(): boolean {
    return this.writableEnded;
  }

  /** As they go over the wire. */
  protected headerList(): [name: string, value: string][] {
    return [...this.#headers.values()].flatMap(({ name, value }) =>
      [value].flat().map((each): [string, string] => [name, String(each)]),
    );
  }

  #checkUnsent(what: string): void {
    if (this.headersSent)
      throw coded("ERR_HTTP_HEADERS_SENT", `Cannot ${what} headers after they are sent to the client`);
  }
}
