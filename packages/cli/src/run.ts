import { type Envelope, envelopeJson, isUsageError, UsageError } from "@capsule-run/protocol";
import type { Output as GuestOutput, RunEvent, Runtime } from "@capsule-run/runtime";
import type { Context } from "./context.ts";
import { showPath } from "./failure.ts";
import { manyLines, oneLine } from "./format.ts";
import type { Invocation } from "./options.ts";
import { findProgram } from "./program.ts";
import { progressView } from "./progress.ts";
import { eventLine, programLine, snapshotLines, summaryLine } from "./reporter.ts";
import { stdinIsConnection } from "./stdin.ts";

export type Command = Extract<Invocation, { kind: "command" }>;

const NEWLINE = 10;

/** Writes the guest's output and our own lines so that ours always begin a line. */
class Console {
  readonly #context: Context;
  readonly #json: boolean;
  #midLine = false;

  constructor(context: Context, json: boolean) {
    this.#context = context;
    this.#json = json;
  }

  guest(output: GuestOutput): void {
    if (output.bytes.length === 0) return;
    const { stdout, stderr, shared } = this.#context.output;
    const toStderr = this.#json || output.stream === "stderr";
    (toStderr ? stderr : stdout).write(output.bytes);
    if (toStderr || shared) this.#midLine = output.bytes.at(-1) !== NEWLINE;
  }

  /** A whole line, or several, of ours on stderr. */
  say(text: string): void {
    this.#context.output.stderr.write(this.#midLine ? `\n${text}` : text);
    this.#midLine = false;
  }

  /** The result on stdout, behind everything the guest printed. */
  async result(text: string): Promise<void> {
    const { stdout, stderr, shared } = this.#context.output;
    await Promise.all([stdout.drained(), stderr.drained()]);
    stdout.write(text);
    if (shared) this.#midLine = false;
    await stdout.drained();
  }
}

/** A string as it is, else JSON; nothing for null. */
function resultText(resultJson: string): string {
  if (resultJson === "null") return "";
  return `${resultJson.startsWith('"') ? (JSON.parse(resultJson) as string) : resultJson}\n`;
}

function findEntrypoint(path: string, cwd: string): string {
  try {
    return findProgram(showPath(path, cwd), cwd);
  } catch (error) {
    if (!isUsageError(error)) throw error;
    throw new UsageError(error.slug, `the entrypoint of capsule.toml: ${error.text}`);
  }
}

/** The program a command is about: FILE, else the project's entrypoint. */
export async function chooseProgram(command: Command, context: Context): Promise<string> {
  if (command.file !== null) return findProgram(command.file, context.cwd);
  const entrypoint = await context.services.findEntrypoint(context.cwd);
  if (entrypoint !== null) return findEntrypoint(entrypoint, context.cwd);
  const name = `capsule ${command.command.name}`;
  throw new UsageError(
    "no-entrypoint",
    `"${name}" needs a program: ${name} FILE, or an entrypoint in the [workflow] section of capsule.toml`,
  );
}

async function chooseArguments(command: Command, context: Context): Promise<readonly unknown[]> {
  if (command.argsFile === null) return command.args;
  return (await import("./args-file.ts")).readArgsFile(command.argsFile, context.cwd);
}

async function report(
  envelope: Envelope,
  command: Command,
  context: Context,
  console: Console,
): Promise<void> {
  if (command.json) await console.result(`${envelopeJson(envelope)}\n`);
  else if (envelope.success) await console.result(resultText(envelope.resultJson));
  // A reader that left (`| head`) ended the run: that is no failure to tell of.
  if (context.output.stdout.closed) return;
  if (!envelope.success) console.say(`${manyLines(envelope.error.message).trimEnd()}\n`);
  console.say(summaryLine(envelope, context.paint));
}

async function execute(runtime: Runtime, file: string, command: Command, context: Context, console: Console) {
  const args = await chooseArguments(command, context);
  const started = performance.now();
  const { paint } = context;
  if (command.verbose) {
    const program = await runtime.load(file);
    const name = showPath(file, context.cwd);
    console.say(programLine(program, name, performance.now() - started, paint) + snapshotLines(program));
  }
  const began = performance.now();
  const onEvent = (event: RunEvent): void => console.say(eventLine(event, performance.now() - began, paint));
  const { envelope } = await runtime.run({
    file,
    args,
    mounts: command.mounts,
    sealed: command.flags.has("--sealed"),
    signal: context.interruption.signal,
    onOutput: (output) => console.guest(output),
    onEvent: command.verbose ? onEvent : undefined,
  });
  return envelope;
}

/** The exit code of a run that ended, however it was asked to. */
function exitCode(envelope: Envelope | null, context: Context): number {
  if (context.interruption.exitCode !== null) return context.interruption.exitCode;
  const cancelled = envelope === null || (!envelope.success && envelope.error.error_type === "cancelled");
  if (context.output.stdout.closed && cancelled) return 0;
  return envelope?.success ? 0 : 1;
}

/** Whether it can be an MCP client that says this: those say nothing else. */
const mayServe = ({ file, args, flags }: Command): boolean =>
  file === null && args.length === 0 && flags.size === 0 && stdinIsConnection();

/** `capsule run`. With nothing to run it serves MCP, if a client asks for that. */
export async function run(command: Command, context: Context): Promise<number> {
  if (mayServe(command) && (await context.services.findEntrypoint(context.cwd)) === null) {
    const code = await (await import("./mcp/mcp.ts")).serveIfAsked(context);
    if (code !== null) return code;
  }
  return runProgram(await chooseProgram(command, context), command, context);
}

/** Runs a program, from its source or from an artifact. */
export async function runProgram(file: string, command: Command, context: Context): Promise<number> {
  const console = new Console(context, command.json);
  const runtime = await context.services.createRuntime({
    cwd: context.cwd,
    onProgress: progressView(context.output.stderr),
    onWarning: (message) => console.say(`${context.paint("yellow", "warning:")} ${oneLine(message)}\n`),
  });
  try {
    const envelope = await execute(runtime, file, command, context, console);
    await report(envelope, command, context, console);
    return exitCode(envelope, context);
  } catch (error) {
    // Stopped before there was an envelope, while it was being compiled.
    if (context.interruption.signal.aborted) return exitCode(null, context);
    throw error;
  } finally {
    await runtime.close();
  }
}
