import type { ErrorType, HostRequest } from "@capsule-run/protocol";
import type { Progress, RunEvent, Runtime, SessionMemory, ToolHost } from "@capsule-run/runtime";

/** What a piece of code can be written in. */
export type CodeLanguage = "python" | "javascript";

/** What one call may use; what it may not is an error of the call. */
export interface CodeLimits {
  /** Fuel: `"LOW"`, `"MEDIUM"`, `"HIGH"`, or an amount. Default: `"HIGH"`. */
  readonly compute?: string | number | undefined;
  /** Memory of the sandbox: `"512MB"`, or bytes. Default: `"2GB"`. */
  readonly ram?: string | number | undefined;
  /** Wall time: `"30s"`, or milliseconds. Default: `"60s"`. */
  readonly timeout?: string | number | undefined;
  /**
   * What its workspace may hold: `"100MB"`, or bytes; each file and folder counts for 4 KiB beside what is in it. In a
   * session it is what all calls and the host have put there together. Default: `"1GB"`; at most `"64GB"`.
   */
  readonly disk?: string | number | undefined;
}

/** A piece of printed text. */
export interface CodeOutput {
  readonly stream: "stdout" | "stderr";
  readonly text: string;
}

/** What one call gets beside its code. */
export interface CodeCallOptions {
  /** Cancels the call. */
  readonly signal?: AbortSignal | undefined;
  /** Printed text as it is printed. */
  readonly onOutput?: ((output: CodeOutput) => void) | undefined;
  /** What happens in its run: tool calls, for one. */
  readonly onEvent?: ((event: RunEvent) => void) | undefined;
  /** Names the run of the call; default: a random UUID. */
  readonly runId?: string | undefined;
  /** Functions of the host that the code may call; in a session in place of those of the session. */
  readonly tools?: ToolHost | undefined;
}

/** What a sandbox is opened with. Nothing is allowed that is not said here. */
export interface CodeSandboxOptions {
  /** Default: Python. */
  readonly language?: CodeLanguage | undefined;
  readonly limits?: CodeLimits | undefined;
  /** Hosts the code may send requests to, as in `allowedHosts` of tasks. Default: none. */
  readonly hosts?: readonly string[] | undefined;
  /** Environment variables the code sees. Default: none. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Functions of the host that the code may call. Default: none. */
  readonly tools?: ToolHost | undefined;
  /** Files that lie in its workspace from the start, by their paths in there, such as `"data/a.csv"`. */
  readonly files?: Readonly<Record<string, string | Uint8Array>> | undefined;
}

/** A call in a sandbox of its own. */
export interface CodeOptions extends CodeSandboxOptions, CodeCallOptions {
  /**
   * A folder of the host into which the files that the call wrote are copied, under their paths in the workspace, however
   * it ended. It is made if there are any. Those that are there are written over; nothing is written through
   * symlinks in it.
   */
  readonly exportTo?: string | undefined;
  /**
   * Told of the workspace folder before it is removed, to look at files: the paths in `Execution.files` are in it.
   * The call waits for it.
   */
  readonly onWorkspace?: ((workspace: Workspace) => void | Promise<void>) | undefined;
}

/** One rich form of a value: what `display` showed, a figure that is open, the last expression's value. */
export interface RichOutput {
  /** A MIME type, such as `"text/html"`, `"image/png"`, `"application/json"`. */
  readonly type: string;
  /** Text; of images other than SVG, and of PDF, base64. */
  readonly data: string;
}

/** A file in the workspace. */
export interface WorkspaceFile {
  /** Within the workspace, with `/` between names. */
  readonly path: string;
  /** In bytes. */
  readonly size: number;
}

/** Why a call failed. */
export type CodeError =
  /** The code raised it and nothing caught it. `traceback` is the language's own, with frames of the code only. */
  | {
      readonly kind: "exception";
      /** Of its class, such as `"ValueError"`. */
      readonly name: string;
      readonly message: string;
      readonly traceback: string;
    }
  /** The call ended from outside: `timeout`, `out_of_fuel`, `out_of_memory`, `cancelled`, … */
  | { readonly kind: ErrorType; readonly message: string };

/** How a call ended. */
export interface Execution {
  readonly ok: boolean;
  /** The last expression's value if it is JSON (a tuple is a list), else null. Parsed when it is first asked for. */
  readonly value: unknown;
  /** The same as JSON text, with all digits of numbers; null where the value is none. */
  readonly valueJson: string | null;
  /** How the language shows the value (`repr`, `inspect`), cut if it is long; null if there is none. */
  readonly valueText: string | null;
  /** Whether the code ended with an expression whose value is not None or undefined. */
  readonly hasValue: boolean;
  readonly stdout: string;
  readonly stderr: string;
  /** Whether printed text, the value or outputs were cut. `notice` says so, too. */
  readonly truncated: boolean;
  /** Rich forms, in the order they were shown. */
  readonly outputs: readonly RichOutput[];
  /** Files of the workspace that are new or were written, by path. */
  readonly files: readonly WorkspaceFile[];
  readonly error: CodeError | null;
  /** What the memory of the session is now; null for a call without a session. */
  readonly memory: SessionMemory | null;
  /** What the caller should know beside all that, in words: what was cut, what a roll-back means. */
  readonly notice: string | null;
  readonly metrics: {
    readonly durationMs: number;
    readonly fuelConsumed: number;
    /** Peak bytes of memory. */
    readonly ramUsed: number;
    readonly hostRequests: readonly HostRequest[];
  };
}

/**
 * The folder that code finds as `workspace/`, seen from the host. Paths are relative to it, with `/` between names;
 * symlinks are never followed.
 */
export interface Workspace {
  /** Absolute. */
  readonly folder: string;
  /**
   * Copies a file or a whole folder of the host into it. It counts for `limits.disk`, as what `writeFile` writes does.
   * @param name where to; default: under its own name
   * @throws UsageError `workspace`, as all below; where it is full, a part may be there
   */
  importFile(hostPath: string, name?: string): Promise<WorkspaceFile[]>;
  /** Copies a file or a whole folder out of it. */
  exportFile(name: string, hostPath: string): Promise<void>;
  /** Writes a file, and makes the folders it is in. */
  writeFile(name: string, data: string | Uint8Array): Promise<WorkspaceFile>;
  /** @param most bytes; a larger file is an error. Default, and most: `LIMITS.workspaceReadBytes` */
  readFile(name: string, most?: number): Promise<Uint8Array>;
  /** Deletes a file or a whole folder. */
  deleteFile(name: string): Promise<void>;
  /** All files in it or in a folder of it, by path. */
  listFiles(folder?: string): Promise<WorkspaceFile[]>;
}

/** Code that runs call by call in one sandbox, as in a REPL. Calls are made one after the other. */
export interface CodeSession extends Omit<Workspace, "folder">, AsyncDisposable {
  readonly language: CodeLanguage;
  /** Absolute: the folder that code finds as `workspace/`. `close` removes it. */
  readonly workspace: string;
  /** @throws UsageError for wrong options, and when the session is closed */
  run(code: string, options?: CodeCallOptions): Promise<Execution>;
  /** Forgets all that code has defined. Files stay. */
  reset(): Promise<void>;
  /** Cancels what runs; removes the workspace. */
  close(): Promise<void>;
}

/** `concurrency`, `onWarning` and `onProgress` are those of `createRuntime`, for the runtime of its own. */
export interface CodeRuntimeOptions {
  /** Runs the code; it stays open when this is closed. Default: one of its own, made when it is needed. */
  readonly runtime?: Runtime | undefined;
  /** Where the sandboxes' programs are kept; default: in the user's cache folder. */
  readonly cacheDir?: string | undefined;
  readonly concurrency?: number | undefined;
  readonly onWarning?: ((message: string) => void) | undefined;
  readonly onProgress?: ((progress: Progress | null) => void) | undefined;
}

/** Runs code that somebody else wrote, a model for one. Writes nothing into the working directory. */
export interface CodeRuntime extends AsyncDisposable {
  /**
   * Runs code in a sandbox of its own.
   * @throws UsageError for wrong options, `workspace` if files can't be copied to `exportTo`; what the code did wrong is in
   *   the execution
   */
  execute(code: string, options?: CodeOptions): Promise<Execution>;
  openSession(options?: CodeSandboxOptions): Promise<CodeSession>;
  /** Makes all ready that the first call in a language would wait for. */
  load(language: CodeLanguage): Promise<void>;
  close(): Promise<void>;
}
