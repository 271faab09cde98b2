import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The command that is measured: this checkout's build. */
export const CAPSULE = here("../../packages/cli/bin/capsule.js");
export const ENGINE = here("../../packages/cli/dist/engine-javascript");
export const REPOSITORY = here("../..");
export const SDK = here("../../packages/cli/dist/guest-sdk.js");
export const HELLO = here("../../examples/hello.ts");
export const PYTHON_HELLO = here("../../examples/hello.py");

/** A program of the bench. */
export const benchProgram = (name: string): string => here(`../programs/${name}`);

/** V8's flags that a cell runs with, for what is measured outside one. */
export const CELL_FLAGS = [
  "--experimental-wasm-branch-hinting",
  "--wasm-lazy-validation",
  "--stack-size=3936",
  "--wasm-stack-switching-stack-size=3936",
] as const;

/** A project in a temporary folder with a user cache of its own, removed when disposed. */
export class Project implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "capsule-bench-"));
  readonly userCache = join(this.folder, "user");
  #ownCache = false;

  constructor(...programs: readonly string[]) {
    mkdirSync(this.userCache);
    for (const program of programs) cpSync(program, join(this.folder, basename(program)));
  }

  get env(): NodeJS.ProcessEnv {
    return this.#ownCache ? process.env : { ...process.env, CAPSULE_CACHE_DIR: this.userCache };
  }

  /** From now on the cache is the user's own, where the Python engine is. */
  useOwnCache(): void {
    this.#ownCache = true;
  }

  /** Forgets compiled programs, so that the next run has to compile. */
  forgetPrograms(): void {
    rmSync(join(this.folder, ".capsule"), { recursive: true, force: true });
  }

  /** Forgets everything that any run has left on disk. */
  forgetAll(): void {
    this.forgetPrograms();
    rmSync(this.userCache, { recursive: true, force: true });
    mkdirSync(this.userCache);
  }

  /** Milliseconds from the start of `node ARGS…` to its end. Throws unless it exits with 0. */
  timeNode(args: readonly string[]): number {
    const start = performance.now();
    const { status, stderr } = spawnSync(process.execPath, args, {
      cwd: this.folder,
      env: this.env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const ms = performance.now() - start;
    if (status !== 0) throw new Error(`node ${args.join(" ")} exits with ${status}: ${stderr}`);
    return ms;
  }

  /** Starts `capsule run ARGS…`. */
  run(...args: readonly string[]): Started {
    return new Started(
      spawn(process.execPath, [CAPSULE, "run", ...args], {
        cwd: this.folder,
        env: this.env,
        stdio: ["ignore", "pipe", "pipe"],
      }),
    );
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A `capsule run` under way. */
export class Started {
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  #lines = 0;
  #text = "";

  constructor(child: ChildProcess) {
    this.child = child;
    this.exited = new Promise((resolve) => child.on("exit", resolve));
    child.stdout?.on("data", (chunk: Buffer) => {
      for (const byte of chunk) if (byte === 10) this.#lines++;
    });
    child.stderr?.on("data", (chunk: Buffer) => {
      this.#text += chunk.toString();
    });
  }

  /** Waits until it has printed this many lines. */
  async printed(lines: number): Promise<void> {
    const end = performance.now() + 30_000;
    while (this.#lines < lines) {
      if (this.child.exitCode !== null || performance.now() > end)
        throw new Error(`a program of the bench printed ${this.#lines} of ${lines} lines: ${this.#text}`);
      await sleep(5);
    }
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    this.child.kill(signal);
    await this.exited;
  }
}

/** Resident bytes of a process, and those that it shares with no other. Linux. */
export function memoryOf(pid: number): { readonly resident: number; readonly own: number } {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1]) * 1024;
  return { resident: field("Rss"), own: field("Private_Clean") + field("Private_Dirty") };
}

/** The children of a process. Linux. */
export function childrenOf(pid: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((child) => parentOf(child) === pid);
}

function parentOf(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return null;
  }
}

/** Runs a script of the bench in a process of its own with V8 flags, and gives what it prints as JSON. */
export function runChild<T>(script: string, flags: readonly string[], args: readonly string[] = []): T {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--no-warnings", ...flags, here(`../${script}`), ...args],
    { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], maxBuffer: 64 * 1024 * 1024 },
  );
  if (status !== 0) throw new Error(`${script} exits with ${status}: ${stderr}`);
  return JSON.parse(stdout) as T;
}
