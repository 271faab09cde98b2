import type { Envelope, PrintedBytes, RunEventOf, ToolHost } from "@capsule-run/protocol";
import type { Gate, Tools } from "@capsule-run/tools/declare";
import type { RunOptions } from "./runner-types.ts";

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
  readonly onOutput?: ((output: PrintedBytes) => void) | undefined;
  readonly onEvent?: ((event: RunEventOf<Envelope>) => void) | undefined;
}
