import type { AbortSignalLike, ErrorType, Gate, HostRequest, Tools } from "@capsule-run/sdk/runner";

/** What a piece of code can be written in. */
export type Language = "python" | "javascript";

/** What one call may use; more is an error of the call. */
export interface Limits {
  /** Fuel: `"LOW"`, `"MEDIUM"`, `"HIGH"`, or an amount. Default: `"HIGH"`. */
  readonly compute?: string | number | undefined;
  /** Memory of the sandbox: `"512MB"`, or bytes. Default: `"2GB"`. */
  readonly ram?: string | number | undefined;
  /** Wall time: `"30s"`, or milliseconds. Default: `"60s"`. */
  readonly timeout?: string | number | undefined;
  /**
   * What `workspace/` may hold: `"100MB"`, or bytes; each file and folder counts for 4 KiB beside what is in it. Default:
   * `"1GB"`.
   */
  readonly disk?: string | number | undefined;
}

/** A piece of printed text. */
export interface CodeOutput {
  readonly stream: "stdout" | "stderr";
  readonly text: string;
}

/** What a sandbox is opened with. Nothing is allowed that is not said here. */
export interface SandboxOptions {
  /** Of each call. */
  readonly limits?: Limits | undefined;
  /** Hosts the code may send requests to: `"api.example.com"`, `"*.example.com"`, `"*"`. Default: none. */
  readonly hosts?: readonly string[] | undefined;
  /** Environment variables the code sees. Default: none. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Files that lie in its workspace from the start, by their paths in there, such as `"data/a.csv"`. */
  readonly files?: Readonly<Record<string, string | Uint8Array>> | undefined;
  /** Functions of this process that the code may call, as `tools` of the SDK's `run`. Default: none. */
  readonly tools?: Tools | undefined;
  /** Allows, changes or denies each call of a tool. Default: all are allowed. */
  readonly gate?: Gate | undefined;
  /** Where `@capsule-run/cli` is: its folder, or its command. Default: it is looked for. */
  readonly capsulePath?: string | undefined;
}

/** What one call gets beside its code. */
export interface CallOptions {
  /** Cancels the call. */
  readonly signal?: AbortSignalLike | undefined;
  /** Printed text as it is printed. If it throws, or its promise rejects, the call ends and throws that. */
  readonly onOutput?: ((output: CodeOutput) => unknown) | undefined;
}

/** Options of `runPython` and `runJavaScript`. An unknown option or a wrong value throws. */
export interface RunCodeOptions extends SandboxOptions, CallOptions {
  /**
   * A folder into which the files that the call wrote are copied, under their paths in the workspace, however it ended. It
   * is made if there are any. Files that are there are written over; nothing is written through symlinks in it. Default: they
   * are gone with the workspace.
   */
  readonly exportTo?: string | undefined;
}

/** Options of `execute`. An unknown option or a wrong value throws. */
export interface ExecuteOptions extends RunCodeOptions {
  /** Default: Python. */
  readonly language?: Language | undefined;
}

/** Options of a `Session`. An unknown option or a wrong value throws. */
export interface SessionOptions extends SandboxOptions {
  /** Of all its calls, beside a call's own. */
  readonly onOutput?: CallOptions["onOutput"];
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
  /** The last expression's value if it is JSON (a tuple is a list), else null. */
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
  /**
   * What the memory of the session is after the call: with its changes, as before it, or gone. Null for a call without
   * a session.
   */
  readonly memory: "kept" | "rolled_back" | "lost" | null;
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
