import { isUsageError, UsageError } from "@capsule-run/protocol";
import { painter } from "./colour.ts";
import type { Context, Services } from "./context.ts";
import { describeFailure } from "./failure.ts";
import { listenForInterruption } from "./interrupt.ts";
import { type Invocation, parseArguments } from "./options.ts";
import { type Output, openOutput } from "./output.ts";
import { run } from "./run.ts";

export { services } from "./services.ts";

async function dispatch(invocation: Invocation, context: Context): Promise<number> {
  const { stdout } = context.output;
  switch (invocation.kind) {
    case "version":
      stdout.write(`${(await import("./version.ts")).VERSION}\n`);
      return 0;
    case "help":
      stdout.write((await import("./help.ts")).helpText(invocation.command));
      return 0;
    case "command":
      if (invocation.command.name === "run") return run(invocation, context);
      if (invocation.command.name === "exec") return (await import("./exec.ts")).exec(invocation, context);
      if (invocation.command.name === "engines")
        return (await import("./engines.ts")).engines(invocation, context);
      if (invocation.command.name === "runs") return (await import("./runs.ts")).runs(invocation, context);
      if (invocation.command.name === "inspect")
        return (await import("./inspect.ts")).inspect(invocation, context);
      if (invocation.command.name === "worker") return (await import("./worker/worker.ts")).worker(context);
      if (invocation.command.name === "mcp") return (await import("./mcp/mcp.ts")).mcp(invocation, context);
      return (await import("./build.ts")).build(invocation, context);
  }
}

/** A signal that was sent to a group reaches each of its processes within this. */
const SIGNAL_MS = 50;

/** Waits until everything is written. A full disk under stdout is a failure too; a reader that has gone is none. */
async function flush(output: Output, code: number): Promise<number> {
  await output.stdout.drained();
  const { failure } = output.stdout;
  if (failure) output.stderr.write(`error: writing to stdout failed: ${failure.message}\n`);
  await output.stderr.drained();
  return failure && code === 0 ? 1 : code;
}

function currentFolder(): string {
  try {
    return process.cwd();
  } catch {
    throw new UsageError("file-not-found", "the working directory does not exist any more");
  }
}

/**
 * The command line: reads the arguments, does what they say and ends the process when all output is written.
 * `words` are the arguments without node and script.
 */
export async function main(words: readonly string[], services: Services): Promise<never> {
  const interruption = listenForInterruption((code) => process.exit(code));
  const output = openOutput(() => interruption.stop());
  const paint = painter(process.env, output.stderr.terminal);
  let cwd = "/";
  let verbose = words.includes("--verbose");
  const end = async (error: unknown): Promise<never> => {
    const { text, exitCode } = describeFailure(error, { cwd, paint, verbose });
    output.stderr.write(text);
    return process.exit(await flush(output, exitCode));
  };
  process.once("uncaughtException", end);
  process.once("beforeExit", () => end(new Error("the command came to a stop before its end")));
  try {
    const invocation = parseArguments(words);
    if (invocation.kind === "command") verbose = invocation.verbose;
    cwd = currentFolder();
    const code = await dispatch(invocation, { cwd, output, paint, interruption, services });
    return process.exit(await flush(output, code));
  } catch (error) {
    // Ctrl-C goes to the whole group: a helper such as the bundler may be gone before the signal reaches us.
    if (!isUsageError(error)) await new Promise((resolve) => setTimeout(resolve, SIGNAL_MS));
    if (interruption.exitCode !== null) return process.exit(await flush(output, interruption.exitCode));
    return end(error);
  }
}
