/** What one client can ask of a worker. Each is in `docs/worker-protocol.md`; the limits of runs hold beside them. */
export const WORKER_LIMITS = {
  /** Bytes of one line of a client. A longer one is skipped to its end. */
  lineBytes: 64 * 1024 * 1024,
  /** Runs, loads and whatever else waits for its answer at once. */
  open: 1000,
  /** Sessions that are open at once. */
  sessions: 1000,
  /** Bytes of the messages of all that is open. */
  openBytes: 512 * 1024 * 1024,
  /** Tools of one run. */
  tools: 1000,
  /** Characters of an id. */
  idCharacters: 200,
  /** Bytes that the client has not read, from which on output and events are dropped and no more is read of it. */
  unreadBytes: 64 * 1024 * 1024,
  /** Bytes that the client has not read, from which on results are replaced by an error. */
  unreadResultBytes: 1024 * 1024 * 1024,
  /** Bytes of JSON text of a result that an event carries. */
  eventResultBytes: 64 * 1024,
  /** Milliseconds that a client has for reading the last answers when all has ended. */
  closeMs: 10_000,
} as const;
