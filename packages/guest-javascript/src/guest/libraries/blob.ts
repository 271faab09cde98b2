/** `Blob` and `File`: https://w3c.github.io/FileAPI/. Their bytes are held in memory. */
import type { Kit } from "../library.ts";
import { concat } from "./concat.ts";
import { printAs, standardise } from "./show.ts";
import { dictionary, isObject, isTagged, oneOf, required, scalarString } from "./webidl.ts";

let loadPart: Kit["loadPart"];
/** The bytes of a blob; undefined for what is none of ours. They must not be written to. */
let bytesOf: (blob: unknown) => Uint8Array | undefined;

/** How much of a blob its stream gives at once. */
const PIECE = 64 * 1024;

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

function bytesOfPart(part: unknown, native: boolean): Uint8Array {
  const blob = bytesOf(part);
  if (blob) return blob;
  if (part instanceof ArrayBuffer) return new Uint8Array(part);
  if (ArrayBuffer.isView(part)) return new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
  const text = scalarString(part);
  return utf8(native ? text.replace(/\r\n?/g, "\n") : text);
}

function join(parts: unknown, native: boolean): Uint8Array {
  if (!isObject(parts) || typeof (parts as { [Symbol.iterator]?: unknown })[Symbol.iterator] !== "function")
    throw new TypeError('The "sources" argument must be a sequence');
  return concat(Array.from(parts as Iterable<unknown>, (part) => bytesOfPart(part, native)));
}

/** Lower case; empty if it has characters that are no part of a type. */
function typeOf(given: unknown): string {
  const type = given === undefined ? "" : String(given);
  return /[^\x20-\x7e]/.test(type) ? "" : type.toLowerCase();
}

export class Blob {
  #bytes: Uint8Array;
  #type: string;

  static {
    bytesOf = (blob) => (isObject(blob) && #bytes in blob ? (blob as Blob).#bytes : undefined);
  }

  constructor(parts: unknown = [], given: unknown = undefined) {
    const options = dictionary(given, "Blob");
    const endings = options.endings === undefined ? "transparent" : options.endings;
    const native = oneOf(endings, ["transparent", "native"], "Blob") === "native";
    this.#bytes = join(parts, native);
    this.#type = typeOf(options.type);
  }

  get size(): number {
    return this.#bytes.length;
  }
  get type(): string {
    return this.#type;
  }
  slice(start = 0, end: number = this.size, type: unknown = ""): Blob {
    const blob = new Blob();
    const place = (given: number): number => {
      const at = Math.trunc(Number(given)) || 0;
      return at < 0 ? Math.max(0, this.size + at) : Math.min(at, this.size);
    };
    const from = place(start);
    blob.#bytes = this.#bytes.subarray(from, Math.max(from, place(end)));
    blob.#type = typeOf(type);
    return blob;
  }
  async text(): Promise<string> {
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(this.#bytes);
  }
  async arrayBuffer(): Promise<ArrayBuffer> {
    return this.#bytes.slice().buffer as ArrayBuffer;
  }
  async bytes(): Promise<Uint8Array> {
    return this.#bytes.slice();
  }
  stream(): ReadableStream {
    const bytes = this.#bytes;
    let at = 0;
    const { ReadableStream } = loadPart("streams") as { ReadableStream: typeof globalThis.ReadableStream };
    return new ReadableStream({
      type: "bytes",
      pull(controller) {
        if (at < bytes.length) {
          controller.enqueue(bytes.slice(at, at + PIECE) as Uint8Array<ArrayBuffer>);
          at += PIECE;
        }
        if (at < bytes.length) return;
        controller.close();
        controller.byobRequest?.respond(0);
      },
    });
  }
}

export class File extends Blob {
  readonly #name: string;
  readonly #lastModified: number;

  constructor(...given: [parts?: unknown, name?: unknown, options?: unknown]) {
    required(given, 2, "File constructor");
    const [parts, name, options] = given;
    const { lastModified } = dictionary(options, "File");
    super(parts, options);
    this.#name = scalarString(name);
    this.#lastModified = lastModified === undefined ? Date.now() : Math.trunc(Number(lastModified)) || 0;
  }
  get name(): string {
    return this.#name;
  }
  get lastModified(): number {
    return this.#lastModified;
  }
}

standardise(Blob, "Blob");
standardise(File, "File");
printAs(Blob, "Blob", ({ size, type }) => ({ size, type }));
printAs(File, "File", ({ size, type, name, lastModified }) => ({ size, type, name, lastModified }));

/** Whether a value is a blob, ours or of a library. */
const isBlob = (value: unknown): value is Blob =>
  bytesOf(value) !== undefined ||
  ((isTagged(value, "Blob") || isTagged(value, "File")) &&
    typeof (value as unknown as Blob).arrayBuffer === "function");

/** What the part gives: the classes, and what other parts need of them. */
export interface BlobPart {
  readonly Blob: typeof Blob;
  readonly File: typeof File;
  readonly bytesOf: typeof bytesOf;
  readonly isBlob: typeof isBlob;
}

export function make(kit: Kit): BlobPart {
  loadPart = kit.loadPart;
  return { Blob, File, bytesOf, isBlob };
}
