import { LIMITS } from "@capsule-run/protocol";

/** What bounds HTTP of one attempt, whatever its policy says; each is in `docs/limits.md`. Times are in milliseconds. */
export const NETWORK_LIMITS = {
  /** Characters of a URL. */
  urlCharacters: 32 * 1024,
  /** Bytes of all names and values of a request's headers, or of a response's. */
  headerBytes: 64 * 1024,
  /** Headers of a request or a response. */
  headers: 256,
  /** Redirects that are followed, one after the other. */
  redirects: 20,
  /** Until a connection is there, TLS included. */
  connectMs: 10_000,
  /** Until the head of a response is there, all redirects together, unless the program says another time. */
  headMs: 300_000,
  /** Between two pieces of a body, while the program waits for one, unless it says another time. */
  idleMs: 300_000,
  /** The longest time a program may ask for. */
  longestMs: 3_600_000,
  /** Bytes of a streamed request's body. */
  requestBytes: 1024 ** 3,
  /** Bytes of a response's body, decompressed. */
  responseBytes: 1024 ** 3,
  /** Bytes from which on a compressed body may not be more than `expansion` times what came over the wire. */
  expandedBytes: 64 * 1024 * 1024,
  expansion: 200,
  /** Compressions of one response, one in the other. */
  codings: 2,
  /** Bytes that are given to a program at once. */
  pieceBytes: 256 * 1024,
  /** How long the first piece is waited for when a response's head is there, and the rest of a small body after it. */
  quietMs: 20,
  /** Requests whose response's head is waited for, streamed uploads not counted; more wait their turn. */
  parallel: 64,
  /** Exchanges of which the program holds a handle: streamed uploads, and responses it has not read to the end. */
  open: 256,
  /** Of these, responses that are being decompressed, which takes memory of the host. */
  openCompressed: 64,
  /** Requests that the envelope lists. */
  records: LIMITS.hostRequests,
  /** Characters of a URL or an error there. */
  recordCharacters: 1024,
} as const;

export type NetworkLimits = { readonly [Name in keyof typeof NETWORK_LIMITS]: number };
