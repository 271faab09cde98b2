import { Readable } from "node:stream";
import { EffectError } from "@capsule-run/protocol";
import type { NetworkLimits } from "./limits.ts";

/** The body of a request that follows in pieces. */
export interface Upload {
  /** What is sent. */
  readonly body: Readable;
  /** Takes a piece; resolves when there is room for the next one, or nobody wants it any more. */
  write(piece: Uint8Array): Promise<void>;
  end(): void;
  /** Takes no more: what is written from now on is dropped, or fails with what the exchange failed with. */
  stop(error: EffectError | null): void;
  readonly bytes: number;
}

/** @param idleMs how long a piece may wait for the other side to take it */
export function upload(limits: NetworkLimits, idleMs: number): Upload {
  let bytes = 0;
  let isOver = false;
  let failure: EffectError | null = null;
  let room: (() => void) | null = null;
  const makeRoom = (): void => {
    room?.();
    room = null;
  };
  const body = new Readable({ highWaterMark: 64 * 1024, read: makeRoom });
  // undici takes note of it; nobody else needs to.
  body.on("error", () => {});
  body.once("close", () => {
    isOver = true;
    makeRoom();
  });

  async function roomFor(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      room = resolve;
      timer = setTimeout(() => {
        failure ??= new EffectError("ETIMEDOUT", `the server took nothing of the body for ${idleMs} ms`);
        makeRoom();
      }, idleMs);
    });
    clearTimeout(timer);
  }

  return {
    body,
    get bytes() {
      return bytes;
    },
    async write(piece) {
      if (failure) throw failure;
      if (isOver || piece.length === 0) return;
      if (room) throw new EffectError("EINVAL", "the last piece of the body has not been taken yet");
      bytes += piece.length;
      if (bytes > limits.requestBytes)
        throw new EffectError(
          "ELIMIT",
          `the request's body is larger than ${limits.requestBytes} bytes (requestBytes)`,
        );
      if (!body.push(piece)) await roomFor();
      if (failure) throw failure;
    },
    end() {
      if (failure) throw failure;
      if (!isOver) body.push(null);
      isOver = true;
    },
    stop(error) {
      failure ??= error;
      isOver = true;
      body.destroy();
      makeRoom();
    },
  };
}
