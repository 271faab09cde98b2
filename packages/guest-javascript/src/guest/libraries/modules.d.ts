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
