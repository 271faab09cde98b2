import { createHmac, randomBytes, randomUUID } from "node:crypto";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { readEngineInfo } from "@capsule-run/guest-javascript/drive";
import { type Envelope, LIMITS, type TaskManifest, UsageError } from "@capsule-run/protocol";
import { refused } from "@capsule-run/scheduler";
import type {
  LoadedProgram,
  Output,
  RunEvent,
  RunRequest,
  RunResult,
  Runtime,
  RuntimeOptions,
} from "./api.ts";
import { executeAttempt, type RunContext } from "./attempt.ts";
import { Calls } from "./calls.ts";
import { CellPool } from "./cells.ts";
import { takeEarly } from "./early.ts";
import { LocalEngine } from "./local.ts";
import { cellParts } from "./parts.ts";
import type { Program } from "./program.ts";
import { type ProgramFile, ProgramStore } from "./store.ts";
import { VERSION } from "./version.ts";
import * as words from "./words.ts";

/** Makes a runtime. Its cells are started when they are needed. */
export async function createRuntime(options: RuntimeOptions = {}): Promise<Runtime> {
  const cwd = resolve(options.cwd ?? process.cwd());
  const parts = cellParts();
  const engine = readEngineInfo(parts.engine);
  const most = options.cells ?? availableParallelism();
  const cells = new CellPool(parts, engine.hash, most, takeEarly());
  const warned = new Set<string>();
  const warn = (message: string): void => {
    if (!warned.has(message)) options.onWarning?.(message);
    warned.add(message);
  };
  const store = new ProgramStore({ version: VERSION, engine, cells, cwd, warn });
  const runs = new Map<string, RunContext>();
  const local = new LocalEngine((spec, log) => {
    const context = runs.get(spec.run);
    if (!context) throw new Error(`no run ${spec.run}`);
    return executeAttempt(spec, log, context, cells);
  }, most);
  const closing = new AbortController();

  const find = async (file: string): Promise<Program> => store.get(await locate(file, cwd, options.cacheDir));

  const run = async (request: RunRequest): Promise<RunResult> => {
    if (closing.signal.aborted) throw new Error("the runtime is closed");
    const program = await find(request.file);
    const id = randomUUID();
    const main = program.tasks.get("main") as TaskManifest;
    const args = Buffer.from(JSON.stringify(request.args ?? []));
    const problem = argumentProblem(main, request.args ?? [], args);
    if (problem) return { run: id, envelope: refuse("main", problem) };
    const signal = AbortSignal.any([closing.signal, ...(request.signal ? [request.signal] : [])]);
    const context = runContext(program, request);
    runs.set(id, context);
    try {
      printLoadOutput(program, request);
      return { run: id, envelope: await runMain(id, main, args, context, local, signal) };
    } finally {
      runs.delete(id);
    }
  };

  const close = async (): Promise<void> => {
    closing.abort();
    cells.close();
    store.close();
  };

  return {
    async load(file): Promise<LoadedProgram> {
      const { manifest, cached, artifact } = await find(file);
      return { file, manifest, cached, bytes: artifact.body.length };
    },
    run,
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function locate(file: string, cwd: string, cacheDir: string | undefined): Promise<ProgramFile> {
  const { readProject } = await import("@capsule-run/config");
  const { root } = await readProject({ file, cwd });
  return {
    path: resolve(cwd, file),
    given: file,
    root,
    cacheDir: cacheDir ?? join(root, ".capsule", "cache"),
  };
}

function runContext(program: Program, { onOutput, onEvent }: RunRequest): RunContext {
  const secret = randomBytes(32);
  let printed = 0;
  return {
    program,
    queuedBytes: 0,
    seed: (path, attempt) => createHmac("sha256", secret).update(`${path}#${attempt}`).digest("hex"),
    emit: (event: RunEvent) => onEvent?.(event),
    output: (output: Output) => {
      printed += output.bytes.length;
      if (printed <= LIMITS.runOutputBytes) onOutput?.(output);
    },
  };
}

/** What the program printed when it was loaded, as if it had been loaded for this run. */
function printLoadOutput({ manifest }: Program, { onOutput }: RunRequest): void {
  for (const { stream, text } of manifest.output)
    onOutput?.({
      stream: stream === 1 ? "stdout" : "stderr",
      bytes: Buffer.from(text),
      task: "main",
      path: "0",
    });
}

/** Executes `main` with its retries: a run is a caller with one call. */
async function runMain(
  run: string,
  main: TaskManifest,
  args: Uint8Array,
  context: RunContext,
  local: LocalEngine,
  signal: AbortSignal,
): Promise<Envelope> {
  const log = local.root(signal);
  let seq = 0;
  const { program, emit } = context;
  const calls = new Calls({ run, artifact: program.artifact.hash, log, emit, nextSeq: () => ++seq });
  calls.start({ id: 0, path: "0", task: "main", policy: main.policy, args });
  for (;;) {
    const completion = await log.next();
    const done = completion && calls.completed(completion);
    if (done) return done.envelope;
  }
}

/** What is wrong with the arguments for `main`, if anything is. */
function argumentProblem(
  { parameters }: TaskManifest,
  args: readonly unknown[],
  json: Uint8Array,
): string | null {
  if (json.length > LIMITS.argumentBytes) return words.limit("argumentBytes", LIMITS.argumentBytes);
  if (!parameters) return null;
  const { names, required, rest } = parameters;
  if (args.length >= required && (rest || args.length <= names.length)) return null;
  return words.wrongArguments(names, required, rest, args.length);
}

const refuse = (task: string, message: string): Envelope =>
  refused(task, { ok: false, error: "invalid_arguments", message, usage: { fuel: 0, ram: 0, ms: 0 } });

export { UsageError };
