import { type ChildProcess, fork } from "node:child_process";
import { constants, copyFileSync, linkSync, mkdirSync, mkdtempSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { digestSlowly, type Stamp, sameFile, stampOf } from "./digest.ts";
import { codeOf, EngineError, explained, isReadOnly, WrongFile } from "./failure.ts";
import { fetchArtifacts } from "./fetch.ts";
import { type Artifacts, type FindOptions, foundArtifacts } from "./find.ts";
import { keepLicences } from "./licences.ts";
import { withLock } from "./lock.ts";
import { PIN, versionsOf } from "./pin.ts";
import { enginesIn, makeTemporaryCache } from "./places.ts";
import type { Prepared, PrepareJob, PrepareMessage } from "./prepare.ts";
import { inWords, type Step } from "./progress.ts";
import { pruneEngines } from "./prune.ts";
import {
  ENGINE_PACKAGE,
  type EnginePlaces,
  findReadyEngine,
  otherPackage,
  type ReadyEngine,
  writeRecord,
} from "./ready.ts";
import { type EngineRecord, filesOf, hashOf, readRecord, STDLIB, type Variant } from "./record.ts";

export { EngineError } from "./failure.ts";

/** How to make an engine that is not there. */
export interface PythonOptions {
  /** Capsule's version. */
  readonly version: string;
  /** The script that calls `servePreparation`. */
  readonly script: string;
  readonly env: NodeJS.ProcessEnv;
  readonly onProgress?: ((step: Step) => void) | undefined;
  readonly onWarning?: ((message: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Starting the engine recurses deeper than Node's own stack allows, and most of its functions are never called. */
const NODE_OPTIONS = ["--stack-size=3900", "--wasm-lazy-validation"];

/**
 * The Python engine of this release, made ready if it is not: see `readyEngine`.
 * @throws EngineError
 */
export function makePython(
  places: EnginePlaces,
  variant: Variant,
  { onProgress, ...options }: PythonOptions,
): Promise<ReadyEngine> {
  return readyEngine(places, variant, {
    ...options,
    pin: PIN,
    execArgv: NODE_OPTIONS,
    onProgress: onProgress && ((progress) => onProgress(inWords(progress))),
  });
}

/** The same for any release. */
export interface MakeOptions extends FindOptions {
  /** Capsule's. */
  readonly version: string;
  /** The script that calls `servePreparation`, and options of the Node that executes it. */
  readonly script: string;
  readonly execArgv: readonly string[];
  /** How often to look whether another process has finished. */
  readonly pollMs?: number;
}

/** Under this name in the folder of engines: one process at a time fetches and makes. */
const LOCK = "making.lock";

/**
 * The engine, made ready if it is not. Looked for in this order: ready in the cache or in the npm package
 * `@capsule-run/engine-python`; to be made from artifacts in the cache, from those of an installed Python package, and
 * from what `uv` or `pip` fetches. (An engine in the cache was made from one of these, has the same bytes and is
 * verified; so it comes first, whatever else is installed.)
 * @throws EngineError
 */
export async function readyEngine(
  places: EnginePlaces,
  variant: Variant,
  options: MakeOptions,
): Promise<ReadyEngine> {
  const { onWarning } = options;
  const warned = new Set<string>();
  const ready = findReadyEngine(places, variant, ({ folder, file }) => {
    // Nobody repairs an npm package but npm.
    const path = join(folder, file);
    if (!warned.has(path)) onWarning?.(`the Python engine is damaged: ${path}; it is made anew`);
    warned.add(path);
  });
  if (ready) return ready;
  const other = otherPackage(places);
  if (other !== null)
    onWarning?.(
      `the npm package ${ENGINE_PACKAGE} is of Capsule ${other}, this is ${options.version}: it is not used`,
    );
  try {
    return await makeIn(places.cache, places, variant, options);
  } catch (error) {
    if (!isReadOnly(error)) throw error;
    const temporary = makeTemporaryCache();
    onWarning?.(
      `${places.cache} can't be written (${codeOf(error)}): the Python engine is kept in ${temporary}; set CAPSULE_CACHE_DIR to a folder that can`,
    );
    return makeIn(temporary, places, variant, options);
  }
}

async function makeIn(
  cache: string,
  places: EnginePlaces,
  variant: Variant,
  options: MakeOptions,
): Promise<ReadyEngine> {
  const { onProgress, signal } = options;
  const engines = enginesIn(cache);
  const here: EnginePlaces = { key: places.key, cache, from: [] };
  const onWait = (): void =>
    onProgress?.({ step: "waiting", done: 0, total: 0, detail: "another capsule, which is preparing it" });
  try {
    mkdirSync(engines, { recursive: true });
    const lock = { onWait, signal, ...(options.pollMs === undefined ? {} : { pollMs: options.pollMs }) };
    return await withLock(join(engines, LOCK), lock, async ({ folder }) => {
      // A name of its own: the process that the last owner started may live on for a moment, and write.
      const work = mkdtempSync(join(folder, "work-"));
      // Whoever held the lock before may have made it.
      const made = findReadyEngine(here, variant);
      if (made) return made;
      await makeFromAny(engines, work, places.key, variant, options);
      const ready = findReadyEngine(here, variant);
      if (!ready)
        throw new EngineError("broken", `the Python engine in ${engines} was changed while it was made`);
      pruneEngines(engines, { keep: ready.folder, pin: options.pin, version: options.version, lock: LOCK });
      return ready;
    });
  } catch (error) {
    throw explained(error, cache);
  }
}

/** From the first artifacts that are what they have to be; if there are none, from what is fetched. */
async function makeFromAny(
  engines: string,
  work: string,
  key: string,
  variant: Variant,
  options: MakeOptions,
): Promise<void> {
  const folder = join(engines, key);
  const attempt = async (artifacts: Artifacts): Promise<WrongFile | null> => {
    try {
      await make(folder, mkdtempSync(join(work, "make-")), artifacts, key, variant, options);
      return null;
    } catch (error) {
      if (error instanceof WrongFile) return error;
      throw error;
    }
  };
  for await (const artifacts of foundArtifacts(engines, options)) {
    const wrong = await attempt(artifacts);
    if (wrong === null) return;
    options.onWarning?.(`${wrong.message}: it is not used`);
  }
  const wrong = await attempt(await fetchArtifacts(engines, work, options));
  if (wrong) throw new EngineError("broken", wrong.message);
}

/** Makes a variant and adds it to the engine's folder; its record comes last. */
async function make(
  folder: string,
  work: string,
  artifacts: Artifacts,
  key: string,
  variant: Variant,
  options: MakeOptions,
): Promise<void> {
  const { pin, version } = options;
  const stdlib = join(work, STDLIB);
  const original = join(artifacts.folder, "python-stdlib.zip");
  provide(original, stdlib);
  const wasm = join(artifacts.folder, "python.wasm");
  const job: PrepareJob = { variant, wasm, wasmIs: pin.files["python.wasm"], stdlib, folder: work };
  const abort = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, abort.signal]) : abort.signal;
  const making = inProcess(job, { ...options, signal });
  // It may fail while the other verification still goes on; it is asked below.
  making.catch(() => {});
  try {
    // The process verifies what it reads, meanwhile this is verified here.
    if (!sameFile(await digestSlowly(stdlib), pin.files["python-stdlib.zip"])) throw new WrongFile(original);
  } catch (error) {
    abort.abort();
    await making.catch(() => {});
    throw error;
  }
  const prepared = await making;
  const files = { ...prepared.files, [STDLIB]: pin.files["python-stdlib.zip"] };
  mkdirSync(folder, { recursive: true });
  const verified: Record<string, Stamp> = {};
  for (const name of filesOf(variant)) {
    renameSync(join(work, name), join(folder, name));
    const stamp = stampOf(join(folder, name));
    if (stamp) verified[name] = stamp;
  }
  keepLicences(folder, artifacts.folder);
  const old = readRecord(folder);
  const known = old?.key === key ? old : null;
  const record: EngineRecord = {
    format: 1,
    language: "python",
    key,
    version,
    source: { package: pin.package, version: pin.version, from: artifacts.from },
    versions: versionsOf(readFileSync(join(artifacts.folder, "MANIFEST"), "utf8")),
    files: { ...known?.files, ...files },
    variants: {
      ...known?.variants,
      [variant]: { hash: hashOf(files, variant, prepared.info), info: prepared.info },
    },
    verified: { ...known?.verified, ...verified },
  };
  writeRecord(folder, record);
}

/** Puts a file into a folder: a second name for it if the disk can, else a copy. */
function provide(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to, constants.COPYFILE_FICLONE);
  }
}

/** Has a process of its own do a job: what it needs of memory, most of a gigabyte, goes with it. */
function inProcess(job: PrepareJob, options: MakeOptions): Promise<Prepared> {
  const { script, execArgv, env, onProgress, signal } = options;
  return new Promise((resolve, reject) => {
    const child: ChildProcess = fork(script, [], {
      execArgv: [...execArgv],
      env,
      serialization: "json",
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    let said = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-4000);
    });
    let prepared: Prepared | null = null;
    let problem: Error | null = null;
    const stop = (): unknown => child.kill("SIGKILL");
    signal?.addEventListener("abort", stop);
    process.on("exit", stop);
    child.on("message", (message: PrepareMessage) => {
      if (message.type === "progress") onProgress?.(message.progress);
      else if (message.type === "done") prepared = message.prepared;
      else if (message.type === "wrong") problem = new WrongFile(message.path);
      else problem = Object.assign(new Error(message.message), message.code ? { code: message.code } : {});
    });
    child.on("error", reject);
    child.on("close", (code, killed) => {
      signal?.removeEventListener("abort", stop);
      process.off("exit", stop);
      if (prepared) return resolve(prepared);
      if (signal?.aborted) return reject(new EngineError("interrupted", "interrupted"));
      const cause =
        problem ?? new Error(`it ended with ${code ?? killed}: ${said.trim() || "nothing was said"}`);
      // The system's, such as a full disk, are told apart later; Node's own codes have a low line.
      if (cause instanceof WrongFile || /^E[A-Z]+$/.test(codeOf(cause) ?? "")) return reject(cause);
      const message = `making the Python engine (${job.variant}) failed: ${cause.message}`;
      reject(new EngineError("broken", message, cause));
    });
    child.send(job);
  });
}
