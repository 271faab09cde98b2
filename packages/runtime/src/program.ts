import { keepsBundle } from "@capsule-run/artifact";
import {
  breath,
  checkLoadedTasks,
  type ErrorReport,
  FrameError,
  type FromCell,
  grouped,
  isLong,
  LIMITS,
  type LoadedTask,
  type ProgramManifest,
  type TaskManifest,
  UsageError,
  type UsageSlug,
} from "@capsule-run/protocol";
import type { CellArtifact } from "./cell.ts";
import type { CellPool, SandboxHandle } from "./cells.ts";
import type { Crew } from "./engines.ts";
import type { LanguageSupport, View } from "./languages.ts";
import { imageBytes } from "./memory.ts";
import { duration } from "./words.ts";

/** A program that is ready to run. */
export interface Program {
  /** As the user wrote it. */
  readonly file: string;
  readonly manifest: ProgramManifest;
  readonly tasks: ReadonlyMap<string, TaskManifest>;
  readonly artifact: CellArtifact;
  /** The cells of the engine it was made for. */
  readonly cells: CellPool;
  readonly cached: boolean;
  /** Bytes of memory that its empty sandbox takes. */
  readonly floor: number;
  /** Printed text that `translate` has something to do with has one of these in it. */
  readonly placeMarks: readonly string[];
  /** The message of an exception: an `ErrorReport` as JSON, translated to the user's files and lines. */
  describe(report: Uint8Array): Promise<string>;
  /** Printed text in which places of the bundle stand, with the user's files and lines instead. */
  translate(text: string): Promise<string>;
  /**
   * The same program on the variant of its engine that has `code`; remembered for later runs.
   * @param root of the run's project: that of an earlier run may be gone
   */
  complete(code: string, root: string): Promise<Program>;
}

/** What a program is made ready of. */
export interface ProgramParts
  extends Pick<Program, "file" | "manifest" | "artifact" | "cells" | "cached" | "complete"> {
  readonly language: LanguageSupport;
  readonly view: View;
  /** Bytes of memory that an empty sandbox of its engine takes. */
  readonly engineFloor: number;
  /** Asked for when an error is to be told. */
  sourceMap(): Promise<string>;
}

/** Makes a program ready. */
export function programOf({ language, view, sourceMap, engineFloor, ...parts }: ProgramParts): Program {
  return {
    ...parts,
    floor: Math.max(engineFloor, sandboxBytes(parts.artifact.pages)),
    tasks: new Map(parts.manifest.tasks.map((task) => [task.name, task])),
    placeMarks: language.placeMarks,
    describe: async (report) => {
      const given = readReport(Buffer.from(report.subarray(0, LIMITS.errorCharacters * 8)).toString());
      const [trace, map] = [await language.trace(), await sourceMap()];
      await trace.prepare(map);
      return trace.report(given, map, view).message;
    },
    translate: async (text) => {
      const [trace, map] = [await language.trace(), await sourceMap()];
      await trace.prepare(map);
      return trace.places(text, map, view);
    },
  };
}

/** A bundle, and what is needed to speak of it in the user's terms. */
export interface Source extends View {
  readonly key: string;
  readonly language: LanguageSupport;
  readonly file: string;
  readonly code: Uint8Array;
  readonly needs: readonly string[];
  /** Names of environment variables that have a value, and that the program mentions. */
  readonly variables: readonly string[];
  readonly sourceMap: string;
}

type Loaded = Extract<FromCell, { type: "loaded" }>;
type Ended = Extract<FromCell, { type: "ended" }>;

/** What loading a program gave: its artifact, or that it needs what its engine lacks. */
export type LoadedProgram =
  | { readonly lacks: ""; readonly manifest: ProgramManifest; readonly artifact: CellArtifact }
  | { readonly lacks: string; readonly manifest: null };

/**
 * Loads a bundle in a cell, under the limits of `LIMITS.load`, and takes its snapshot.
 * @throws UsageError when the program's top-level code fails
 */
export async function loadProgram(source: Source, { engine, cells }: Crew): Promise<LoadedProgram> {
  const message = await runLoad(source, cells);
  if (message.type === "ended" && message.lacks !== "" && engine.variant !== "full")
    return { lacks: message.lacks, manifest: null };
  if (message.type === "ended") throw await loadError(message, source);
  const { parameters } = await source.language.trace();
  const tasks: TaskManifest[] = [];
  for (const task of readTasks(message.tasks)) {
    if (isLong()) await breath();
    const { name, policy } = task;
    tasks.push({ name, policy, async: task.async, parameters: await parameters(task, source.sourceMap) });
  }
  const { globals, snapshot, entry, notice } = message;
  const output = readList<ProgramManifest["output"][number]>(message.output, isLoadOutput);
  const manifest: ProgramManifest = {
    language: source.language.name,
    variant: engine.variant,
    needs: source.needs,
    engine: engine.hash,
    source: source.key,
    entry,
    snapshot,
    reasons: readList(message.reasons, (item) => typeof item === "string"),
    output: notice === "" ? output : [{ stream: 2, text: `capsule: ${notice}\n` }, ...output],
    tasks,
  };
  const bundle = keepsBundle(manifest) ? source.code : new Uint8Array(0);
  return {
    lacks: "",
    manifest,
    artifact: { hash: source.key, globals, pages: message.body, snapshot, bundle },
  };
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
        reject(
          new UsageError("load-limit", `${source.file}: loading takes longer than ${duration(timeoutMs)}`),
        );
      else resolve(message);
    };
    let sandbox: SandboxHandle | null = null;
    sandbox = cells.load(source.code, { fuel, ram }, source.variables, {
      started: () => {
        timer = setTimeout(() => {
          late = true;
          sandbox?.stop();
        }, timeoutMs);
      },
      call: unexpected,
      effect: unexpected,
      revoke: unexpected,
      output: unexpected,
      idle: unexpected,
      grown: unexpected,
      used: unexpected,
      took: unexpected,
      ended: settle,
      loaded: settle,
      lost: (reason) => {
        clearTimeout(timer);
        const message = `${source.file} could not be loaded: ${reason}`;
        reject(cells.broken === null ? new Error(message) : new UsageError("engine", message));
      },
    });
  });
}

/** Why loading failed, at the place in the user's file. */
async function loadError(ended: Ended, source: Source): Promise<UsageError> {
  const text = Buffer.from(ended.body).toString();
  if (ended.plain) {
    const limit = loadLimit(ended);
    return new UsageError(limit ? "load-limit" : "load", `${source.file}: loading failed: ${limit ?? text}`);
  }
  const report = readReport(text);
  const trace = await source.language.trace();
  const { message, place, excerpt } = trace.report(report, source.sourceMap, source);
  const limit = loadLimit(ended);
  if (limit)
    return new UsageError("load-limit", `${source.file}: loading failed: ${limit}\n${message}`, {
      place,
      excerpt,
    });
  const slug = LOAD_SLUGS[report.name];
  // The place says where; a stack would only repeat it.
  if (slug) {
    const shown = trace.places(withoutClass(report), source.sourceMap, source);
    return new UsageError(slug, shown, { place, excerpt });
  }
  if (!place) return new UsageError("load", `${source.file}: ${message}`);
  return new UsageError("load", excerpt ? withoutLine(message, report.name) : message, { place, excerpt });
}

/** Python begins what it says of an error of syntax with place and line, which follow here in the form of all languages. */
const withoutLine = (message: string, name: string): string =>
  message.startsWith('  File "') ? message.slice(message.lastIndexOf(`\n${name}: `) + 1) : message;

/** The message alone: Python's begins with the class of the exception. */
const withoutClass = ({ name, message }: ErrorReport): string =>
  message.startsWith(`capsule.${name}: `) ? message.slice(`capsule.${name}: `.length) : message;

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
 * Checks what only the whole program shows: there is a task to begin with, and each can have the memory it is given.
 * @throws UsageError
 */
export function checkManifest(
  { tasks, entry, variant, language }: ProgramManifest,
  file: string,
  floor: number,
  example: string,
): void {
  const names = tasks.map(({ name }) => name);
  if (names.length === 0) throw new UsageError("no-task", `${file} defines no task: ${example}`);
  if (!names.includes(entry))
    throw new UsageError(
      "no-main",
      `${file} has no task named "main", the one that \`capsule run\` starts; it defines ${list(names)}`,
    );
  const larger =
    language === "python" && variant === "full" ? " with the scientific packages, which it uses," : "";
  for (const { name, policy } of tasks)
    if (policy.ram !== null && policy.ram < floor)
      throw new UsageError(
        "task-option",
        `task "${name}": ram is ${policy.ram} bytes; an empty sandbox of this program${larger} takes ${floor} bytes already`,
      );
}

/** Bytes of memory a sandbox of a program with these pages starts with, and a little to do something in. */
export const sandboxBytes = (pages: Uint8Array): number =>
  pages.length < 4 ? 0 : imageBytes(pages) + 256 * 1024;

const list = (names: readonly string[]): string =>
  names
    .slice(0, 20)
    .map((name) => `"${name}"`)
    .join(", ") + (names.length > 20 ? ` and ${names.length - 20} more` : "");

/** A report as a guest sent it: its words, in a shape that can be trusted. */
function readReport(json: string): ErrorReport {
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
