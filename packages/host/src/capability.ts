import type { HostRequest } from "@capsule-run/protocol";

/** What an effect gave: the head of its answer and the bytes that come with it. */
export interface Performed {
  readonly head: object;
  readonly payload?: Uint8Array;
}

/**
 * One kind of effect, for one attempt. `name` is what follows the dot, such as `open` of `file.open`. Heads come as the
 * guest wrote them: they are checked here, field by field.
 */
export interface Capability {
  /**
   * @param call the number of what is asked for among all that the attempt asks for
   * @throws EffectError with a message for the guest
   */
  perform(
    name: string,
    head: Readonly<Record<string, unknown>>,
    payload: Uint8Array,
    signal: AbortSignal,
    call: number,
  ): Promise<Performed>;
  /** From here on `undo` counts, and requests are listed anew. */
  mark?(): void;
  /** Gives back what was opened since the mark. Never rejects. */
  undo?(): Promise<void>;
  /** Ends what is under way and gives back all handles. Never rejects. */
  close(): Promise<void>;
}

/** A folder of the host that a sandbox sees. */
export interface Mount {
  /** Absolute. */
  readonly host: string;
  /** Absolute, with `/`: `/app/data`. */
  readonly guest: string;
  readonly writable: boolean;
}

/** The network of one attempt, and its record. */
export interface NetworkCapability extends Capability {
  /** What was asked of it so far, redacted: for the envelope. As it is when it is read; what is under way goes on. */
  readonly requests: readonly HostRequest[];
}

/** The part of a run's secrets that the network needs. Pure but for the names it was made with. */
export interface SecretsOnTheWay {
  /**
   * Puts real values in the place of placeholders in a request to this host, or leaves them where they may not go.
   * Whoever follows redirects calls it for every hop, with the guest's own headers and a URL that went through
   * `scrubText`; what it returned is for the wire only, never for records or the guest. A credential in the URL has to
   * be an `Authorization` header by then. A `content-length` is brought up to date where the body changes.
   * `secure`: over TLS, or to a loopback address that the allowlist names.
   * @throws EffectError `EINVAL` for a value that a header can't carry
   */
  substitute(request: OutgoingRequest, secure: boolean): OutgoingRequest;
  /**
   * Hides real values in text that comes back: the reason phrase, each header's value, messages of errors, and the
   * `Location` of a redirect before anything else looks at it.
   */
  scrubText(text: string): string;
  /**
   * The same for a body that is decoded already, across the borders of its pieces; null where the run has no secrets.
   * The body may have another length afterwards than its `content-length` says.
   */
  scrubber(): Scrubber | null;
  /** Text for records and messages, in which neither values nor placeholders stand: `[secret NAME]` does. */
  redact(text: string): string;
}

export interface OutgoingRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Null: none, or a stream, in which nothing is substituted. */
  readonly body: Uint8Array | null;
}

/**
 * Hides values in a stream: gives what can be passed on, which may be a view of the piece, and keeps back what may be a
 * part of one, copied. What ends with a line break comes through at once.
 */
export interface Scrubber {
  /** What can be passed on; may be empty. */
  push(piece: Uint8Array): Uint8Array;
  /** The rest. */
  end(): Uint8Array;
}
