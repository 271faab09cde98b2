/** HTTP exchanges with the host, for `fetch` and `node:http`. Failures are the host's own (`EffectFailed`). */
import { type EffectName, type EffectRequests, type HttpResponseHead, LIMITS } from "@capsule-run/protocol";
import type { Answered } from "../effects.ts";
import type { Kit } from "../library.ts";

/** A body that is read piece by piece. One read at a time. */
export interface Pieces {
  /** The next piece, which is not empty; null at the end. */
  read(): Promise<Uint8Array | null>;
  /** Nobody reads on. */
  cancel(reason: unknown): void;
}

export interface Outgoing {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly redirect: "follow" | "manual" | "error";
  readonly body: Uint8Array | Pieces | null;
  /** Milliseconds until the head of the response, and between pieces of its body; null: as long as the host allows. */
  readonly timeoutMs: number | null;
}

export interface Incoming {
  readonly head: HttpResponseHead;
  readonly body: Pieces;
}

export interface Exchange {
  readonly response: Promise<Incoming>;
  /** Gives it up: what is waited for, and every later read, rejects with the reason. */
  abort(reason: unknown): void;
}

/** Bytes of a streamed body that cross at once. */
const PIECE = 1024 * 1024;
/** Larger bodies are streamed: a request has to cross at once, with its head. */
const WHOLE = LIMITS.effectBytes - LIMITS.effectHeadBytes;

/** What is known of an exchange on the host. */
interface Remote {
  handle: number | null;
  /** The host has nothing of it any more. */
  over: boolean;
}

let kit: Kit;
let dropped: FinalizationRegistry<Remote> | null = null;

/** Frees a response that a program dropped without reading it: the host keeps a limited number of them. */
function freeWhenDropped(body: Pieces, remote: Remote): void {
  dropped ??= new FinalizationRegistry(giveUp);
  dropped.register(body, remote);
}

function giveUp(remote: Remote): void {
  if (remote.over) return;
  remote.over = true;
  if (remote.handle !== null) kit.post("http.cancel", { handle: remote.handle });
}

function isPieces(body: Outgoing["body"]): body is Pieces {
  return body !== null && !(body instanceof Uint8Array);
}

/** A body of known length that is too large to cross at once. */
function inPieces(bytes: Uint8Array): Pieces {
  let at = 0;
  return {
    async read() {
      if (at >= bytes.length) return null;
      const piece = bytes.subarray(at, at + PIECE);
      at += PIECE;
      return piece;
    },
    cancel() {},
  };
}

/** What of an exchange is under way, to be ended by `abort`. */
class Course {
  readonly remote: Remote = { handle: null, over: false };
  /** What ends a wait. */
  readonly #waiting = new Set<(reason: unknown) => void>();
  #aborted: { readonly reason: unknown } | null = null;

  /** Asks the host for something and waits for its answer. */
  ask<N extends EffectName>(name: N, head: EffectRequests[N], payload?: Uint8Array): Promise<Answered<N>> {
    if (this.#aborted) return Promise.reject(this.#aborted.reason);
    const asked = kit.ask(name, head, payload);
    return this.wait(asked.answer, () => kit.revoke(asked));
  }

  /** Waits for something; on `abort` rejects at once, and calls `end`. */
  wait<T>(promise: Promise<T>, end: () => void = () => {}): Promise<T> {
    return new Promise((resolve, reject) => {
      const stop = (reason: unknown): void => {
        reject(reason);
        end();
      };
      this.#waiting.add(stop);
      const settle =
        <V>(how: (value: V) => void) =>
        (value: V): void => {
          this.#waiting.delete(stop);
          how(value);
        };
      promise.then(settle(resolve), settle(reject));
      if (this.#aborted) stop(this.#aborted.reason);
    });
  }

  abort(reason: unknown): void {
    if (this.#aborted) return;
    this.#aborted = { reason };
    giveUp(this.remote);
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const stop of waiting) stop(reason);
  }

  get aborted(): boolean {
    return this.#aborted !== null;
  }
}

/** Sends a request. */
function open(request: Outgoing): Exchange {
  const course = new Course();
  return { response: respond(request, course), abort: (reason) => course.abort(reason) };
}

async function respond(request: Outgoing, course: Course): Promise<Incoming> {
  const { body } = request;
  const bytes = body instanceof Uint8Array ? body : undefined;
  const isLarge = bytes !== undefined && bytes.length > WHOLE;
  const upload = isPieces(body) ? body : isLarge ? inPieces(bytes) : null;
  const headers = isLarge
    ? [...request.headers, ["content-length", `${bytes.length}`] as const]
    : request.headers;
  const kind = upload ? "stream" : bytes ? "whole" : "none";
  try {
    const { method, url, redirect, timeoutMs } = request;
    const wanted = { method, url, headers, redirect, body: kind, timeoutMs } as const;
    const answer = await course.ask("http.request", wanted, upload ? undefined : bytes);
    if ("status" in answer.head) return incoming(answer.head, answer.payload, course);
    course.remote.handle = answer.head.handle;
    const { handle } = answer.head;
    if (upload) void send(upload, handle, course);
    const { head: given, payload } = await course.ask("http.response", { handle });
    return incoming(given, payload, course);
  } catch (error) {
    upload?.cancel(error);
    throw error;
  }
}

async function send(upload: Pieces, handle: number, course: Course): Promise<void> {
  for (;;) {
    let piece: Uint8Array | null;
    try {
      piece = await course.wait(upload.read());
    } catch (error) {
      course.abort(error);
      return;
    }
    try {
      if (piece === null) {
        await course.ask("http.end", { handle });
        return;
      }
      for (let at = 0; at < piece.length; at += PIECE) {
        const part = piece.subarray(at, at + PIECE);
        await course.ask("http.write", { handle }, part);
      }
    } catch (error) {
      // The host takes no more. If that is because the exchange failed, waiting for its response says so.
      upload.cancel(error);
      return;
    }
  }
}

function incoming(head: HttpResponseHead, first: Uint8Array, course: Course): Incoming {
  const { remote } = course;
  const { handle } = head;
  remote.handle = handle;
  remote.over = handle === null;
  let ready: Uint8Array | null = first.length > 0 ? first : null;
  const body: Pieces = {
    async read() {
      if (ready !== null && !course.aborted) {
        const piece = ready;
        ready = null;
        return piece;
      }
      while (handle !== null && !(remote.over && !course.aborted)) {
        const { head: said, payload } = await course.ask("http.read", { handle });
        if (said.done) remote.over = true;
        if (payload.length > 0) return payload;
      }
      return null;
    },
    cancel: (reason) => {
      ready = null;
      course.abort(reason);
    },
  };
  if (handle !== null) freeWhenDropped(body, remote);
  return { head, body };
}

/** What the part gives. */
export interface TransportPart {
  readonly open: typeof open;
}

export function make(given: Kit): TransportPart {
  kit = given;
  return { open };
}
