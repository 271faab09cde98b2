/**
 * Stands for the package `tr46` in the URL part: domains of plain ASCII need none of its tables, which are ten times
 * as large as the rest. The package itself is the part `idna`, loaded for a domain that needs it.
 */
type Tr46 = typeof import("tr46");

let load: () => unknown = () => undefined;

/** Says how the part `idna` is loaded. */
export function provideIdna(loader: () => unknown): void {
  load = loader;
}

const isPlain = (domain: string): boolean =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant
  /^[\x00-\x7f]*$/.test(domain) && !/(?:^|\.)xn--/i.test(domain);

/** https://url.spec.whatwg.org/#concept-domain-to-ascii: lower case is all that a plain domain needs. */
export const toASCII: Tr46["toASCII"] = (domain, options) =>
  isPlain(domain) && !options.verifyDNSLength && !options.useSTD3ASCIIRules
    ? domain.toLowerCase()
    : (load() as Tr46).toASCII(domain, options);

export const toUnicode: Tr46["toUnicode"] = (domain, options) => (load() as Tr46).toUnicode(domain, options);
