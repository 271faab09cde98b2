/** `multipart/form-data`: https://html.spec.whatwg.org/#multipart-form-data and, reading it, RFC 7578. */
import type { File } from "./blob.ts";
import { concat } from "./concat.ts";

export type FormEntry = [name: string, value: string | File];

/** A part as it came. */
interface Part {
  readonly name: string;
  /** Null for a plain field. */
  readonly filename: string | null;
  readonly type: string;
  readonly body: Uint8Array;
}

const lines = (text: string): string => text.replace(/\r\n?|\n/g, "\r\n");

const quoted = (text: string): string =>
  text.replace(/\n/g, "%0A").replace(/\r/g, "%0D").replace(/"/g, "%22");

export function encodeForm(
  entries: readonly FormEntry[],
  boundary: string,
  bytesOf: (file: File) => Uint8Array,
): Uint8Array {
  const encoder = new TextEncoder();
  const pieces: Uint8Array[] = [];
  for (const [name, value] of entries) {
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${quoted(lines(name))}"`;
    if (typeof value === "string") {
      pieces.push(encoder.encode(`${head}\r\n\r\n${lines(value)}\r\n`));
      continue;
    }
    const type = value.type || "application/octet-stream";
    pieces.push(encoder.encode(`${head}; filename="${quoted(value.name)}"\r\nContent-Type: ${type}\r\n\r\n`));
    pieces.push(bytesOf(value), encoder.encode("\r\n"));
  }
  pieces.push(encoder.encode(`--${boundary}--\r\n`));
  return concat(pieces);
}

const MALFORMED = "Failed to parse body as FormData.";

/**
 * The parts of a body. Searching is done in a text of one character per byte: the engine does that natively.
 * @throws TypeError for what is no such body
 */
export function decodeForm(bytes: Uint8Array, boundary: string): Part[] {
  const text = atob(bytes.toBase64());
  const parts: Part[] = [];
  const separator = `--${boundary}`;
  let at = text.indexOf(separator);
  if (at !== 0 && text.slice(at - 2, at) !== "\r\n") throw new TypeError(MALFORMED);
  for (;;) {
    at += separator.length;
    if (text.startsWith("--", at)) return parts;
    if (!text.startsWith("\r\n", at)) throw new TypeError(MALFORMED);
    const body = text.indexOf("\r\n\r\n", at);
    const end = text.indexOf(`\r\n${separator}`, body + 2);
    if (body < 0 || end < 0) throw new TypeError(MALFORMED);
    const fields = fieldsOf(utf8(bytes.subarray(at + 2, body)));
    parts.push(partOf(fields, bytes.subarray(Math.min(body + 4, end), end)));
    at = end + 2;
  }
}

const utf8 = (bytes: Uint8Array): string => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);

function fieldsOf(head: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of head.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon < 1) throw new TypeError(MALFORMED);
    fields.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  return fields;
}

function partOf(fields: ReadonlyMap<string, string>, body: Uint8Array): Part {
  const disposition = fields.get("content-disposition") ?? "";
  const name = parameter(disposition, "name");
  if (!/^form-data\s*(?:;|$)/i.test(disposition) || name === null) throw new TypeError(MALFORMED);
  return {
    name,
    filename: parameter(disposition, "filename"),
    type: fields.get("content-type") ?? "text/plain",
    body,
  };
}

function parameter(disposition: string, name: string): string | null {
  const found = new RegExp(`;\\s*${name}=(?:"([^"]*)"|([^\\s;"]+))`, "i").exec(disposition);
  const value = found && (found[1] ?? (found[2] as string));
  return value?.replace(/%0A/gi, "\n").replace(/%0D/gi, "\r").replace(/%22/g, '"') ?? null;
}
