import {
  checkLoadedTasks,
  type ErrorReport,
  FrameError,
  type FromCell,
  grouped,
  LIMITS,
  type LoadedTask,
  type ProgramManifest,
  type TaskManifest,
  UsageError,
  type UsageSlug,
} from "@capsule-run/protocol";
import type { CellArtifact } from "./cell.ts";
import type { CellPool, SandboxHandle } from "./cells.ts";
import { duration } from "./words.ts";

/** A program that is ready to run. */
export interface Program {
  readonly file: string;
  readonly manifest: ProgramManifest;
  readonly tasks: ReadonlyMap<string, TaskManifest>;
  readonly artifact: CellArtifact;
  readonly cached: boolean;
  /** The message of an exception: an `ErrorReport` as JSON, translated to the user's files and lines. */
  describe(report: Uint8Array): Promise<string>;
  /** Printed text in which places of the bundle stand, with the user's files and lines instead. */
  translate(text: string): Promise<string>;
}

/** A bundle, and what is needed to speak of it in the user's terms. */
export interface Source {
  readonly key: string;
  readonly engine: string;
  readonly file: string;
  readonly root: string;
  /** The folder whose view of files messages take. */
  readonly cwd: string;
  readonly code: string;
  readonly sourceMap: string;
}

type Loaded = Extract<FromCell, { type: "loaded" }>;
type Ended = Extract<FromCell, { type: "ended" }>;

/**
 * Loads a bundle in a cell, under the limits of `LIMITS.load`, and takes its snapshot.
 * @throws UsageError when the program's top-level code fails, or defines no tasks
 */
export async function loadProgram(
  source: Source,
  cells: CellPool,
): Promise<{ readonly manifest: ProgramManifest; readonly artifact: CellArtifact }> {
  const message = await runLoad(source, cells);
  if (message.type === "ended") throw await loadError(message, source);
  const { parametersOf } = await import("@capsule-run/guest-javascript/trace");
  const tasks = readTasks(message.tasks).map(({ name, fuel, ram, timeoutMs, maxRetries, ...task }) => ({
    name,
    policy: { fuel, ram, timeoutMs, maxRetries },
    async: task.async,
    parameters: parametersOf(task.source, source),
  }));
  const manifest: ProgramManifest = {
    language: "javascript",
    engine: source.engine,
    source: source.key,
    snapshot: message.snapshot,
    reasons: readList(message.reasons, (item) => typeof item === "string"),
    output: readList(message.output, isLoadOutput),
    tasks,
  };
  const bundle = Buffer.from(message.snapshot === "after" ? "" : source.code);
  const artifact = { hash: source.key, globals: message.globals, pages: message.body, bundle };
  return { manifest, artifact };
}

function runLoad(source: Source, cells: CellPool): Promise<Loaded | Ended> {
  const { fuel, ram, timeoutMs } = LIMITS.load;
  return new Promise((resolve, reject) => {
    const unexpected = (): never => {
      throw new FrameError("a turn of what it was told to load");
    };
    let timer: NodeJS.Timeout | undefined;
    let late = false;
    const settle = (message: Loaded | Ended): void => {
      clearTimeout(timer);
      if (late)
        reject(new UsageError("load", `${source.file}: loading takes longer than ${duration(timeoutMs)}`));
      else resolve(message);
    };
    let sandbox: SandboxHandle | null = null;
    sandbox = cells.load(
      Buffer.from(source.code),
      { fuel, ram },
      {
        started: () => {
          timer = setTimeout(() => {
            late = true;
            sandbox?.stop();
          }, timeoutMs);
        },
        call: unexpected,
        output: unexpected,
        idle: unexpected,
        ended: settle,
        loaded: settle,
        lost: (reason) => {
          clearTimeout(timer);
          const message = `${source.file} could not be loaded: ${reason}`;
          reject(cells.broken === null ? new Error(message) : new UsageError("engine", message));
        },
      },
    );
  });
}

/** Why loading failed, at the place in the user's file. */
async function loadError(ended: Ended, source: Source): Promise<UsageError> {
  const text = Buffer.from(ended.body).toString();
  if (ended.plain)
    return new UsageError("load", `${source.file}: loading failed: ${loadLimit(ended) ?? text}`);
  const report = readReport(text);
  const { translatePlaces, translateReport } = await import("@capsule-run/guest-javascript/trace");
  const view = { root: source.root, cwd: source.cwd };
  const { message, place, excerpt } = translateReport(report, source.sourceMap, view);
  const slug = LOAD_SLUGS[report.name];
  // The place says where; a stack would only repeat it.
  const shown = slug ? translatePlaces(report.message, source.sourceMap, view) : message;
  return new UsageError(slug ?? "load", shown, { place, excerpt });
}

/** Exceptions of `task` itself, which have pages of their own. */
const LOAD_SLUGS: Readonly<Record<string, UsageSlug | undefined>> = {
  TaskOptionError: "task-option",
  DuplicateTaskError: "duplicate-task",
};

const loadLimit = (ended: Ended): string | null =>
  ended.error === "out_of_fuel"
    ? `its top-level code uses more than ${grouped(LIMITS.load.fuel)} units of fuel`
    : ended.error === "out_of_memory"
      ? `its top-level code needs more than ${grouped(LIMITS.load.ram)} bytes of memory`
      : null;

/**
 * Checks what only the whole program shows: there is a `main`, and each task can have the memory it is given.
 * @throws UsageError
 */
export function checkManifest(manifest: ProgramManifest, file: string, floor: number): void {
  const names = manifest.tasks.map(({ name }) => name);
  if (names.length === 0)
    throw new UsageError(
      "no-task",
      `${file} defines no task: mark a function with \`task({ name: "main" }, …)\``,
    );
  if (!names.includes("main"))
    throw new UsageError(
      "no-main",
      `${file} has no task named "main", the one that \`capsule run\` starts; it defines ${list(names)}`,
    );
  for (const { name, policy } of manifest.tasks)
    if (policy.ram !== null && policy.ram < floor)
      throw new UsageError(
        "task-option",
        `task "${name}": ram is ${policy.ram} bytes; an empty sandbox of this program takes ${floor} bytes already`,
      );
}

const list = (names: readonly string[]): string =>
  names
    .slice(0, 20)
    .map((name) => `"${name}"`)
    .join(", ") + (names.length > 20 ? ` and ${names.length - 20} more` : "");

/** A report as a guest sent it: its words, in a shape that can be trusted. */
export function readReport(json: string): ErrorReport {
  let given: unknown;
  try {
    given = JSON.parse(json);
  } catch {
    given = null;
  }
  return reportOf(given, 0);
}

function reportOf(given: unknown, depth: number): ErrorReport {
  const fields = (typeof given === "object" && given !== null ? given : {}) as Record<string, unknown>;
  const text = (value: unknown): string =>
    typeof value === "string" ? value.slice(0, LIMITS.errorCharacters) : "";
  const report = { name: text(fields.name), message: text(fields.message), stack: text(fields.stack) };
  return {
    ...report,
    ...(fields.via === "unhandled_rejection" ? { via: fields.via } : {}),
    ...(fields.cause && depth < 5 ? { cause: reportOf(fields.cause, depth + 1) } : {}),
  };
}

function readTasks(json: string): readonly LoadedTask[] {
  try {
    return checkLoadedTasks(json);
  } catch (error) {
    if (error instanceof FrameError) throw new Error(`a cell sent ${error.message}`);
    throw error;
  }
}

function readList<T>(json: string, check: (item: unknown) => boolean): readonly T[] {
  const wrong = new Error("a cell sent a list of the wrong things");
  let items: unknown;
  try {
    items = JSON.parse(json);
  } catch {
    throw wrong;
  }
  if (!Array.isArray(items) || !items.every(check)) throw wrong;
  return items;
}

const isLoadOutput = (item: unknown): boolean => {
  const { stream, text } = (item ?? {}) as Record<string, unknown>;
  return (stream === 1 || stream === 2) && typeof text === "string";
};
