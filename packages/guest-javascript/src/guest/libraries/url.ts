/** `URL` and `URLSearchParams`, printed as Node prints them. */
import { URLSearchParams as SearchInterface, URL as UrlInterface } from "whatwg-url/webidl2js-wrapper.js";
import type { Kit } from "../library.ts";
import { provideIdna } from "./domains.ts";

interface Realm {
  URL: { prototype: object };
  URLSearchParams: { prototype: object };
}

type Inspect = (value: unknown, options: object) => string;

const CUSTOM = Symbol.for("nodejs.util.inspect.custom");
const FIELDS = [
  "href",
  "origin",
  "protocol",
  "username",
  "password",
  "host",
  "hostname",
  "port",
  "pathname",
  "search",
  "searchParams",
  "hash",
] as const;

/** The fields of a URL as an object of their own, under its name. */
const Shown = { URL: class {} as new () => Record<string, unknown> }.URL;
Object.defineProperty(Shown, "name", { value: "URL" });

function printAs(
  prototype: object,
  print: (this: never, depth: number, options: object, inspect: Inspect) => unknown,
) {
  Object.defineProperty(prototype, CUSTOM, {
    value: print,
    writable: true,
    enumerable: false,
    configurable: true,
  });
}

export function make({ loadPart }: Kit): unknown {
  provideIdna(() => loadPart("idna"));
  const realm = { Array, Object, Promise, String, TypeError } as unknown as Realm;
  UrlInterface.install(realm, ["Window"]);
  SearchInterface.install(realm, ["Window"]);
  const { URL, URLSearchParams } = realm;
  printAs(URL.prototype, function (this: Record<string, unknown>, depth, options, inspect) {
    if (depth < 0) return this;
    const shown: Record<string, unknown> = new Shown();
    for (const field of FIELDS) shown[field] = this[field];
    return inspect(shown, { ...options, depth: depth - 1 } as object);
  });
  printAs(URLSearchParams.prototype, function (this: Iterable<[string, string]>, depth, options, inspect) {
    if (depth < 0) return "[Object]";
    const pairs = Array.from(
      this,
      ([key, value]) => `${inspect(key, options)} => ${inspect(value, options)}`,
    );
    return pairs.length === 0 ? "URLSearchParams {}" : `URLSearchParams { ${pairs.join(", ")} }`;
  });
  return { URL, URLSearchParams };
}
