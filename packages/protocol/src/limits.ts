/**
 * Limits that hold for every sandbox, whatever its policy says. Anything unbounded is a bug; each is named in
 * `docs/limits.md` and in the error a user gets.
 */
export const LIMITS = {
  /** Bytes of JSON text of one result. */
  resultBytes: 32 * 1024 * 1024,
  /** Bytes of JSON text of one call's arguments. */
  argumentBytes: 32 * 1024 * 1024,
  /** Bytes of console output of one attempt; the rest is dropped with a notice. */
  attemptOutputBytes: 8 * 1024 * 1024,
  /** Bytes of console output of one run, all tasks together. */
  runOutputBytes: 64 * 1024 * 1024,
  /** Bytes of console output of a program's top-level code that are printed again at the start of each run. */
  loadOutputBytes: 64 * 1024,
  /** Characters of one error report that the host keeps. */
  errorCharacters: 64 * 1024,
  /** Units of fuel of an attempt after which the host hears of it once more: what a run's budget can be late by. */
  fuelReport: 200_000_000,
  /** Bytes of memory of one sandbox: all that WebAssembly can address. */
  memoryBytes: 4 * 1024 ** 3,
  /** Nesting of tasks that call tasks; `main` is at depth 0. */
  depth: 100,
  /** Calls of one attempt that may be pending at once. */
  pendingCalls: 100_000,
  /** Bytes of one run's pending calls and requests: what they hand over, and `callBytes` each. */
  queuedBytes: 512 * 1024 * 1024,
  /** Bytes of the host's memory that a pending call or request takes beside what it hands over. */
  callBytes: 4096,
  /** Tasks a program may define. */
  tasks: 10_000,
  /** Bytes of one bundled program. */
  bundleBytes: 64 * 1024 * 1024,
  /** Bytes of an exported artifact: its engine, its memory, its program and its licences. */
  artifactBytes: 512 * 1024 * 1024,
  /** Characters of the list of a program's tasks, with the sources of their functions, as JSON. */
  manifestCharacters: 4 * 1024 * 1024,
  /** Bytes of an error report, as JSON. */
  reportBytes: 512 * 1024,
  /** Bytes of a frame's head: all that a host parses of what a cell sends. */
  headBytes: 24 * 1024 * 1024,
  /** Bytes of one frame between host and cell. */
  frameBytes: 320 * 1024 * 1024,
  /** Bytes of the head of a request for a file or an HTTP exchange: paths, URLs, headers. */
  effectHeadBytes: 512 * 1024,
  /** Bytes of such a request or its answer: what is written or read at once, a tool's arguments and its result. */
  effectBytes: 32 * 1024 * 1024,
  /** Requests for files and HTTP, and calls of tools, of one attempt that may be pending at once. */
  pendingEffects: 10_000,
  /** Calls of tools of one run, those that are refused included. */
  toolCalls: 100_000,
  /** Calls of tools of one run that the host is given at once; others wait for their turn. */
  toolCallsAtOnce: 32,
  /**
   * Values in the arguments of one call of a tool, lists and objects included: what the host makes of them takes many
   * times the memory of their text.
   */
  toolValues: 250_000,
  /** Bytes that the arguments of one run's calls take of the host's memory at once, by an estimate: beyond it calls wait. */
  toolArgumentBytes: 128 * 1024 * 1024,
  /** Characters of the message of a tool's failure; the rest is cut off. */
  toolMessageCharacters: 8192,
  /** Bytes of answers that an attempt was sent and has not taken: beyond it, its async requests for more wait. */
  untakenBytes: 64 * 1024 * 1024,
  /** Bytes of answers that an attempt has taken and the host does not know of yet. */
  takenReport: 4 * 1024 * 1024,
  /** HTTP requests of one task execution that its envelope lists; later ones are made, but not listed. */
  hostRequests: 1000,
  /** Bytes of a file that come with its opening, so that reading it takes one round trip. */
  filePrefetchBytes: 64 * 1024,
  /** Bytes that one run, or a session, may add to the disk: what its files grow by, and `entryBytes` each. */
  diskBytes: 64 * 1024 ** 3,
  /** Bytes that a file or a folder counts for beside what is in it. */
  entryBytes: 4096,
  /** Sessions of a runtime that are open at once. */
  sessions: 1000,
  /** Secrets of one run. */
  secrets: 100,
  /** Characters of the value of a secret. */
  secretCharacters: 8192,
  /** Bytes of a `.env` file, of a secret's file, and of what a secret's command prints. */
  environmentBytes: 1024 * 1024,
  /** Milliseconds that the command of a secret may take. */
  secretCommandMs: 30_000,
  /** Nesting of JSON values in arguments and results. */
  valueDepth: 1000,
  /** Digits of one integer in them: Python's have any number. */
  integerDigits: 100_000,
  /** Digits of all integers of one text that have more than 4,300: reading them takes a time that grows with their square. */
  longDigits: 1_000_000,
  /** Characters of one piece of code that `execute` or a session runs. */
  codeCharacters: 4 * 1024 * 1024,
  /** Characters of the JSON text of the value of such a piece; one that has more has its text only. */
  valueBytes: 8 * 1024 * 1024,
  /** Characters of the text of that value. */
  valueCharacters: 64 * 1024,
  /** Rich outputs of such a piece: figures, HTML, images. */
  richOutputs: 100,
  /** Characters of them all, images as base64. */
  richOutputBytes: 16 * 1024 * 1024,
  /** Files of a workspace that are listed. */
  workspaceFiles: 10_000,
  /** Bytes of a file of a workspace that is read into memory at once. */
  workspaceReadBytes: 256 * 1024 * 1024,
  /** What the program's top-level code gets while it is loaded. */
  load: { fuel: 50_000_000_000, timeoutMs: 30_000, ram: 1024 ** 3 },
} as const;
