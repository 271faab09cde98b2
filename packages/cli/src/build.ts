import { unlessAborted } from "@capsule-run/protocol";
import type { ExportedProgram, LoadedProgram, Runtime } from "@capsule-run/runtime";
import type { Context } from "./context.ts";
import { showPath } from "./failure.ts";
import { oneLine } from "./format.ts";
import { progressView } from "./progress.ts";
import { exportLine, programLine, snapshotLines, taskLines } from "./reporter.ts";
import { type Command, chooseProgram } from "./run.ts";

/** What `capsule build --json` prints: the manifest without the output of the program's top level. */
function buildJson(program: LoadedProgram | ExportedProgram): string {
  const { file, cached, bytes, manifest } = program;
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
    ...("exported" in program ? { exported: program.exported } : {}),
  });
}

const compile = (
  runtime: Runtime,
  file: string,
  command: Command,
): Promise<LoadedProgram | ExportedProgram> =>
  command.flags.has("--export") ? runtime.export(file) : runtime.load(file);

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
    const program = await unlessAborted(compile(runtime, file, command), context.interruption.signal);
    if (program === null) return interruption.exitCode ?? 0;
    if (command.json) output.stdout.write(`${buildJson(program)}\n`);
    const name = showPath(file, context.cwd);
    output.stderr.write(programLine(program, name, performance.now() - started, paint));
    if ("exported" in program)
      output.stderr.write(exportLine(program, showPath(program.exported.file, context.cwd), paint));
    if (command.verbose) output.stderr.write(snapshotLines(program) + taskLines(program));
    return 0;
  } finally {
    await runtime.close();
  }
}
