import type { LoadedProgram, Runtime } from "@capsule-run/runtime";
import type { Context } from "./context.ts";
import { showPath } from "./failure.ts";
import { oneLine } from "./format.ts";
import { progressView } from "./progress.ts";
import { programLine, snapshotLines, taskLines } from "./reporter.ts";
import { type Command, chooseProgram } from "./run.ts";

/** What `capsule build --json` prints: the manifest without the output of the program's top level. */
function buildJson({ file, cached, bytes, manifest }: LoadedProgram): string {
  const { language, variant, needs, engine, entry, source, snapshot, reasons, tasks } = manifest;
  return JSON.stringify({
    file,
    cached,
    bytes,
    language,
    variant,
    needs,
    engine,
    entry,
    source,
    snapshot,
    reasons,
    tasks,
  });
}

/** Loads a program; null when the user interrupts first. */
function load(runtime: Runtime, file: string, context: Context): Promise<LoadedProgram | null> {
  const { signal } = context.interruption;
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => resolve(null), { once: true });
    runtime.load(file).then(resolve, reject);
  });
}

/** `capsule build`. */
export async function build(command: Command, context: Context): Promise<number> {
  const { output, paint, interruption } = context;
  const file = await chooseProgram(command, context);
  const started = performance.now();
  const runtime = await context.services.createRuntime({
    cwd: context.cwd,
    onProgress: progressView(output.stderr),
    onWarning: (message) => output.stderr.write(`${paint("yellow", "warning:")} ${oneLine(message)}\n`),
  });
  try {
    const program = await load(runtime, file, context);
    if (program === null) return interruption.exitCode ?? 0;
    if (command.json) output.stdout.write(`${buildJson(program)}\n`);
    const name = showPath(file, context.cwd);
    output.stderr.write(programLine(program, name, performance.now() - started, paint));
    if (command.verbose) output.stderr.write(snapshotLines(program) + taskLines(program));
    return 0;
  } finally {
    await runtime.close();
  }
}
