import { isIPv4, isIPv6 } from "node:net";

/** An IP address: 4 bytes or 16. */
export type Address = Uint8Array;

/** An address in any of its notations, without brackets; null for what is none, and for one with a zone. */
export function parseAddress(text: string): Address | null {
  if (isIPv4(text)) return Uint8Array.from(text.split("."), Number);
  if (!isIPv6(text) || text.includes("%")) return null;
  // The parser of URLs writes it in one form: groups in hexadecimal, no dots.
  const [front = "", back] = new URL(`http://[${text}]`).hostname.slice(1, -1).split("::");
  const groups = (part: string): number[] =>
    part.split(":").flatMap((group) => (group ? [parseInt(group, 16)] : []));
  const [before, after] = [groups(front), groups(back ?? "")];
  const all = [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 255]));
}

export const sameAddress = (a: Address, b: Address): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);

type Range = readonly [prefix: string, bits: number, kind: string];

/** Ranges of IPv4 that are not the public internet: IANA's registry of special-purpose addresses, and what is known beside it. */
const SPECIAL_V4: readonly Range[] = [
  ["0.0.0.0", 8, "unspecified"],
  ["10.0.0.0", 8, "private"],
  ["100.64.0.0", 10, "private"],
  ["127.0.0.0", 8, "loopback"],
  // Where clouds answer with the machine's own credentials.
  ["168.63.129.16", 32, "cloud-internal"],
  ["169.254.0.0", 16, "link-local"],
  ["172.16.0.0", 12, "private"],
  ["192.0.0.0", 24, "reserved"],
  ["192.0.2.0", 24, "documentation"],
  ["192.88.99.0", 24, "reserved"],
  ["192.168.0.0", 16, "private"],
  ["198.18.0.0", 15, "benchmarking"],
  ["198.51.100.0", 24, "documentation"],
  ["203.0.113.0", 24, "documentation"],
  ["224.0.0.0", 4, "multicast"],
  ["240.0.0.0", 4, "reserved"],
];

/** Of IPv6; what is not in `2000::/3` is none of the public internet either. */
const SPECIAL_V6: readonly Range[] = [
  ["::", 128, "unspecified"],
  ["::1", 128, "loopback"],
  ["fc00::", 7, "private"],
  ["fe80::", 10, "link-local"],
  ["fec0::", 10, "private"],
  ["ff00::", 8, "multicast"],
  ["2001:db8::", 32, "documentation"],
  ["3fff::", 20, "documentation"],
  // Teredo, benchmarking, ORCHID.
  ["2001::", 23, "reserved"],
  // 6to4.
  ["2002::", 16, "reserved"],
];

/** Where an IPv6 address holds an IPv4 address that the packet ends up at: the prefix, and the byte it begins at. */
const EMBEDDED: readonly (readonly [prefix: string, bits: number, at: number])[] = [
  ["::ffff:0:0", 96, 12],
  ["::ffff:0:0:0", 96, 12],
  ["64:ff9b::", 96, 12],
];

type Prefix = readonly [bytes: Address, bits: number];
const prefixOf = (text: string, bits: number): Prefix => [parseAddress(text) as Address, bits];
const compiled = (ranges: readonly Range[]): readonly (readonly [Prefix, string])[] =>
  ranges.map(([text, bits, kind]) => [prefixOf(text, bits), kind]);

const V4 = compiled(SPECIAL_V4);
const V6 = compiled(SPECIAL_V6);
const EMBEDDING = EMBEDDED.map(([text, bits, at]) => [prefixOf(text, bits), at] as const);
const GLOBAL_UNICAST = prefixOf("2000::", 3);

function within(address: Address, [prefix, bits]: Prefix): boolean {
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) if (address[i] !== prefix[i]) return false;
  const mask = (0xff00 >> (bits & 7)) & 0xff;
  return ((address[whole] ?? 0) & mask) === ((prefix[whole] ?? 0) & mask);
}

/** What kind of address this is, if it is not of the public internet, such as `loopback`; null if it is. */
export function specialKind(address: Address): string | null {
  if (address.length === 4) return V4.find(([prefix]) => within(address, prefix))?.[1] ?? null;
  const embedding = EMBEDDING.find(([prefix]) => within(address, prefix));
  if (embedding) return specialKind(address.slice(embedding[1], embedding[1] + 4));
  const special = V6.find(([prefix]) => within(address, prefix));
  if (special) return special[1];
  if (!within(address, GLOBAL_UNICAST)) return "reserved";
  // ISATAP: a tunnel to the IPv4 address in the last four bytes.
  const tunnel =
    ((address[8] as number) & 0xfd) === 0 && address[9] === 0 && address[10] === 0x5e && address[11] === 0xfe;
  return tunnel ? specialKind(address.slice(12)) : null;
}
