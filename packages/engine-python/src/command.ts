import { spawn } from "node:child_process";
import { parse } from "node:path";
import { EngineError } from "./failure.ts";

/** How a command ended. `missing`: there is no such command. */
export type Outcome =
  | { readonly ended: true; readonly code: number | null; readonly stdout: string; readonly stderr: string }
  | { readonly ended: false; readonly missing: boolean; readonly message: string };

export interface CommandOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly timeoutMs: number;
  /** Called if there is such a command. */
  readonly onStart?: () => void;
  readonly signal?: AbortSignal | undefined;
}

/** Characters that are kept of each output. */
const KEPT = 64 * 1024;

/**
 * Executes a command of the user's system, found by `PATH`. It stands in the root folder, so that nothing in the
 * user's working directory is executed or imported by accident.
 * @throws EngineError `interrupted`
 */
export function execute(words: readonly string[], options: CommandOptions): Promise<Outcome> {
  const { env, timeoutMs, signal, onStart } = options;
  const [command = "", ...args] = words;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(interrupted());
    const cwd = parse(process.execPath).root;
    const child = spawn(command, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"], windowsHide: true });
    const texts = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const)
      child[name].setEncoding("utf8").on("data", (text: string) => {
        texts[name] = (texts[name] + text).slice(-KEPT);
      });
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, timeoutMs);
    const stop = (): unknown => child.kill("SIGTERM");
    signal?.addEventListener("abort", stop);
    process.on("exit", stop);
    child.on("spawn", () => onStart?.());
    const settle = (outcome: Outcome): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
      process.off("exit", stop);
      if (signal?.aborted) reject(interrupted());
      else resolve(outcome);
    };
    child.on("error", (error: NodeJS.ErrnoException) =>
      settle({ ended: false, missing: error.code === "ENOENT", message: error.message }),
    );
    child.on("close", (code) =>
      settle(
        late
          ? { ended: false, missing: false, message: `it took longer than ${timeoutMs / 1000} s` }
          : { ended: true, code, ...texts },
      ),
    );
  });
}

const interrupted = (): EngineError => new EngineError("interrupted", "interrupted");
