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
} from "./api.ts";
export { createRuntime } from "./runtime.ts";
