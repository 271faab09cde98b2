/** `Headers`: https://fetch.spec.whatwg.org/#headers-class. As in Node, no name is forbidden to a program. */
import { TOKEN } from "./http-token.ts";
import { printAs, standardise } from "./show.ts";
import { byteString, isObject, required } from "./webidl.ts";

export type Pair = readonly [name: string, value: string];

const INVALID_VALUE = /[\0\r\n]/;
const AROUND = /^[\t\n\r ]+|[\t\n\r ]+$/g;

interface State {
  /** Values by lower-case name, joined; `set-cookie` is kept apart. */
  readonly values: Map<string, { name: string; value: string }>;
  cookies: readonly string[];
  /** The headers of a response that came over the network don't change. */
  immutable: boolean;
  /** What iteration goes through, until something changes. */
  sorted: readonly Pair[] | null;
}

let stateOf: (headers: Headers) => State;

function checkName(given: unknown, where: string): string {
  const name = byteString(given, where);
  if (!TOKEN.test(name)) throw new TypeError(`${where}: ${name} is an invalid header name.`);
  return name;
}

function checkValue(given: unknown, where: string): string {
  const value = byteString(given, where).replace(AROUND, "");
  if (INVALID_VALUE.test(value)) throw new TypeError(`${where}: ${value} is an invalid header value.`);
  return value;
}

function changing(headers: Headers): State {
  const state = stateOf(headers);
  if (state.immutable) throw new TypeError("immutable");
  state.sorted = null;
  return state;
}

function put({ values }: State, key: string, name: string, value: string): void {
  const there = values.get(key);
  if (there) there.value += `${key === "cookie" ? "; " : ", "}${value}`;
  else values.set(key, { name, value });
}

function append(headers: Headers, name: unknown, value: unknown, where: string): void {
  const written = checkName(name, where);
  const text = checkValue(value, where);
  const state = changing(headers);
  const key = written.toLowerCase();
  if (key === "set-cookie") state.cookies = [...state.cookies, text];
  else put(state, key, written, text);
}

/** https://fetch.spec.whatwg.org/#concept-headers-fill */
function fill(headers: Headers, init: unknown): void {
  if (!isObject(init))
    throw new TypeError(
      `Headers constructor: init given ${init === null ? "null" : `"${String(init)}"`} is not one of sequence<sequence<ByteString>>, record<ByteString, ByteString>.`,
    );
  if ((init as { [Symbol.iterator]?: unknown })[Symbol.iterator] != null) {
    for (const pair of init as Iterable<unknown>) {
      const items = isObject(pair) ? Array.from(pair as Iterable<unknown>) : [];
      if (items.length !== 2)
        throw new TypeError(
          `Headers constructor: expected name/value pair to be length 2, found ${items.length}.`,
        );
      append(headers, items[0], items[1], "Headers.append");
    }
    return;
  }
  for (const key of Reflect.ownKeys(init)) {
    if (!Object.getOwnPropertyDescriptor(init, key)?.enumerable) continue;
    append(headers, key, (init as Record<PropertyKey, unknown>)[key], "Headers.append");
  }
}

/** https://fetch.spec.whatwg.org/#concept-header-list-sort-and-combine */
function sorted(headers: Headers): readonly Pair[] {
  const state = stateOf(headers);
  if (state.sorted) return state.sorted;
  const pairs: Pair[] = [];
  state.values.forEach((header, key) => {
    pairs.push([key, header.value]);
  });
  for (const cookie of state.cookies) pairs.push(["set-cookie", cookie]);
  state.sorted = pairs.sort((a, b) => (a[0] < b[0] ? -1 : Number(a[0] > b[0])));
  return state.sorted;
}

/** Entries are looked up at each step: a program may change the headers while it goes through them. */
function* each<T>(headers: Headers, take: (pair: Pair) => T): Generator<T, undefined> {
  for (let i = 0; i < sorted(headers).length; i++) yield take(sorted(headers)[i] as Pair);
  return undefined;
}

export class Headers {
  declare readonly [Symbol.iterator]: () => IterableIterator<[string, string]>;

  readonly #state: State = { values: new Map(), cookies: [], immutable: false, sorted: null };

  static {
    stateOf = (headers) => {
      if (!isObject(headers) || !(#state in headers)) throw new TypeError("Illegal invocation");
      return headers.#state;
    };
  }

  constructor(init: unknown = undefined) {
    if (init !== undefined) fill(this, init);
  }

  append(...given: [name?: unknown, value?: unknown]): void {
    required(given, 2, "Headers.append");
    append(this, given[0], given[1], "Headers.append");
  }
  delete(...given: [name?: unknown]): void {
    required(given, 1, "Headers.delete");
    const key = checkName(given[0], "Headers.delete").toLowerCase();
    const state = changing(this);
    if (key === "set-cookie") state.cookies = [];
    state.values.delete(key);
  }
  get(...given: [name?: unknown]): string | null {
    required(given, 1, "Headers.get");
    const key = checkName(given[0], "Headers.get").toLowerCase();
    const { values, cookies } = stateOf(this);
    if (key === "set-cookie") return cookies.length === 0 ? null : cookies.join(", ");
    return values.get(key)?.value ?? null;
  }
  has(...given: [name?: unknown]): boolean {
    required(given, 1, "Headers.has");
    const key = checkName(given[0], "Headers.has").toLowerCase();
    const { values, cookies } = stateOf(this);
    return values.has(key) || (key === "set-cookie" && cookies.length > 0);
  }
  set(...given: [name?: unknown, value?: unknown]): void {
    required(given, 2, "Headers.set");
    const [name, value] = [checkName(given[0], "Headers.set"), checkValue(given[1], "Headers.set")];
    const key = name.toLowerCase();
    const state = changing(this);
    if (key === "set-cookie") state.cookies = [value];
    else state.values.set(key, { name: state.values.get(key)?.name ?? name, value });
  }
  getSetCookie(): string[] {
    return [...stateOf(this).cookies];
  }
  forEach(callback: (value: string, name: string, headers: Headers) => unknown, self?: unknown): void {
    if (typeof callback !== "function")
      throw new TypeError("Failed to execute 'forEach' on 'Headers': parameter 1 is not of type 'Function'.");
    for (const [name, value] of each(this, (pair) => pair)) callback.call(self, value, name, this);
  }
  keys(): IterableIterator<string> {
    return each(this, ([name]) => name);
  }
  values(): IterableIterator<string> {
    return each(this, ([, value]) => value);
  }
  entries(): IterableIterator<[string, string]> {
    return each(this, ([name, value]): [string, string] => [name, value]);
  }
}

/**
 * Headers as they go over the wire, names as the program wrote them; `usual` ones where it wrote none. By index: taking
 * pairs apart, and spreading lists, costs an interpreter more than all the rest.
 */
function listOf(headers: Headers, usual: readonly Pair[] = []): Pair[] {
  const { values, cookies } = stateOf(headers);
  const list: Pair[] = [];
  values.forEach((header) => {
    list.push([header.name, header.value]);
  });
  for (let i = 0; i < cookies.length; i++) list.push(["set-cookie", cookies[i] as string]);
  for (let i = 0; i < usual.length; i++) {
    const pair = usual[i] as Pair;
    if (!values.has(pair[0])) list.push(pair);
  }
  return list;
}

/** Headers as they came over the wire: checked by the host, and as they are from now on. */
function received(pairs: readonly Pair[]): Headers {
  const headers = new Headers();
  const state = stateOf(headers);
  const cookies: string[] = [];
  for (let i = 0; i < pairs.length; i++) {
    const pair = pairs[i] as Pair;
    const key = pair[0].toLowerCase();
    if (key === "set-cookie") cookies.push(pair[1]);
    else put(state, key, key, pair[1]);
  }
  state.cookies = cookies;
  state.immutable = true;
  return headers;
}

function freeze(headers: Headers): Headers {
  stateOf(headers).immutable = true;
  return headers;
}

standardise(Headers, "Headers");
Object.defineProperty(Headers.prototype, Symbol.iterator, {
  value: Headers.prototype.entries,
  writable: true,
  enumerable: false,
  configurable: true,
});
printAs(Headers, "Headers", (headers) => {
  const { values, cookies } = stateOf(headers);
  const shown = Object.fromEntries([...values.values()].map(({ name, value }) => [name, value]));
  return cookies.length === 0 ? shown : { ...shown, "set-cookie": cookies };
});

/** What the part gives: the class, and what other parts need of it. */
export interface HeadersPart {
  readonly Headers: typeof Headers;
  readonly listOf: typeof listOf;
  readonly received: typeof received;
  readonly freeze: typeof freeze;
  readonly checkName: typeof checkName;
}

export const make = (): HeadersPart => ({ Headers, listOf, received, freeze, checkName });
