import type { Envelope, ToolHost } from "@capsule-run/protocol";
import type { Gate, Tools } from "@capsule-run/tools/declare";
import type { RunEvent, RunOptions } from "./runner-types.ts";

/** What `@capsule-run/cli/runtime` of the same version is, as far as the runner uses it. */
export interface CliRuntime {
  createRuntime(options: {
    readonly cwd?: string | undefined;
    readonly concurrency?: number | undefined;
    readonly cacheDir?: string | undefined;
    readonly onWarning?: ((message: string) => void) | undefined;
  }): Promise<BareRuntime>;
  openTools(request: {
    readonly tools: Tools;
    readonly gate?: Gate | undefined;
    readonly report?: ((message: string) => void) | undefined;
  }): Promise<ToolHost>;
}

export interface BareRuntime {
  load(file: string): Promise<{
    readonly manifest: {
      readonly language: "javascript" | "python";
      readonly tasks: readonly { readonly name: string }[];
    };
    readonly cached: boolean;
  }>;
  run(request: BareRequest): Promise<{ readonly run: string; readonly envelope: Envelope }>;
  close(): Promise<void>;
}

export interface BareRequest
  extends Omit<RunOptions, "args" | "signal" | "tools" | "gate" | "onOutput" | "onEvent"> {
  readonly tools?: ToolHost | undefined;
  /** A JSON array on one line. */
  readonly argsJson: string;
  readonly signal: AbortSignal;
  readonly onOutput?:
    | ((output: {
        readonly stream: "stdout" | "stderr";
        readonly bytes: Uint8Array;
        readonly task: string;
        readonly path: string;
      }) => void)
    | undefined;
  readonly onEvent?: ((event: BareEvent) => void) | undefined;
}

export type BareEvent =
  | Exclude<RunEvent, { readonly type: "task_ended" }>
  | (Omit<Extract<RunEvent, { readonly type: "task_ended" }>, "envelope"> & { readonly envelope: Envelope });
