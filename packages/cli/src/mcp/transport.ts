import { type JSONRPCMessage, parseJSONRPCMessage, type Transport } from "@modelcontextprotocol/server";
import { oneLine } from "../format.ts";
import { type Line, readLines } from "../lines.ts";
import type { Sink } from "../output.ts";
import { MCP_LIMITS } from "./limits.ts";

/** JSON-RPC's codes for a line that is no message. */
const PARSE_ERROR = -32_700;
const INVALID_REQUEST = -32_600;

/** As JSON on one line, without halves of characters, which strict readers refuse as a whole. */
function wellFormed(message: object): string {
  const json = JSON.stringify(message);
  // The only escapes of this form that JSON.stringify writes are halves.
  if (!json.includes("\\ud")) return json;
  return json.replace(/\\(?:u(d[89a-f][0-9a-f]{2})|.)/g, (found, half) => (half ? "\ufffd" : found));
}

/** The id of what wants to be a request; null: it is none, or has none. */
function idOf(value: unknown): string | number | null {
  const { jsonrpc, id, method } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (jsonrpc !== "2.0" || typeof method !== "string") return null;
  return Number.isSafeInteger(id) || (typeof id === "string" && id.length <= 1000)
    ? (id as string | number)
    : null;
}

export interface TransportParts {
  /** What the client sends. */
  readonly pieces: AsyncIterable<Uint8Array>;
  readonly sink: Pick<Sink, "write" | "fallen">;
  /** Says something on stderr. */
  readonly log: (text: string) => void;
  readonly lineBytes?: number;
}

/**
 * MCP's stdio: one JSON message a line. Beyond what the SDK's own transport does, a line has a limit and is skipped when
 * it is longer, garbage has an answer, and nothing more is read of a client that does not read.
 */
export class LineTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #parts: TransportParts;
  #closed = false;
  #end = (): void => {};
  /** Resolves when the client's end is closed, or this one. */
  readonly ended: Promise<void> = new Promise((resolve) => {
    this.#end = resolve;
  });

  constructor(parts: TransportParts) {
    this.#parts = parts;
  }

  async start(): Promise<void> {
    void this.#listen();
  }

  async send(message: JSONRPCMessage): Promise<void> {
    if (this.#closed) return;
    this.#parts.sink.write(`${wellFormed(message)}\n`);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#end();
    this.onclose?.();
  }

  async #listen(): Promise<void> {
    const { pieces, sink, lineBytes = MCP_LIMITS.lineBytes } = this.#parts;
    try {
      for await (const line of readLines(pieces, lineBytes)) {
        await sink.fallen(MCP_LIMITS.unreadBytes);
        if (this.#closed) return;
        this.#take(line, lineBytes);
      }
    } catch (error) {
      // A client that died may reset its socket: that is an end like any other.
      if ((error as { code?: string }).code === undefined) this.onerror?.(error as Error);
    }
    this.#end();
  }

  #take({ number, bytes }: Line, most: number): void {
    if (bytes === null) this.#refuse(INVALID_REQUEST, `line ${number} has more than ${most} bytes`);
    else this.#read(number, bytes);
  }

  #read(number: number, bytes: Uint8Array): void {
    let value: unknown;
    try {
      const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes).trim();
      if (text === "") return;
      value = JSON.parse(text);
    } catch (error) {
      const reason = oneLine(error instanceof Error ? error.message : String(error), 200);
      this.#refuse(PARSE_ERROR, `line ${number} is no JSON: ${reason}`);
      return;
    }
    let message: JSONRPCMessage;
    try {
      message = parseJSONRPCMessage(value);
    } catch {
      this.#refuse(INVALID_REQUEST, `line ${number} is no message of JSON-RPC`, idOf(value));
      return;
    }
    this.onmessage?.(message);
  }

  /** @param id of the request, so that nobody waits for its answer; null: it is unknown */
  #refuse(code: number, message: string, id: string | number | null = null): void {
    this.#parts.log(message);
    this.#parts.sink.write(`${wellFormed({ jsonrpc: "2.0", id, error: { code, message } })}\n`);
  }
}
