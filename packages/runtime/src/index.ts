export type {
  ExportedProgram,
  LoadedProgram,
  Output,
  PolicyOptions,
  Progress,
  RunEvent,
  RunRequest,
  RunResult,
  Runtime,
  RuntimeOptions,
  Session,
  SessionCall,
  SessionMemory,
  SessionRequest,
  ToolAnswer,
  ToolCall,
  ToolFailure,
  ToolHost,
} from "./api.ts";
export { mentionsFull, userCacheFolder } from "./python.ts";
export { createRuntime } from "./runtime.ts";
