/** What one MCP client can ask of the server. Each is in `docs/mcp.md`; the limits of runs hold beside them. */
export const MCP_LIMITS = {
  /** Milliseconds that `capsule run` waits for a client's first message. */
  openingMs: 10_000,
  /** Bytes that it reads until then. */
  openingBytes: 1024 * 1024,
  /** Bytes of one line of a client. A longer one is skipped to its end. */
  lineBytes: 32 * 1024 * 1024,
  /** Bytes that the client has not read, from which on no more is read of it. */
  unreadBytes: 64 * 1024 * 1024,
  /** Bytes that the client has not read, from which on progress is not told. */
  unreadProgressBytes: 1024 * 1024,
  /** Calls of tools that are under way at once; more are refused. */
  calls: 64,
  /** Calls of one session that are under way or wait for their turn. */
  sessionCalls: 16,
  /** Characters of one piece of code. */
  codeCharacters: 1_000_000,
  /** Characters of each text of an answer: printed text, value, traceback, one rich output. */
  textCharacters: 20_000,
  /** Characters of all rich outputs of one call that are no images. */
  outputCharacters: 40_000,
  /** Images of one call. */
  images: 10,
  /** Bytes of all images of one call, and of a binary file that is read: many clients read no more than 10 MB at once. */
  imageBytes: 4 * 1024 * 1024,
  /** Files that an answer lists. */
  files: 500,
  /** Bytes of a file that is written. */
  writeBytes: 16 * 1024 * 1024,
  /** Bytes of a text file that can be read, part by part. */
  readBytes: 64 * 1024 * 1024,
  /** Characters of a text file that one answer holds. */
  readCharacters: 50_000,
  /** Characters of a path. */
  pathCharacters: 1024,
  /** Milliseconds between two messages of progress. */
  progressMs: 100,
  /** Milliseconds without output after which progress says that the call goes on. */
  stillMs: 5000,
  /** Characters of one message of progress. */
  progressCharacters: 2000,
  /** Sessions that have ended and whose ends are remembered, for a good error. */
  endedSessions: 200,
  /** Milliseconds for closing everything when the client has ended: many kill a server after two seconds. */
  closeMs: 1500,
} as const;
