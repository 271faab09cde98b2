/** `node:stream/consumers`. */
import { Buffer } from "node:buffer";

type Source = AsyncIterable<unknown> | Iterable<unknown>;

async function buffer(source: Source): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source)
    chunks.push(typeof chunk === "string" ? Buffer.from(chunk) : Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks);
}

const text = async (source: Source): Promise<string> => (await buffer(source)).toString();

export const consumers = {
  buffer,
  text,
  json: async (source: Source): Promise<unknown> => JSON.parse(await text(source)),
  bytes: async (source: Source): Promise<Uint8Array> => new Uint8Array(await buffer(source)),
  arrayBuffer: async (source: Source): Promise<ArrayBuffer> => new Uint8Array(await buffer(source)).buffer,
  blob: async (source: Source): Promise<Blob> => new Blob([new Uint8Array(await buffer(source))]),
};
