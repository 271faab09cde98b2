/** What is used of packages that bring no types of their own. */
declare module "whatwg-url/webidl2js-wrapper.js" {
  interface Interface {
    install(realm: object, contexts: readonly string[]): void;
  }
  export const URL: Interface;
  export const URLSearchParams: Interface;
}

declare module "tr46" {
  interface Options {
    readonly verifyDNSLength?: boolean;
    readonly useSTD3ASCIIRules?: boolean;
  }
  export function toASCII(domain: string, options: Options): string | null;
  export function toUnicode(domain: string, options: Options): { domain: string; error: boolean };
}

/** What a part of the library gets: see `build.ts`. */
declare module "capsule:kit" {
  export const kit: import("../library.ts").Kit;
}

declare module "assert/build/assert.js" {
  const assert: typeof import("node:assert");
  export default assert;
}
declare module "assert/build/internal/util/comparisons.js" {
  export function isDeepStrictEqual(a: unknown, b: unknown): boolean;
}
declare module "readable-stream/lib/stream.js" {
  const stream: typeof import("node:stream");
  export default stream;
}
declare module "string_decoder/lib/string_decoder.js" {
  export { StringDecoder } from "node:string_decoder";
}
declare module "events/events.js" {
  export { EventEmitter as default } from "node:events";
}
declare module "buffer/index.js" {
  export { Buffer, INSPECT_MAX_BYTES, kMaxLength } from "node:buffer";
  export const SlowBuffer: unknown;
}
declare module "punycode/punycode.es6.js" {
  const punycode: object;
  export default punycode;
}
