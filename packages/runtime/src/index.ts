export type {
  LoadedProgram,
  Output,
  RunEvent,
  RunRequest,
  RunResult,
  Runtime,
  RuntimeOptions,
} from "./api.ts";
export { createRuntime } from "./runtime.ts";
