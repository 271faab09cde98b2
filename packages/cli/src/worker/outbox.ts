import type { Sink } from "../output.ts";
import { WORKER_LIMITS } from "./limits.ts";
import type { WorkerMessage } from "./protocol.ts";

export interface OutboxLimits {
  readonly unreadBytes: number;
  readonly unreadResultBytes: number;
}

interface Dropped {
  bytes: number;
  events: number;
}

/**
 * What goes to the client: whole lines in order. While it reads too little, output and events are dropped and counted,
 * and the notice of that stands where they would have been.
 */
export class Outbox {
  readonly #sink: Pick<Sink, "write" | "unread" | "fallen">;
  readonly #limits: OutboxLimits;
  readonly #dropped = new Map<string, Dropped>();

  constructor(sink: Pick<Sink, "write" | "unread" | "fallen">, limits: OutboxLimits = WORKER_LIMITS) {
    this.#sink = sink;
    this.#limits = limits;
  }

  /** Resolves when the client has read so much that more may be asked of it. */
  room(): Promise<void> {
    return this.#sink.fallen(this.#limits.unreadBytes);
  }

  /** An answer that is small. */
  send(message: WorkerMessage): void {
    if ("id" in message && message.id !== null) this.#tellDropped(message.id);
    this.#write(JSON.stringify(message));
  }

  /** What a run can't do without: a line of JSON. */
  line(id: string, line: string): void {
    this.#stream(id, line);
  }

  /** What can be left out while the client reads too little. */
  mention(message: WorkerMessage): void {
    if (!this.#isFull()) this.send(message);
  }

  /**
   * The result of a run, a line of JSON.
   * @returns false if too much is unread already: it was not sent
   */
  result(id: string, line: string): boolean {
    if (this.#sink.unread + line.length > this.#limits.unreadResultBytes) return false;
    this.#tellDropped(id);
    this.#write(line);
    return true;
  }

  /** Output of a run: a line of JSON, made if it is sent. */
  output(id: string, bytes: number, line: () => string): void {
    if (this.#isFull()) this.#drop(id).bytes += bytes;
    else this.#stream(id, line());
  }

  event(id: string, line: () => string): void {
    if (this.#isFull()) this.#drop(id).events++;
    else this.#stream(id, line());
  }

  #isFull(): boolean {
    return this.#sink.unread > this.#limits.unreadBytes;
  }

  #stream(id: string, line: string): void {
    this.#tellDropped(id);
    this.#write(line);
  }

  #drop(id: string): Dropped {
    const dropped = this.#dropped.get(id) ?? { bytes: 0, events: 0 };
    this.#dropped.set(id, dropped);
    return dropped;
  }

  #tellDropped(id: string): void {
    const dropped = this.#dropped.get(id);
    if (!dropped) return;
    this.#dropped.delete(id);
    const { bytes, events } = dropped;
    const message: WorkerMessage = { type: "dropped", id, output_bytes: bytes, events };
    this.#write(JSON.stringify(message));
  }

  #write(line: string): void {
    this.#sink.write(`${line}\n`);
  }
}
