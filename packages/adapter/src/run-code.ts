import { call } from "./call.ts";
import { succeeded } from "./capsule-error.ts";
import { checkCode, checkOptions } from "./options.ts";
import { bareSandbox, sharedRuntime } from "./shared.ts";
import { textOf } from "./text.ts";
import type { ExecuteOptions, Execution, RunCodeOptions } from "./types.ts";

async function perform(code: string, options: ExecuteOptions): Promise<Execution> {
  const { signal, onOutput, ...given } = options;
  const runtime = await sharedRuntime(given.capsulePath);
  const sandbox = await bareSandbox(given);
  return call({ signal, onOutput }, (bare) => runtime.execute(code, { ...sandbox, ...bare }));
}

/**
 * Runs code in a sandbox of its own and says all that came of it. What the code did wrong is in the execution.
 *
 * ```ts
 * const { stdout, value, error } = await execute("print('a'); 6 * 7", { language: "python" });
 * ```
 * @throws UsageError for wrong options, or if there is no `@capsule-run/cli`
 */
export async function execute(code: string, options: ExecuteOptions = {}): Promise<Execution> {
  checkCode("execute", code);
  checkOptions("execute", options);
  return perform(code, options);
}

/**
 * Runs Python code in a sandbox of its own. Gives what it printed, then the value of its last expression.
 *
 * ```ts
 * await runPython('print("Hello from Python!")\nx = 5 + 3\nx * 2'); // "Hello from Python!\n16"
 * ```
 * @throws CapsuleError if the code raised an exception, with its traceback, or reached a limit; UsageError as `execute`
 */
export async function runPython(code: string, options: RunCodeOptions = {}): Promise<string> {
  checkCode("runPython", code);
  checkOptions("runPython", options);
  return textOf(succeeded(await perform(code, { ...options, language: "python" })));
}

/**
 * Runs JavaScript code in a sandbox of its own. Gives what it printed, then the value of its last expression.
 * @throws CapsuleError if the code threw, with its stack, or reached a limit; UsageError as `execute`
 */
export async function runJavaScript(code: string, options: RunCodeOptions = {}): Promise<string> {
  checkCode("runJavaScript", code);
  checkOptions("runJavaScript", options);
  return textOf(succeeded(await perform(code, { ...options, language: "javascript" })));
}
