import { EffectError, type SecretSpec } from "@capsule-run/protocol";
import type { OutgoingRequest } from "../capability.ts";
import { hostMatches, isLoopbackName } from "./hosts.ts";
import { type Found, replaced, Search } from "./search.ts";
import { plainWriting, urlWriting } from "./writings.ts";

/** A secret of a run and what stands for it there. */
export interface Secret extends SecretSpec {
  readonly placeholder: string;
}

/** Whether a secret's value may go where this URL leads. */
const mayGo = (secret: Secret, url: URL): boolean =>
  (url.protocol === "https:" || isLoopbackName(url.hostname)) &&
  secret.hosts.some((pattern) => hostMatches(pattern, url));

/** Finds placeholders in requests. */
export interface Placeholders {
  readonly plain: Search<Secret>;
  /** URL-encoded, as far as anybody would go. */
  readonly url: Search<Secret>;
}

export const placeholdersOf = (secrets: readonly Secret[]): Placeholders => ({
  plain: new Search(secrets.map((of) => ({ of, writing: plainWriting(of.placeholder, of.placeholder) }))),
  url: new Search(secrets.map((of) => ({ of, writing: urlWriting(of.placeholder, of.placeholder) }))),
});

/**
 * The request with values in the place of placeholders, as far as they may go to its URL; the same request where there
 * is nothing to do. `secure` as in `SecretsOnTheWay`.
 * @throws EffectError where a header can't carry a value
 */
export function substituted(
  request: OutgoingRequest,
  secure: boolean,
  secrets: readonly Secret[],
  placeholders: Placeholders,
): OutgoingRequest {
  const going = secure && isMeant(request) ? secrets.filter((secret) => mayGo(secret, request.url)) : [];
  if (going.length === 0) return request;
  const put = (search: Search<Secret>, bytes: Uint8Array, may: Allowed, write: Write): Uint8Array | null =>
    putValues(search, bytes, (secret) => going.includes(secret) && may(secret), write);

  const headers = request.headers.map(([name, value]): readonly [string, string] => {
    const plain = put(placeholders.plain, latin1(value), anywhere, headerValue);
    if (plain) return [name, text(plain)];
    const basic = /^(proxy-)?authorization$/i.test(name) ? BASIC.exec(value) : null;
    if (!basic) return [name, value];
    const credentials = Buffer.from(basic[2] as string, "base64");
    const real = put(placeholders.plain, credentials, anywhere, (secret) => secret.value);
    return [name, real ? `${basic[1]}${Buffer.from(real).toString("base64")}` : value];
  });

  let url = request.url;
  const query = put(placeholders.url, latin1(url.search), (secret) => secret.query, urlValue);
  if (query) {
    url = new URL(url);
    url.search = text(query);
  }

  const type = request.headers.find(([name]) => name.toLowerCase() === "content-type")?.[1] ?? "";
  const isForm = /^\s*application\/x-www-form-urlencoded\b/i.test(type);
  const body =
    request.body &&
    put(
      isForm ? placeholders.url : placeholders.plain,
      request.body,
      (secret) => secret.body,
      isForm ? urlValue : isJson(type) ? jsonValue : (secret) => secret.value,
    );
  if (!body) return { ...request, url, headers };
  const sized = headers.map(([name, value]): readonly [string, string] => [
    name,
    name.toLowerCase() === "content-length" ? String(body.length) : value,
  ]);
  return { ...request, url, headers: sized, body };
}

/** Whether no header names another host than the URL does: behind one address there may be many. */
const isMeant = ({ url, headers }: OutgoingRequest): boolean =>
  headers.every(([name, value]) => name.toLowerCase() !== "host" || value.trim().toLowerCase() === url.host);

type Allowed = (secret: Secret) => boolean;
type Write = (secret: Secret) => string;

/** Null: no placeholder whose value may go there. */
function putValues(search: Search<Secret>, bytes: Uint8Array, may: Allowed, write: Write): Uint8Array | null {
  const found = search.find(bytes).filter(({ wanted }) => may(wanted.of));
  return found.length === 0 ? null : replaced(bytes, found, ({ wanted }: Found<Secret>) => write(wanted.of));
}

const anywhere = (): boolean => true;
const latin1 = (value: string): Uint8Array => Buffer.from(value, "latin1");
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

const BASIC = /^(\s*basic\s+)([A-Za-z0-9+/_-]+=*)\s*$/i;

const isJson = (type: string): boolean =>
  /^\s*(?:application|text)\/(?:[\w.-]+\+)?(?:json|x-ndjson|ndjson|jsonl|x-jsonlines|json-seq)\b/i.test(type);

const jsonValue: Write = ({ value }) => JSON.stringify(value).slice(1, -1);

const urlValue: Write = ({ value }) =>
  encodeURIComponent(value).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16)}`);

/** A header's value is bytes whose meaning nobody agrees on outside of ASCII. */
function headerValue({ name, value }: Secret): string {
  if (/\P{ASCII}/u.test(value))
    throw new EffectError(
      "EINVAL",
      `The secret ${name} has characters outside of ASCII, which a header can't carry: send it in Basic credentials, or in the body`,
    );
  return value;
}
