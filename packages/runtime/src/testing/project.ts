/** Programs in a folder of their own, and a runtime over the built engine. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunRequest, Runtime, RuntimeOptions } from "../api.ts";
import { createRuntime } from "../runtime.ts";

const HEADER = 'import { task } from "@capsule-run/sdk";\n';

export class Project {
  readonly folder = mkdtempSync(join(tmpdir(), "capsule-runtime-"));
  readonly #runtimes: Runtime[] = [];

  /** Writes a program, which finds `task` imported. */
  write(name: string, program: string): string {
    writeFileSync(join(this.folder, name), HEADER + program);
    return name;
  }

  async runtime(options: RuntimeOptions = {}): Promise<Runtime> {
    const runtime = await createRuntime({ cwd: this.folder, cells: 1, ...options });
    this.#runtimes.push(runtime);
    return runtime;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const runtime of this.#runtimes) await runtime.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The result of a run, or its error as `type: message`. */
export async function outcome(runtime: Runtime, request: RunRequest): Promise<unknown> {
  const { envelope } = await runtime.run(request);
  return envelope.success
    ? JSON.parse(envelope.resultJson)
    : `${envelope.error.error_type}: ${envelope.error.message}`;
}

/** Process ids of the living cells of a process, by Linux's `/proc`. */
export function cellsOf(parent: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^[0-9]+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const fields = stat(pid);
      return fields?.[1] === String(parent) && fields[0] !== "Z" && /cell-[a-z]+\.cjs/.test(commandLine(pid));
    });
}

/** Process ids of all children of a process but the bundler's, those that nobody has buried too. */
export const childrenOf = (parent: number): number[] =>
  readdirSync("/proc")
    .filter((name) => /^[0-9]+$/.test(name))
    .map(Number)
    .filter((pid) => stat(pid)?.[1] === String(parent) && !commandLine(pid).includes("esbuild"));

/** Whether a process is there and no zombie. */
export const lives = (pid: number): boolean => (stat(pid)?.[0] ?? "Z") !== "Z";

/** State, parent and what follows them in `/proc/PID/stat`. */
function stat(pid: number): string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return null;
  }
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until something holds, 10 s at most. */
export async function until(holds: () => boolean): Promise<boolean> {
  for (let i = 0; i < 200 && !holds(); i++) await sleep(50);
  return holds();
}
