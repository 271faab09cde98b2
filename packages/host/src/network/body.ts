import { pipeline, type Readable } from "node:stream";
import * as zlib from "node:zlib";
import { EffectError } from "@capsule-run/protocol";
import type { Scrubber } from "../capability.ts";
import { wireError } from "./errors.ts";
import type { NetworkLimits } from "./limits.ts";

/** Decompressors by the names of `Content-Encoding`. Flushing gives what is there, as event streams need it. */
const DECODERS: Readonly<Record<string, (first: number) => NodeJS.ReadWriteStream & Readable>> = {
  gzip: () =>
    zlib.createGunzip({ flush: zlib.constants.Z_SYNC_FLUSH, finishFlush: zlib.constants.Z_SYNC_FLUSH }),
  // Some servers leave the header out; with it the low four bits are 8.
  deflate: (first) => ((first & 15) === 8 ? zlib.createInflate() : zlib.createInflateRaw()),
  br: () =>
    zlib.createBrotliDecompress({
      flush: zlib.constants.BROTLI_OPERATION_FLUSH,
      finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH,
    }),
  // 8 MiB, the largest window that RFC 9659 allows; more would be memory of the host.
  zstd: () => zlib.createZstdDecompress({ params: { [zlib.constants.ZSTD_d_windowLogMax]: 23 } }),
};

/**
 * What has to be undone to a body, the last one applied first; null if that can't be done here, and the program gets it
 * as it is.
 */
export function codingsOf(values: readonly string[], limits: NetworkLimits): readonly string[] | null {
  const names = values
    .flatMap((value) => value.split(","))
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "" && name !== "identity")
    .map((name) => (name === "x-gzip" ? "gzip" : name));
  if (names.length > limits.codings)
    throw new EffectError("ELIMIT", `the response is compressed more than ${limits.codings} times (codings)`);
  return names.every((name) => Object.hasOwn(DECODERS, name)) ? names.reverse() : null;
}

/** A response's body as the program reads it. */
export interface ResponseBody {
  /**
   * The next piece: what is there, at most `pieceBytes`. Waits for some; with `quietMs`, goes on until there is a full
   * piece or nothing has come for so long, and may then be empty.
   * @throws EffectError ETIMEDOUT after `idleMs`, ELIMIT, or what the connection failed with
   */
  read(options: { quietMs: number | null }): Promise<{ readonly piece: Uint8Array; readonly done: boolean }>;
  /** Ends it, with what reads fail with from then on. */
  stop(error: EffectError): void;
  /** Bytes that came over the wire. */
  readonly received: number;
}

export interface BodyOptions {
  readonly host: string;
  readonly codings: readonly string[];
  readonly scrubber: Scrubber | null;
  readonly idleMs: number;
  readonly limits: NetworkLimits;
}

const NOTHING = new Uint8Array(0);

/** Wakes whoever waits when a stream has something to say. */
function bell(): { ring(): void; wait(ms: number): Promise<boolean> } {
  let waiting: ((rung: boolean) => void) | null = null;
  return {
    ring: () => waiting?.(true),
    /** False if nothing happened for `ms`. */
    wait: (ms) =>
      new Promise((resolve) => {
        const timer = setTimeout(() => waiting?.(false), ms);
        waiting = (rung) => {
          clearTimeout(timer);
          waiting = null;
          resolve(rung);
        };
      }),
  };
}

export function responseBody(source: Readable, options: BodyOptions): ResponseBody {
  const { limits, scrubber, host } = options;
  const { ring, wait } = bell();
  let received = 0;
  let expanded = 0;
  let failure: EffectError | null = null;
  let isReady = false;
  let isAtEnd = false;
  let isFlushed = false;
  let rest: Uint8Array = NOTHING;
  let stream: Readable = source;

  const stop = (error: EffectError): void => {
    failure ??= error;
    source.destroy();
    stream.destroy();
    ring();
  };
  const fail = (error: unknown): void => {
    if (!isAtEnd) stop(wireError(error, host));
  };

  function listen(last: Readable): void {
    stream = last;
    isReady = true;
    last.on("readable", ring);
    last.on("end", () => {
      isAtEnd = true;
      ring();
    });
    last.on("error", fail);
    last.on("close", () => fail(null));
  }

  /** Decoders one after the other; each is chosen when the first byte for it is there. */
  function decode([coding, ...more]: readonly string[], from: Readable): void {
    if (coding === undefined) {
      listen(from);
      return;
    }
    stream = from;
    from.on("error", fail);
    const begin = (): void => {
      const first: Buffer | null = from.read();
      if (first === null) return;
      from.off("readable", begin);
      from.off("end", nothing);
      from.unshift(first);
      const decoder = DECODERS[coding]?.(first[0] ?? 0) as NodeJS.ReadWriteStream & Readable;
      if (from === source) from.on("data", (piece: Buffer) => (received += piece.length));
      decode(more, decoder);
      pipeline(from, decoder, (error) => error && fail(error));
    };
    const nothing = (): void => {
      isAtEnd = true;
      ring();
    };
    from.on("readable", begin);
    from.on("end", nothing);
  }
  decode(options.codings, source);

  /** What is there by now, scrubbed; null if nothing is. */
  function take(): Uint8Array | null {
    if (rest.length > 0) return rest;
    const chunk: Buffer | null = isReady ? stream.read() : null;
    if (chunk === null) return null;
    if (options.codings.length === 0) received += chunk.length;
    expanded += chunk.length;
    checkSize();
    return scrubber ? scrubber.push(chunk) : chunk;
  }

  function checkSize(): void {
    const { responseBytes, expandedBytes, expansion } = limits;
    let problem: string | null = null;
    if (expanded > responseBytes)
      problem = `the response's body is larger than ${responseBytes} bytes (responseBytes)`;
    else if (options.codings.length > 0 && expanded > expandedBytes && expanded > received * expansion)
      problem = `the response's body is ${expansion} times as large as what was sent (expansion)`;
    if (problem === null) return;
    stop(new EffectError("ELIMIT", problem));
    throw failure;
  }

  /** Adds what is there to `pieces`, up to a full piece, and says how much they hold then. */
  function gather(pieces: Uint8Array[], size: number): number {
    let total = size;
    while (total < limits.pieceBytes) {
      const chunk = take();
      if (chunk === null) break;
      const fitting = chunk.subarray(0, limits.pieceBytes - total);
      rest = chunk.subarray(fitting.length);
      total += fitting.length;
      if (fitting.length > 0) pieces.push(fitting);
    }
    return total;
  }

  async function read({ quietMs }: { quietMs: number | null }) {
    const pieces: Uint8Array[] = [];
    let total = 0;
    for (;;) {
      if (failure) throw failure;
      total = gather(pieces, total);
      if (total >= limits.pieceBytes || (isAtEnd && isFlushed)) break;
      if (isAtEnd) {
        isFlushed = true;
        rest = scrubber?.end() ?? NOTHING;
        continue;
      }
      if (quietMs === null && total > 0) break;
      if (await wait(quietMs ?? options.idleMs)) continue;
      if (quietMs !== null) break;
      stop(new EffectError("ETIMEDOUT", `"${host}" sent nothing for ${options.idleMs} ms`));
    }
    const piece = pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces);
    return { piece, done: isAtEnd && isFlushed && rest.length === 0 };
  }

  return {
    read,
    stop,
    get received() {
      return received;
    },
  };
}
