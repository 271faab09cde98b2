/** `data:` URLs: https://fetch.spec.whatwg.org/#data-url-processor. */
export interface DataUrl {
  readonly type: string;
  readonly bytes: Uint8Array;
}

const PLAIN = "text/plain;charset=US-ASCII";

/** Null for what is malformed. */
export function parseDataUrl(url: string): DataUrl | null {
  const [input = ""] = url.slice("data:".length).split("#", 1);
  const comma = input.indexOf(",");
  if (comma < 0) return null;
  const head = input.slice(0, comma).trim();
  const body = percentDecode(input.slice(comma + 1));
  const coded = /; *base64$/i.exec(head);
  const type = typeOf(coded ? head.slice(0, coded.index) : head);
  if (!coded) return { type, bytes: bytesOf(body) };
  try {
    return { type, bytes: bytesOf(atob(body)) };
  } catch {
    return null;
  }
}

const typeOf = (given: string): string => {
  const type = given.startsWith(";") ? `text/plain${given}` : given;
  return /^[^\s/;]+\/[^\s/;]+\s*(?:;.*)?$/.test(type) ? type : PLAIN;
};

/** One character per byte. */
const percentDecode = (text: string): string =>
  text.replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));

const bytesOf = (text: string): Uint8Array => Uint8Array.fromBase64(btoa(text));
