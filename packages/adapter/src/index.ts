export type {
  ErrorType,
  Gate,
  GateCall,
  GateDecision,
  HostRequest,
  Tool,
  Tools,
} from "@capsule-run/sdk/runner";
export { describeTools, ToolError, tool, UsageError } from "@capsule-run/sdk/runner";
export { CapsuleError } from "./capsule-error.ts";
export { loadJavaScriptSandbox, loadPythonSandbox, loadSandboxes } from "./load.ts";
export { execute, runJavaScript, runPython } from "./run-code.ts";
export { Session } from "./session.ts";
export { closeAll } from "./shared.ts";
export type {
  CallOptions,
  CodeError,
  CodeOutput,
  ExecuteOptions,
  Execution,
  Language,
  Limits,
  RichOutput,
  RunCodeOptions,
  SandboxOptions,
  SessionOptions,
  WorkspaceFile,
} from "./types.ts";
