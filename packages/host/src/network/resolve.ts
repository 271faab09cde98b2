import { lookup } from "node:dns/promises";
import { EffectError, isLocalhost } from "@capsule-run/protocol";
import { type Address, parseAddress } from "./addresses.ts";
import type { Target } from "./target.ts";

/** All addresses of a name, in the order in which they are to be tried. */
export type Resolver = (host: string) => Promise<readonly string[]>;

/** As the system resolves names, its hosts file included. */
export const systemResolver: Resolver = async (host) =>
  (await lookup(host, { all: true, order: "verbatim" })).map(({ address }) => address);

/** An address to connect to, as text and as it was checked. */
export interface Resolved {
  readonly text: string;
  readonly address: Address;
}

const resolved = (text: string): Resolved | null => {
  const address = parseAddress(text);
  return address && { text, address };
};

/**
 * The addresses of a target. `localhost` and names below it are the loopback addresses, whoever is asked.
 * @throws EffectError EDNS if there is none, or one that can't be understood
 */
export async function resolveTarget(target: Target, resolve: Resolver): Promise<readonly Resolved[]> {
  const texts = target.address
    ? [target.host.replace(/^\[|\]$/g, "")]
    : isLocalhost(target.host)
      ? ["127.0.0.1", "::1"]
      : await ask(target.host, resolve);
  const addresses = texts.map(resolved).filter((each) => each !== null);
  if (addresses.length === 0 || addresses.length < texts.length) throw noAddress(target.host);
  return addresses;
}

const noAddress = (host: string): EffectError => new EffectError("EDNS", `there is no address for "${host}"`);

async function ask(host: string, resolve: Resolver): Promise<readonly string[]> {
  try {
    return await resolve(host);
  } catch {
    // What failed inside is the host's own matter.
    throw noAddress(host);
  }
}

/** Asks once for requests that want the same name at the same time. */
export function sharing(resolve: Resolver): Resolver {
  const asked = new Map<string, Promise<readonly string[]>>();
  return (host) => {
    const pending = asked.get(host);
    if (pending) return pending;
    const answer = resolve(host).finally(() => asked.delete(host));
    asked.set(host, answer);
    return answer;
  };
}
