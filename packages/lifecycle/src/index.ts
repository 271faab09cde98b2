export type { Problem } from "./messages.ts";
export { Recorder, type RecorderOptions } from "./recorder.ts";
export * from "./records.ts";
export { RunRecord, type RunStart, type TaskEvent } from "./run-record.ts";
export { databaseFile, problemText, unwritable } from "./words.ts";
