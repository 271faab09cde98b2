import type { DiskBudget } from "@capsule-run/host/files";
import type {
  Envelope,
  PrintedBytes,
  ProgramManifest,
  RunBasis,
  RunEventOf,
  SessionMemory,
  ToolHost,
  UsageError,
} from "@capsule-run/protocol";

/** Options of a runtime: cells, cache and concurrency for many runs. */
export interface RuntimeOptions {
  /** The folder relative files are looked up in; default: the process's. */
  readonly cwd?: string | undefined;
  /** Where artifacts are kept; default: `.capsule/cache` in the project root. */
  readonly cacheDir?: string | undefined;
  /** Cells, each a process with one thread; default: one per core. */
  readonly cells?: number | undefined;
  /** Runs that go on at the same time; others wait for their turn. Default: as many as there are. */
  readonly concurrency?: number | undefined;
  /**
   * Bytes of memory that all sandboxes may take together, unused ones that are kept included; default: three quarters of
   * what the machine or its cgroup has. While it is full, nothing new starts and what grows stands still; when nothing
   * could go on any more, the youngest that stands still ends as `out_of_memory`.
   */
  readonly memory?: number | undefined;
  /** Whether runs are recorded in `.capsule/runs.db` of their project, for `capsule runs`; default: true. */
  readonly record?: boolean | undefined;
  /** Something the user should know once, such as a cache that can't be written. */
  readonly onWarning?: ((message: string) => void) | undefined;
  /** What takes long before a program can start, such as fetching an engine; null when it is over. */
  readonly onProgress?: ((progress: Progress | null) => void) | undefined;
}

/** A step of something that takes long: `done` of `total`, in units of its own; 0 of 0 where nobody knows. */
export interface Progress {
  readonly text: string;
  readonly done: number;
  readonly total: number;
}

export interface RunRequest extends RunBasis {
  /** The project root, absolute; default: it is looked for, from `file` upwards. */
  readonly root?: string | undefined;
  /** The same as `args`, in its place, as JSON text of an array on one line: numbers keep the digits they have there. */
  readonly argsJson?: string | undefined;
  /** Pays for what it adds to the disk. Default: one of its own, of `LIMITS.diskBytes`. */
  readonly disk?: DiskBudget | undefined;
  /** Cancels the run. */
  readonly signal?: AbortSignal | undefined;
  /** Functions of the host that its tasks may call. Default: none. */
  readonly tools?: ToolHost | undefined;
  /** Console output as it happens, in whole pieces of UTF-8. */
  readonly onOutput?: ((output: Output) => void) | undefined;
  readonly onEvent?: ((event: RunEvent) => void) | undefined;
  /** Called, and waited for, before the first thing that a task does with files. */
  readonly beforeFiles?: (() => Promise<void>) | undefined;
}

/** What a task printed. */
export type Output = PrintedBytes;

/** What happens in a run, in order. */
export type RunEvent = RunEventOf<Envelope>;

export interface RunResult {
  readonly run: string;
  readonly envelope: Envelope;
}

/** A program that is compiled and known to the runtime. */
export interface LoadedProgram {
  readonly file: string;
  readonly manifest: ProgramManifest;
  /** Whether nothing had to be loaded: the artifact came from the cache, or is the file itself. */
  readonly cached: boolean;
  /** Bytes of the artifact. */
  readonly bytes: number;
}

/** A program that was written to a file. */
export interface ExportedProgram extends LoadedProgram {
  readonly exported: {
    /** Absolute. */
    readonly file: string;
    readonly bytes: number;
    readonly sha256: string;
  };
}

/** What a session runs, and what it may reach: the same for all its calls. */
export type SessionRequest = Pick<
  RunRequest,
  "file" | "cwd" | "root" | "policy" | "sealed" | "mounts" | "env" | "disk"
>;

/** One call of `main` in a session: a run of its own, with an id, limits and an envelope. */
export type SessionCall = Pick<
  RunRequest,
  "args" | "argsJson" | "runId" | "signal" | "tools" | "onOutput" | "onEvent" | "beforeFiles"
>;

/** One sandbox that lives on from call to call. Calls are made one after the other, in the order asked for. */
export interface Session extends AsyncDisposable {
  /**
   * Calls `main` in it.
   * @throws UsageError as `Runtime.run` does, and if the session was closed
   */
  run(call: SessionCall): Promise<RunResult & { readonly memory: SessionMemory }>;
  /** The next call begins with a fresh sandbox. Waits for the call that is under way. */
  reset(): Promise<void>;
  /** Cancels what runs, and gives the memory back. */
  close(): Promise<void>;
}

export interface Runtime extends AsyncDisposable {
  /**
   * Compiles a program, or finds it in the cache; or opens an exported artifact.
   * @throws UsageError for whatever the user can mend: no such file, compile errors, wrong options, no `main`, a
   * damaged or forged artifact, or one of another version
   */
  load(file: string): Promise<LoadedProgram>;
  /**
   * Compiles a program and writes it beside its source, as an artifact that needs neither source nor compiler.
   * @throws UsageError as `load` does, and if the file can't be written
   */
  export(file: string): Promise<ExportedProgram>;
  /**
   * Runs `main` once. What a task did wrong is in the envelope.
   * @throws UsageError as `load` does, and for a wrong `policy` or `mounts`, and a `runId` that is taken
   */
  run(request: RunRequest): Promise<RunResult>;
  /**
   * Opens a session: a sandbox in which one call of `main` follows the other and finds what the last one left.
   * @throws UsageError as `run` does, and if there are `LIMITS.sessions` already
   */
  openSession(request: SessionRequest): Promise<Session>;
  /** Cancels what runs, ends all cells, and waits, at most five seconds, until the record is on disk. */
  close(): Promise<void>;
}

export type { PolicyOptions, ToolAnswer, ToolCall, ToolFailure, ToolHost } from "@capsule-run/protocol";
export type { SessionMemory, UsageError };
