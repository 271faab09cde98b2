import { type Envelope, type RunEventOf, type TaskResult, UsageError } from "@capsule-run/protocol";
import type { BareRequest, BareRuntime } from "./cli-runtime.ts";
import { findCli, loadCli } from "./find-cli.ts";
import { checkFile, checkRunOptions, checkRuntimeOptions } from "./runner-options.ts";
import type {
  LoadedProgram,
  RunEvent,
  RunOptions,
  RunResult,
  Runtime,
  RuntimeOptions,
  SharedRunOptions,
} from "./runner-types.ts";
import { sharedRuntimes } from "./shared-runtimes.ts";
import { usageErrorOf } from "./usage-error.ts";

export type { ErrorInfo, ErrorType, ExecutionInfo, HostRequest, TaskResult } from "@capsule-run/protocol";
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
export { UsageError };

/**
 * Runs a program's `main` once, in sandboxes beside this process. What a task did wrong is in the envelope.
 *
 * ```ts
 * import { run } from "@capsule-run/sdk/runner";
 *
 * const answer = await run<number>({ file: "./sandbox.ts", args: [6, 7] });
 * console.log(answer.success ? answer.result : answer.error.message);
 * ```
 *
 * All calls share one runtime, which ends with the process and does not keep it up.
 * @throws UsageError for wrong use: no such file, a compile error, a wrong option, no `@capsule-run/cli`
 */
export async function run<T = unknown>(options: SharedRunOptions): Promise<RunResult<T>> {
  const argsJson = checkRunOptions(options, true);
  const { capsulePath, ...request } = options;
  const cwd = request.cwd ?? process.cwd();
  const cli = findCli(capsulePath);
  const bare = await shared.get(cli);
  return runIn<T>(bare, await withTools(cli, { ...request, cwd }, warn), argsJson);
}

/**
 * Makes a runtime of one's own: `await using capsule = await createRuntime()`. Processes are started when they are
 * needed.
 * @throws UsageError for a wrong option, or if there is no `@capsule-run/cli`
 */
export async function createRuntime(options: RuntimeOptions = {}): Promise<Runtime> {
  checkRuntimeOptions(options);
  const { capsulePath, ...rest } = options;
  const cli = findCli(capsulePath);
  const bare = await openRuntime(cli, rest);
  const close = (): Promise<void> => bare.close();
  return {
    async load(file) {
      checkFile(file);
      return load(bare, file);
    },
    async run<T>(request: RunOptions) {
      const argsJson = checkRunOptions(request, false);
      return runIn<T>(bare, await withTools(cli, request, options.onWarning ?? warn), argsJson);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

const warn = (message: string): void => process.emitWarning(message, "CapsuleWarning");

const openRuntime = (cli: string, options: Omit<RuntimeOptions, "capsulePath">): Promise<BareRuntime> =>
  loadCli(cli).createRuntime({ ...options, onWarning: options.onWarning ?? warn });

/** Those of all calls of `run`. */
const shared = sharedRuntimes((cli) => openRuntime(cli, {}));

async function load(bare: BareRuntime, file: string): Promise<LoadedProgram> {
  try {
    const { manifest, cached } = await bare.load(file);
    return { file, language: manifest.language, tasks: manifest.tasks.map(({ name }) => name), cached };
  } catch (error) {
    throw usageErrorOf(error);
  }
}

/** Options whose tools are ready to be called. */
type Prepared = Omit<RunOptions, "tools" | "gate"> & Pick<BareRequest, "tools">;

/** @throws UsageError `tool` */
async function withTools(
  cli: string,
  { tools, gate, ...request }: RunOptions,
  report: (message: string) => void,
): Promise<Prepared> {
  if (!tools) return request;
  try {
    return { ...request, tools: await loadCli(cli).openTools({ tools, gate, report }) };
  } catch (error) {
    throw usageErrorOf(error);
  }
}

async function runIn<T>(
  bare: BareRuntime,
  { signal, onOutput, onEvent, args: _, ...request }: Prepared,
  argsJson: string,
): Promise<RunResult<T>> {
  /** Aborted with what a callback's promise rejected with. */
  const broken = new AbortController();
  const signals = signal ? [broken.signal, signal as AbortSignal] : [broken.signal];
  const call = <X>(callback: (value: X) => unknown, value: X): void => {
    const given = callback(value);
    if (typeof (given as PromiseLike<unknown> | null | undefined)?.then === "function")
      Promise.resolve(given).catch((error: unknown) => broken.abort(error));
  };
  try {
    const { run: runId, envelope } = await bare.run({
      ...request,
      argsJson,
      signal: AbortSignal.any(signals),
      onOutput: onOutput && ((output) => call(onOutput, { ...output, text: decoder.decode(output.bytes) })),
      onEvent: onEvent && ((event) => call(onEvent, eventOf(event))),
    });
    if (broken.signal.aborted) throw broken.signal.reason;
    return resultOf<T>(runId, envelope);
  } catch (error) {
    throw usageErrorOf(error);
  }
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

function eventOf(event: RunEventOf<Envelope>): RunEvent {
  return event.type === "task_ended" ? { ...event, envelope: parsed(event.envelope) } : event;
}

function parsed<T>(envelope: Envelope): TaskResult<T> {
  const { execution } = envelope;
  return envelope.success
    ? { success: true, result: JSON.parse(envelope.resultJson) as T, error: null, execution }
    : { success: false, result: null, error: envelope.error, execution };
}

function resultOf<T>(runId: string, envelope: Envelope): RunResult<T> {
  const resultJson = envelope.success ? envelope.resultJson : null;
  return Object.defineProperties(parsed<T>(envelope), {
    runId: { value: runId },
    resultJson: { value: resultJson },
  }) as RunResult<T>;
}
