import { nearest, UsageError, type UsageSlug } from "@capsule-run/protocol";

/** One option of a command. */
export interface OptionRow {
  readonly flag: `--${string}`;
  readonly short?: `-${string}`;
  /** The name of its value in the help; absent: a switch. */
  readonly value?: string;
  readonly help: string;
  /** Whether it may be given more than once. */
  readonly repeats?: true;
}

/** One command. */
export interface CommandRow {
  readonly name: string;
  readonly operands: readonly string[];
  readonly summary: string;
  readonly details: readonly string[];
  readonly options: readonly OptionRow[];
  readonly examples: readonly string[];
  /** Whether operands after the first are arguments that are passed on, dashes included. */
  readonly passes?: true;
}

const JSON_ROW = { flag: "--json" } as const;
const HELP: OptionRow = { flag: "--help", short: "-h", help: "show this help" };
const VERSION: OptionRow = { flag: "--version", help: "show the version" };

/** What `run` and `exec` have in common. */
const RUN_OPTIONS: readonly OptionRow[] = [
  { ...JSON_ROW, help: "print one line on stdout, the envelope; all other output goes to stderr" },
  {
    flag: "--verbose",
    help: "a line on stderr for each event of a task; stack traces of internal errors",
  },
  { flag: "--args-file", value: "FILE", help: "read main's arguments from a JSON array; excludes ARGS" },
  {
    flag: "--mount",
    value: "HOST[::GUEST][:ro|:rw]",
    help: "give all tasks a folder of the project; repeatable",
    repeats: true,
  },
  { flag: "--sealed", help: "no files, hosts or variables, whatever the program asks for" },
  HELP,
];

/** All commands with their options: what is parsed and what help says are both made from this. */
export const COMMANDS: readonly CommandRow[] = [
  {
    name: "run",
    operands: ["[FILE]", "[ARGS…]"],
    summary: "compile a program (cached) and run its task main",
    details: [
      "FILE is .ts, .mts, .cts, .tsx, .js, .mjs, .cjs, .jsx or .py; without it, the entrypoint of capsule.toml.",
      "ARGS reach main as strings. From the first one on everything is an argument, dashes included;",
      "put -- before a first one that begins with a dash.",
      "The program's stdout goes to stdout, followed by the result: a string as it is, else JSON, nothing for",
      "null. Its stderr goes to stderr, followed by one summary line.",
    ],
    options: RUN_OPTIONS,
    examples: ["capsule run hello.ts", "capsule run --json report.ts 2026 --draft"],
    passes: true,
  },
  {
    name: "build",
    operands: ["[FILE]"],
    summary: "compile a program into the cache, or into a file",
    details: [
      "FILE as for run. A line on stderr says what was built.",
      "With --export the program is written beside FILE, as an artifact: one file with all that it needs, which",
      "capsule exec runs on any machine that has this version of Capsule.",
    ],
    options: [
      { ...JSON_ROW, help: "print one line on stdout: the tasks, their limits, sizes and hashes" },
      { flag: "--verbose", help: "say when the snapshot was taken and why; list the tasks" },
      { flag: "--export", help: "write STEM.wasm beside FILE" },
      HELP,
    ],
    examples: ["capsule build hello.ts", "capsule build --export hello.ts"],
  },
  {
    name: "exec",
    operands: ["FILE.wasm", "[ARGS…]"],
    summary: "run an artifact that build --export wrote",
    details: [
      "Needs neither the program's source nor a compiler. Arguments, output and exit codes are those of run.",
      "A file that is damaged, forged, or of another version of Capsule is refused.",
    ],
    options: RUN_OPTIONS,
    examples: ["capsule exec hello.wasm", "capsule exec --json report.wasm 2026 --draft"],
    passes: true,
  },
  {
    name: "worker",
    operands: [],
    summary: "serve runs over stdin and stdout for other languages",
    details: [
      "One JSON message a line in both directions, as docs/worker-protocol.md describes them. Ends with its input:",
      "what runs then is cancelled.",
    ],
    options: [HELP],
    examples: ["capsule worker"],
  },
  {
    name: "mcp",
    operands: [],
    summary: "serve MCP over stdin and stdout: tools that run code in sandboxes",
    details: [
      "For the configuration of an MCP client, which starts it and ends it by closing its input. Code reaches nothing",
      "that is not allowed here; a call may ask for less. Each option may also be a variable of the environment:",
      "CAPSULE_MCP_COMPUTE, _RAM, _TIMEOUT, _ALLOWED_HOSTS (with commas), _MAX_SESSIONS, _SESSION_IDLE.",
    ],
    options: [
      {
        flag: "--compute",
        value: "AMOUNT",
        help: "fuel of a call: LOW, MEDIUM, HIGH or units; default HIGH",
      },
      { flag: "--ram", value: "SIZE", help: "memory of a sandbox; default 2GB" },
      { flag: "--disk", value: "SIZE", help: "files of a sandbox; default 1GB" },
      { flag: "--timeout", value: "TIME", help: "of a call, such as 30s; default 60s" },
      {
        flag: "--allow-host",
        value: "HOST",
        help: "let code send requests to it; repeatable",
        repeats: true,
      },
      { flag: "--max-sessions", value: "N", help: "sessions that are open at once; default 8" },
      { flag: "--session-idle", value: "TIME", help: "close a session that rests so long; default 30m" },
      HELP,
    ],
    examples: ["capsule mcp", "capsule mcp --timeout 20s --ram 512MB --allow-host api.example.com"],
  },
  {
    name: "engines",
    operands: [],
    summary: "list the engines that are installed, with versions, sizes and hashes",
    details: [
      "The Python engine is fetched and made ready when it is first needed; --prepare does that ahead of time,",
      "for images of machines and for work without a network.",
    ],
    options: [
      { flag: "--prepare", help: "fetch and make ready whatever is not" },
      { flag: "--verify", help: "hash every file; the exit code is 1 if one is not what it has to be" },
      { ...JSON_ROW, help: "print one line on stdout: the list" },
      { flag: "--verbose", help: "name all packages and files" },
      HELP,
    ],
    examples: ["capsule engines", "capsule engines --prepare"],
  },
  {
    name: "runs",
    operands: [],
    summary: "list what ran and what runs, the newest first",
    details: [
      "Of the project of the working directory, which keeps its last 10,000 finished runs. A state is running,",
      "succeeded, failed, cancelled, or lost: the process was killed before the run had ended.",
    ],
    options: [
      { flag: "--limit", value: "N", help: "at most so many; default 20, with --json all" },
      { ...JSON_ROW, help: "print one line on stdout: the list" },
      HELP,
    ],
    examples: ["capsule runs", "capsule runs --json --limit 1"],
  },
  {
    name: "inspect",
    operands: ["ID"],
    summary: "show a run: its state, the tree of its tasks, times, fuel, errors",
    details: [
      "ID is as capsule runs prints it; its beginning will do if no other run begins so.",
      "A large tree is cut to 200 tasks, those first that failed or are under way.",
    ],
    options: [
      { flag: "--follow", help: "go on until the run ends: redraw on a terminal, else print what changes" },
      { flag: "--all", help: "show every task" },
      {
        ...JSON_ROW,
        help: "one line on stdout, the run and its tasks; with --follow one for a change",
      },
      HELP,
    ],
    examples: ["capsule inspect 4f2a91c0", "capsule inspect --follow 4f2a91c0"],
  },
];

/** Options of `capsule` itself. */
export const TOP_OPTIONS: readonly OptionRow[] = [HELP, VERSION];

/** Commands that are promised and do not exist yet. */
const LATER: readonly string[] = ["logs", "cancel", "resume", "signal", "prune"];

/** What the exit codes mean, for help and docs. */
export const EXIT_CODES: readonly (readonly [number, string])[] = [
  [0, "success"],
  [1, "the main task failed, or an internal error"],
  [2, "wrong use, configuration or compile error"],
  [130, "interrupted (143 by SIGTERM, 129 by SIGHUP)"],
];

/** A command line, understood. */
export type Invocation =
  | { readonly kind: "version" }
  | { readonly kind: "help"; readonly command: CommandRow | null }
  | {
      readonly kind: "command";
      readonly command: CommandRow;
      readonly file: string | null;
      readonly args: readonly string[];
      readonly json: boolean;
      readonly verbose: boolean;
      readonly argsFile: string | null;
      /** All options that were given, as they are named in the table. */
      readonly flags: ReadonlySet<string>;
      /** The values of those that have one, and are given once. */
      readonly values: ReadonlyMap<string, string>;
      /** The values of options that may be given more than once, in their order. */
      readonly lists: ReadonlyMap<string, readonly string[]>;
      readonly mounts: readonly string[];
    };

const wrong = (message: string, slug: UsageSlug = "arguments"): UsageError => new UsageError(slug, message);
const notYet = (what: string): UsageError =>
  new UsageError("not-yet", `${what} is not yet possible with this version of Capsule`);

/** Words of the user in our messages: quoted, with control characters escaped. */
const quote = (word: string): string => JSON.stringify(word);

const commandNames = (): string[] => COMMANDS.map((command) => command.name);

function unknownCommand(word: string): UsageError {
  if (LATER.includes(word)) return notYet(`"capsule ${word}"`);
  if (/[./\\]/.test(word))
    return wrong(
      `unknown command ${quote(word)}; to run a program: capsule run ${word.replace(/\s/g, "\\$&")}`,
      "unknown-command",
    );
  const near = nearest(word, [...commandNames(), ...LATER, "help"]);
  return wrong(
    near
      ? `unknown command ${quote(word)}; did you mean "${near}"?`
      : `unknown command ${quote(word)}; there are ${commandNames().join(", ")} and help`,
    "unknown-command",
  );
}

function findCommand(word: string): CommandRow {
  const command = COMMANDS.find((row) => row.name === word);
  if (!command) throw unknownCommand(word);
  return command;
}

/** A negative number is an argument: no option looks like one. */
const isOption = (word: string): boolean => word.startsWith("-") && word !== "-" && !/^-[.\d]/.test(word);

/** The option a word names, with the value that stands behind its `=`. */
function readOption(
  word: string,
  rows: readonly OptionRow[],
  owner: string,
  hint: string,
): { row: OptionRow; inline: string | null } {
  const equals = word.indexOf("=");
  const name = equals < 0 ? word : word.slice(0, equals);
  const row = rows.find((candidate) => candidate.flag === name || candidate.short === name);
  if (!row) {
    const near = nearest(
      name,
      rows.map((candidate) => candidate.flag),
    );
    throw wrong(
      `unknown option ${quote(name)} of "${owner}"${near ? `; did you mean ${near}?` : hint}`,
      "unknown-option",
    );
  }
  const inline = equals < 0 ? null : word.slice(equals + 1);
  if (inline !== null && row.value === undefined)
    throw wrong(`${row.flag} takes no value, not ${quote(inline)}`);
  return { row, inline };
}

function readCommand(command: CommandRow, words: readonly string[]): Invocation {
  const owner = `capsule ${command.name}`;
  const operands: string[] = [];
  const options = new Map<string, string>();
  const lists = new Map<string, string[]>();
  const hint = command.passes ? "; an argument that begins with a dash stands behind --" : "";
  let at = 0;
  let ended = false;
  while (at < words.length) {
    const word = words[at++] as string;
    if (ended || !isOption(word)) {
      operands.push(word);
      if (command.passes && operands.length === 2) break;
    } else if (word === "--") {
      ended = true;
      if (command.passes && operands.length === 1) break;
    } else {
      const { row, inline } = readOption(word, command.options, owner, operands.length > 0 ? hint : "");
      if (row === HELP) return { kind: "help", command };
      const value = row.value === undefined ? "" : (inline ?? words[at++]);
      if (value === undefined || (row.value !== undefined && value === ""))
        throw wrong(`${row.flag} needs a value: ${row.flag} ${row.value}`);
      if (row.repeats) lists.set(row.flag, [...(lists.get(row.flag) ?? []), value]);
      else if (row.value !== undefined && options.has(row.flag)) throw wrong(`${row.flag} is given twice`);
      options.set(row.flag, value);
    }
  }
  operands.push(...words.slice(at));
  const [file = null, ...args] = operands;
  if (file !== null && command.operands.length === 0)
    throw wrong(`"${owner}" takes options only, not ${quote(file)}`);
  const operand = command.operands[0] === "ID" ? "ID" : "FILE";
  if (!command.passes && args.length > 0)
    throw wrong(
      `"${owner}" takes one ${operand === "ID" ? operand : "file"}; ${quote(args[0] as string)} is one too many`,
    );
  if (file === "") throw wrong(`${operand} of "${owner}" is empty`);
  if (operand === "ID" && file === null)
    throw wrong(`"${owner}" needs an ID: ${owner} ID; "capsule runs" lists them`);
  const argsFile = options.get("--args-file") ?? null;
  if (argsFile !== null && args.length > 0)
    throw wrong(`--args-file excludes arguments on the command line, such as ${quote(args[0] as string)}`);
  return {
    kind: "command",
    command,
    file,
    args,
    json: options.has("--json"),
    verbose: options.has("--verbose"),
    argsFile,
    flags: new Set(options.keys()),
    values: options,
    lists,
    mounts: lists.get("--mount") ?? [],
  };
}

function readHelp(words: readonly string[]): Invocation {
  const word = words[0];
  if (word === undefined || word === "help" || isOption(word)) return { kind: "help", command: null };
  return { kind: "help", command: findCommand(word) };
}

/**
 * Reads a command line (without node and script).
 * @throws UsageError for anything it does not know
 */
export function parseArguments(words: readonly string[]): Invocation {
  const [first, ...rest] = words;
  if (first === undefined) return { kind: "help", command: null };
  if (first === "help") return readHelp(rest);
  if (!isOption(first)) return readCommand(findCommand(first), rest);
  const { row } = readOption(first, TOP_OPTIONS, "capsule", optionBeforeCommand(first));
  return row === VERSION ? { kind: "version" } : readHelp(rest);
}

/** `capsule --json run x`: the option exists, but stands in the wrong place. */
function optionBeforeCommand(word: string): string {
  const name = word.split("=")[0];
  const owner = COMMANDS.find((command) => command.options.some((row) => row.flag === name));
  return owner ? `; options stand behind the command: capsule ${owner.name} ${name}` : "";
}
