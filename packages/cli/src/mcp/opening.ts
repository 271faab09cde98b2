import { MCP_LIMITS } from "./limits.ts";

const NEWLINE = 10;

/** How clients begin: by the handshake of 2024 and 2025, or by the question of 2026. */
const OPENINGS: readonly unknown[] = ["initialize", "server/discover"];

export interface OpeningLimits {
  readonly openingMs: number;
  readonly openingBytes: number;
}

function isOpening(line: Buffer): boolean {
  try {
    const message = JSON.parse(line.toString()) as { jsonrpc?: unknown; method?: unknown } | null;
    return message?.jsonrpc === "2.0" && OPENINGS.includes(message.method);
  } catch {
    return false;
  }
}

/** Whether one of the whole lines is a client's first message. */
function opens(bytes: Buffer): boolean {
  let from = 0;
  for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, from)) {
    if (isOpening(bytes.subarray(from, end))) return true;
    from = end + 1;
  }
  return false;
}

async function* continued(first: Buffer, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first;
  for (;;) {
    const next = await rest.next();
    if (next.done) return;
    yield next.value;
  }
}

/**
 * Waits until an MCP client says its first message, and gives all that it sends, that message included; null if the input
 * ends, says too much else, or the time is over.
 */
export async function awaitClient(
  pieces: AsyncIterable<Uint8Array>,
  { openingMs, openingBytes }: OpeningLimits = MCP_LIMITS,
): Promise<AsyncIterable<Uint8Array> | null> {
  const iterator = pieces[Symbol.asyncIterator]();
  const { promise: late, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(resolve, openingMs, null);
  let heard = Buffer.alloc(0);
  try {
    while (heard.length <= openingBytes) {
      const next = await Promise.race([iterator.next(), late]);
      if (next === null || next.done) return null;
      heard = Buffer.concat([heard, next.value]);
      if (opens(heard)) return continued(heard, iterator);
    }
    return null;
  } catch (error) {
    // A socket that was reset has ended.
    if ((error as { code?: string }).code === undefined) throw error;
    return null;
  } finally {
    clearTimeout(timer);
  }
}
