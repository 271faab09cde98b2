import { availableParallelism } from "node:os";
import { dirname, resolve } from "node:path";
import { checkMemory, policiesFor } from "@capsule-run/config";
import type { Transport } from "@capsule-run/host/network";
import { databaseFile, type Problem, problemText, Recorder, unwritable } from "@capsule-run/lifecycle";
import {
  type AttemptSpec,
  type Envelope,
  Line,
  type TaskManifest,
  UsageError,
  unlessAborted,
} from "@capsule-run/protocol";
import { refused } from "@capsule-run/scheduler";
import { follow } from "./abort.ts";
import type {
  ExportedProgram,
  LoadedProgram,
  Progress,
  RunRequest,
  RunResult,
  Runtime,
  RuntimeOptions,
  Session,
} from "./api.ts";
import { executeAttempt } from "./attempt.ts";
import { attemptSeed, randomBytes, randomId } from "./chance.ts";
import { Context } from "./context.ts";
import { takeEarly } from "./early.ts";
import { installedEngines } from "./engine-source.ts";
import { Fleet } from "./engines.ts";
import { LocalEngine } from "./local.ts";
import { type FoundProgram, locate, projectCache } from "./locate.ts";
import { CANCELLED, encodeArguments, runMain } from "./main.ts";
import { MemoryPlan } from "./memory.ts";
import { checkMounts } from "./mounts.ts";
import { recordScript } from "./parts.ts";
import type { Program } from "./program.ts";
import type { SessionSandbox } from "./session-sandbox.ts";
import { type Given, type Prepared, Sessions } from "./sessions.ts";
import { shownFrom } from "./shown.ts";
import { ProgramStore } from "./store.ts";
import { VERSION } from "./version.ts";
import { openWorld } from "./world.ts";

/** Makes a runtime. Its cells are started when they are needed. */
export async function createRuntime(options: RuntimeOptions = {}): Promise<Runtime> {
  const cwd = resolve(options.cwd ?? process.cwd());
  const warned = new Set<string>();
  const warn = (message: string, about = message): void => {
    if (!warned.has(about)) options.onWarning?.(message);
    warned.add(about);
  };
  /** The cache and the record of a project notice the same. */
  const warnUnwritable = (folder: string, code: string): void =>
    warn(unwritable(folder, code), `unwritable ${folder}`);
  const closing = new AbortController();
  const most = options.cells ?? availableParallelism();
  const progress = (step: Progress | null): void => options.onProgress?.(step);
  const memory = new MemoryPlan(options.memory);
  const fleet = new Fleet({
    engines: installedEngines({ progress, warn, signal: closing.signal }),
    most,
    kept: Math.floor(memory.kept / most),
    early: takeEarly(),
  });
  const store = new ProgramStore({
    ...{ version: VERSION, fleet, cwd, warn, progress },
    unwritable: ({ cacheDir, root }, code) => {
      if (cacheDir === projectCache(root)) warnUnwritable(dirname(cacheDir), code);
      else warn(`${cacheDir} can't be written (${code}): using a temporary cache`);
    },
  });
  const onProblem = (root: string, problem: Problem): void => {
    if (problem.kind === "unwritable") warnUnwritable(dirname(databaseFile(root)), problem.code);
    else warn(problemText(root, problem));
  };
  const recorder = options.record === false ? null : new Recorder({ script: recordScript(), onProblem });
  let transport: Promise<Transport> | null = null;
  const connections = (): Promise<Transport> => {
    transport ??= import("@capsule-run/host/network").then(({ createTransport }) => createTransport());
    return transport;
  };
  const runs = new Map<string, Context>();
  const contextOf = ({ run }: AttemptSpec): Context => {
    const context = runs.get(run);
    if (!context) throw new Error(`no run ${run}`);
    return context;
  };
  const sessionOf = (spec: AttemptSpec): SessionSandbox | null =>
    spec.path === "0" ? contextOf(spec).session : null;
  const local = new LocalEngine((spec, log) => executeAttempt(spec, log, contextOf(spec), memory), {
    cells: most,
    memory: memory.sandboxes,
    needs(spec) {
      const fresh = memory.atStart(spec, contextOf(spec).program.artifact.pages);
      return sessionOf(spec)?.needs(fresh, spec.policy.ram) ?? { sandbox: fresh, beside: 0, parked: 0 };
    },
    left: (spec) => sessionOf(spec)?.left() ?? 0,
  });

  const open = (): void => {
    if (closing.signal.aborted)
      throw new UsageError("runtime-closed", "the runtime was closed; make another one");
  };
  const names = new Set<string>();

  const find = (file: string, request: Omit<RunRequest, "file"> = {}): Promise<FoundProgram> => {
    const { env = process.env } = request;
    const from = resolve(cwd, request.cwd ?? ".");
    return locate(file, { cwd: from, cacheDir: options.cacheDir, env, warn, request });
  };

  /** What a run is made of; its world is null if it was cancelled before that was there. */
  const prepare = async (request: RunRequest, id: string, signal: AbortSignal): Promise<Prepared> => {
    const found = await find(request.file, request);
    const { project, allowed } = found;
    await checkMounts(request.mounts ?? [], project.root);
    const program = await unlessAborted(store.get(found), signal);
    if (!program) return { found, program, world: null };
    const { floor, manifest } = program;
    checkMemory(shownFrom(cwd, found), { floor, tasks: manifest.tasks }, project.defaults, allowed.ceiling);
    const secret = randomBytes(32);
    const opening = openWorld({
      ...{ run: id, root: found.root, tasks: program.manifest.tasks, environment: found.variables },
      ...{ policies: policiesFor(project.defaults, allowed), secrets: project.secrets },
      ...{ seed: () => attemptSeed(secret, "secrets", 0), transport: connections, signal, warn },
      disk: request.disk,
    });
    return { found, program, world: await unlessAborted(opening, signal) };
  };

  /**
   * @param signal ends it
   * @param broken what one of the caller's callbacks throws is told to it
   */
  const perform = async (
    request: RunRequest,
    id: string,
    signal: AbortSignal,
    broken: AbortController,
    given?: Given,
  ): Promise<RunResult> => {
    const queuedAt = Date.now();
    const { found, program, world } = given?.prepared ?? (await prepare(request, id, signal));
    const { allowed } = found;
    const session = given?.sandbox ?? null;
    const file = shownFrom(found.root, { path: found.path, given: found.path });
    const { entry, language } = program?.manifest ?? { entry: "main", language: null };
    const artifact = program?.artifact.hash ?? null;
    const record = recorder?.begin(found.root, { id, file, entry, language, artifact, queuedAt }) ?? null;
    const ended = (envelope: Envelope): RunResult => {
      record?.end(envelope);
      return { run: id, envelope };
    };
    if (!program || !world) return ended(refused(entry, CANCELLED));
    const main = program.tasks.get(entry) as TaskManifest;
    const args = encodeArguments(main, request);
    if (typeof args === "string") return ended(refused(entry, { error: "invalid_arguments", message: args }));
    const secret = randomBytes(32);
    const { root } = found;
    const parts = { program, root, world, secret, record, session, limits: allowed.ceiling };
    const context = new Context(parts, request, (cause) => broken.abort(cause));
    runs.set(id, context);
    try {
      if (!session?.isUsed) context.printLoadOutput();
      const result = ended(await runMain(id, main, args, context, local, signal));
      const { envelope } = result;
      if (broken.signal.aborted) throw broken.signal.reason;
      if (
        !envelope.success &&
        envelope.error.error_type === "internal_error" &&
        context.program.cells.broken !== null
      )
        throw new UsageError("engine", envelope.error.message);
      return result;
    } catch (error) {
      record?.endUnless(refused(entry, { error: "internal_error", message: String(error) }));
      throw error;
    } finally {
      await context.flushed();
      context.close();
      if (given) given.prepared.program = context.program;
      else world.close();
      runs.delete(id);
    }
  };

  const line = new Line(options.concurrency ?? Number.POSITIVE_INFINITY);
  /** A run whose turn has come. One that is cancelled needs no turn: it ends at once, and that is recorded. */
  const named = async (request: RunRequest, given?: Given): Promise<RunResult> => {
    open();
    const id = request.runId ?? randomId();
    if (names.has(id))
      throw new UsageError("run-option", `there is a run ${id} already: a runId names one run`);
    names.add(id);
    /** Aborted with what one of the caller's callbacks threw. */
    const broken = new AbortController();
    const ending = follow(closing.signal, broken.signal, ...(request.signal ? [request.signal] : []));
    const leave = await line.enter(ending.signal);
    try {
      return await perform(request, id, ending.signal, broken, given);
    } finally {
      leave?.();
      ending.done();
      names.delete(id);
    }
  };

  let held = 0;
  let holding: NodeJS.Timeout | undefined;
  /** Keeps this process up while somebody waits for `work`, whatever that waits for itself. */
  const hold = <T>(work: Promise<T>): Promise<T> => {
    if (held++ === 0) holding = setInterval(() => {}, LONGEST_TIMER);
    const done = (): void => {
      if (--held === 0) clearInterval(holding);
    };
    work.then(done, done);
    return work;
  };

  const running = new Set<Promise<RunResult>>();
  const run = (request: RunRequest, given?: Given): Promise<RunResult> => {
    const performed = hold(named(request, given));
    running.add(performed);
    const done = (): unknown => running.delete(performed);
    performed.then(done, done);
    return performed;
  };

  const sessions = new Sessions({
    ...{ memory, prepare, run, closing: closing.signal },
    parked: (bytes) => local.parked(bytes),
  });

  const close = async (): Promise<void> => {
    closing.abort();
    // Each ends as soon as its sandbox has stopped, or its cell was killed for not stopping it.
    await Promise.allSettled(running);
    await sessions.close();
    fleet.close();
    store.close();
    // Who waited for connections that could not be made has heard of it.
    await transport?.then((made) => made.close()).catch(() => {});
    await recorder?.close();
  };

  return {
    load(file) {
      const load = async (): Promise<LoadedProgram> => {
        open();
        return loaded(file, await store.get(await find(file)));
      };
      return hold(load());
    },
    export(file) {
      const write = async (): Promise<ExportedProgram> => {
        open();
        const made = await store.export(await find(file));
        return { ...loaded(file, made), exported: made.exported };
      };
      return hold(write());
    },
    openSession(request) {
      const opened = async (): Promise<Session> => {
        open();
        return sessions.open(request);
      };
      return hold(opened());
    },
    run: (request) => run(request),
    close,
    [Symbol.asyncDispose]: close,
  };
}

const loaded = (
  file: string,
  { manifest, cached, artifact }: Pick<Program, "manifest" | "cached" | "artifact">,
): LoadedProgram => ({
  file,
  manifest,
  cached,
  bytes: artifact.pages.length + artifact.bundle.length,
});

const LONGEST_TIMER = 2 ** 31 - 1;
