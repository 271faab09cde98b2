import { plainTask } from "./plain-task.ts";
import { plainTools } from "./plain-tools.ts";
import type { CallableTools } from "./program-tools.ts";
import type { RunResult, Runtime, RuntimeOptions, SharedRunOptions } from "./runner-types.ts";
import type { DefineTask } from "./types.ts";

export { UsageError } from "@capsule-run/protocol";
export type {
  DefineTool,
  Gate,
  GateCall,
  GateDecision,
  JsonSchema,
  StandardSchema,
  Tool,
  ToolContext,
  Tools,
} from "@capsule-run/tools/declare";
export { ToolError, tool } from "@capsule-run/tools/declare";
export { describeTools } from "@capsule-run/tools/describe";
export type { CallableTools, ProgramTools, UndeclaredTool } from "./program-tools.ts";
export type {
  AbortSignalLike,
  LoadedProgram,
  Output,
  PolicyOptions,
  RunEvent,
  RunOptions,
  RunResult,
  Runtime,
  RuntimeOptions,
  SharedRunOptions,
} from "./runner-types.ts";
export type {
  AllowedFolder,
  DefineTask,
  ErrorInfo,
  ErrorType,
  ExecutionInfo,
  HostRequest,
  TaskCall,
  TaskOptions,
  TaskResult,
} from "./types.ts";

const ofSandbox = (globalThis as { readonly [key: symbol]: unknown })[Symbol.for("capsule.task")];

/**
 * Defines a task: a function each of whose executions runs in a sandbox of its own, within the limits of `options`.
 *
 * Arguments and results are JSON values. Calling the task never throws: how the execution ended is in the envelope it
 * gives. A plain function is called synchronously and blocks its caller; an async function gives a promise.
 *
 * ```ts
 * import { task } from "@capsule-run/sdk";
 *
 * const square = task({ name: "square", compute: "LOW" }, async (n: number) => n * n);
 *
 * export const main = task({ name: "main" }, async () => {
 *   const results = await Promise.all([1, 2, 3].map((n) => square(n)));
 *   return results.map((r) => (r.success ? r.result : r.error.message));
 * });
 * ```
 *
 * In plain Node, outside a sandbox, a task is the function itself behind the same checks of options, arguments and
 * results: there is no isolation and no limit, `fuel_consumed` and `ram_used` are 0, an execution that fails is tried
 * again up to `maxRetries` times at once, and a plain function must not return a promise, for nothing can wait for it.
 * @throws TypeError if an option has a wrong value or does not exist, or if `fn` is not a function
 */
export const task: DefineTask =
  typeof ofSandbox === "function" ? (ofSandbox as DefineTask) : (plainTask as DefineTask);

/**
 * Functions of the host program, for tasks: `await tools.search("tea")`. Which there are says who runs the program; see
 * `ProgramTools` for their types. A call gives a promise, always; calls that are not awaited one by one go on together.
 *
 * Arguments and results are JSON values as those of tasks are. A call rejects with a `TypeError` for an argument that JSON
 * can't hold, before anything is sent, and with a `ToolError` if the tool failed, is not there, or a limit is reached. In
 * plain Node, outside a sandbox, every call rejects.
 */
export const tools: CallableTools = plainTools as CallableTools;

/**
 * Runs a program's `main` once, for host programs: `run` of `@capsule-run/sdk/runner`, which is loaded at the first call.
 * Inside a sandbox there is no such export.
 * @throws UsageError for wrong use: no such file, a compile error, a wrong option, no `@capsule-run/cli`
 */
export const run = async <T = unknown>(options: SharedRunOptions): Promise<RunResult<T>> =>
  (await import("./runner.ts")).run<T>(options);

/** Makes a runtime of one's own: `createRuntime` of `@capsule-run/sdk/runner`, which is loaded at the first call. */
export const createRuntime = async (options: RuntimeOptions = {}): Promise<Runtime> =>
  (await import("./runner.ts")).createRuntime(options);
