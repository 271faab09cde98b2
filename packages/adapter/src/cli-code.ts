import type { CliRuntime } from "@capsule-run/sdk/internal";
import type { CodeOutput, Execution, Language, SandboxOptions, WorkspaceFile } from "./types.ts";

/** What `@capsule-run/cli/runtime` of the same version is, as far as the adapter uses it. */
export interface CliCode extends Pick<CliRuntime, "openTools"> {
  createCodeRuntime(options: {
    readonly onWarning?: ((message: string) => void) | undefined;
  }): Promise<CodeRuntime> | CodeRuntime;
}

/** One call, its callbacks guarded. */
export interface BareCall {
  readonly signal: AbortSignal;
  readonly onOutput?: ((output: CodeOutput) => void) | undefined;
}

export interface BareSandbox extends Omit<SandboxOptions, "capsulePath" | "tools" | "gate"> {
  readonly tools?: Awaited<ReturnType<CliRuntime["openTools"]>> | undefined;
  readonly language?: Language | undefined;
}

/** As `@capsule-run/code` has it; the packages of both have one version. */
export interface CodeRuntime {
  execute(
    code: string,
    options: BareSandbox & BareCall & { readonly exportTo?: string | undefined },
  ): Promise<Execution>;
  openSession(options: BareSandbox): Promise<CodeSession>;
  load(language: Language): Promise<void>;
  close(): Promise<void>;
}

export interface CodeSession {
  readonly workspace: string;
  run(code: string, call: BareCall): Promise<Execution>;
  importFile(hostPath: string, name?: string): Promise<WorkspaceFile[]>;
  exportFile(name: string, hostPath: string): Promise<void>;
  writeFile(name: string, data: string | Uint8Array): Promise<WorkspaceFile>;
  readFile(name: string): Promise<Uint8Array>;
  deleteFile(name: string): Promise<void>;
  listFiles(folder?: string): Promise<WorkspaceFile[]>;
  reset(): Promise<void>;
  close(): Promise<void>;
}
