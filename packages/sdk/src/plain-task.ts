import {
  argumentsJson,
  type Definition,
  defineTask,
  failure,
  invalidArguments,
  reportJson,
  resultJson,
  unmetered,
} from "@capsule-run/guest-javascript/plain";
import type { ErrorReport, ErrorType, TaskResult } from "@capsule-run/protocol";

type Envelope = TaskResult<unknown>;

/** How one attempt ended: the result's JSON text, or what went wrong. */
type Ending =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly type: ErrorType; readonly message: string };

/** `task` outside a sandbox: the function itself, with the envelope and the checks of a sandbox. */
export function plainTask(options: unknown, fn: unknown): (...args: unknown[]) => unknown {
  const definition = defineTask(options, fn);
  const run = definition.async ? runAsync : runSync;
  const call = (...args: unknown[]): unknown => run(definition, args);
  Object.defineProperty(call, "name", { value: definition.name, configurable: true });
  Object.defineProperty(call, "length", { value: definition.fn.length, configurable: true });
  return call;
}

function runSync(definition: Definition, args: readonly unknown[]): Envelope {
  const sent = argumentsJson(definition.name, args);
  if (!sent.ok) return invalidArguments(definition.name, sent.problem);
  const start = performance.now();
  for (let retries = 0; ; retries++) {
    const ending = attemptSync(definition, sent.text);
    if (isLast(definition, ending, retries)) return envelope(definition, ending, start, retries);
  }
}

async function runAsync(definition: Definition, args: readonly unknown[]): Promise<Envelope> {
  const sent = argumentsJson(definition.name, args);
  if (!sent.ok) return invalidArguments(definition.name, sent.problem);
  const start = performance.now();
  for (let retries = 0; ; retries++) {
    const ending = await attemptAsync(definition, sent.text);
    if (isLast(definition, ending, retries)) return envelope(definition, ending, start, retries);
  }
}

function attemptSync({ name, fn }: Definition, argsJson: string): Ending {
  try {
    const value = fn(...(JSON.parse(argsJson) as unknown[]));
    if (typeof (value as { then?: unknown } | null | undefined)?.then !== "function")
      return ending(name, value);
    // Nothing waits for it; a rejection must not end the process on top.
    Promise.resolve(value).catch(() => {});
    return {
      ok: false,
      type: "invalid_result",
      message: `task ${JSON.stringify(name)} returned a promise; outside a sandbox nothing can wait for it: make the function async`,
    };
  } catch (error) {
    return thrown(error);
  }
}

async function attemptAsync({ name, fn }: Definition, argsJson: string): Promise<Ending> {
  try {
    return ending(name, await fn(...(JSON.parse(argsJson) as unknown[])));
  } catch (error) {
    return thrown(error);
  }
}

function ending(name: string, value: unknown): Ending {
  const json = resultJson(name, value);
  return json.ok ? json : { ok: false, type: "invalid_result", message: json.problem };
}

function thrown(error: unknown): Ending {
  return { ok: false, type: "task_error", message: describe(JSON.parse(reportJson(error)) as ErrorReport) };
}

/** A report as Node prints an uncaught error: header, frames, causes. */
function describe({ name, message, stack, cause }: ErrorReport): string {
  const header = name === "" || message === "" ? name + message : `${name}: ${message}`;
  const text = stack === "" ? header : `${header}\n${stack}`;
  return cause === undefined ? text : `${text}\nCaused by: ${describe(cause)}`;
}

/** Only what the function threw can end differently next time. */
function isLast({ policy }: Definition, ending: Ending, retries: number): boolean {
  return ending.ok || ending.type !== "task_error" || retries >= (policy.maxRetries ?? 0);
}

function envelope({ name }: Definition, ending: Ending, start: number, retries: number): Envelope {
  const execution = unmetered(name, Math.round(performance.now() - start), retries);
  if (!ending.ok) return failure(ending.type, ending.message, execution);
  return { success: true, result: JSON.parse(ending.text), error: null, execution };
}
