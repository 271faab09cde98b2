/** Runs the real `capsule` on real programs, as a user would. */
import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after } from "node:test";
import { fileURLToPath } from "node:url";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The launcher under test: this checkout's, or an installed one. */
export const CAPSULE = process.env.CAPSULE_BIN ?? here("../../packages/cli/bin/capsule.js");
const PROGRAMS = here("../programs/");
/** After this a command has hung, which no test accepts. */
const HARD_LIMIT_MS = 60_000;

export interface Failure {
  readonly error_type: string;
  readonly message: string;
}

export interface Envelope<T = unknown> {
  readonly success: boolean;
  readonly result: T;
  readonly error: Failure | null;
  readonly execution: {
    readonly task_name: string;
    readonly duration_ms: number;
    readonly retries: number;
    readonly fuel_consumed: number;
    readonly ram_used: number;
    readonly host_requests: readonly unknown[];
  };
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

export interface Started {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly ended: Promise<Ended>;
  /** Resolves when stdout and stderr together have printed `text`; rejects if the command ends without. */
  printed(text: string): Promise<void>;
}

export interface CapsuleOptions extends SpawnOptions {
  /** More environment variables. */
  readonly extra?: NodeJS.ProcessEnv;
}

/** The environment without what changes a command's output, or tells it that it is under test. */
export function cleanEnvironment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env, ...extra };
  for (const name of ["NO_COLOR", "FORCE_COLOR", "NODE_TEST_CONTEXT", "CAPSULE_NODE", "NODE_OPTIONS"])
    if (extra[name] === undefined) delete env[name];
  return env;
}

/** Starts a command and collects what it prints. It is killed when it takes longer than a minute. */
export function start(
  command: string,
  args: readonly string[],
  { extra, ...options }: CapsuleOptions = {},
): Started {
  const began = performance.now();
  const child = spawn(command, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: cleanEnvironment(extra),
    ...options,
  });
  const texts = { stdout: "", stderr: "" };
  const waiting: { text: string; resolve: () => void; reject: (error: Error) => void }[] = [];
  const seen = (text: string): boolean => texts.stdout.includes(text) || texts.stderr.includes(text);
  for (const name of ["stdout", "stderr"] as const)
    child[name]?.setEncoding("utf8").on("data", (piece: string) => {
      texts[name] += piece;
      for (const { text, resolve } of waiting) if (seen(text)) resolve();
    });
  const ended = new Promise<Ended>((resolve, reject) => {
    const limit = setTimeout(() => {
      child.kill("SIGKILL");
      reject(
        new Error(
          `hung: ${command} ${args.join(" ")}\n${texts.stdout.slice(-500)}\n${texts.stderr.slice(-2000)}`,
        ),
      );
    }, HARD_LIMIT_MS);
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(limit);
      resolve({ code, signal, ...texts, ms: performance.now() - began });
      for (const { text, reject } of waiting)
        reject(new Error(`ended without printing ${JSON.stringify(text)}:\n${texts.stderr.slice(-2000)}`));
    });
  });
  ended.catch(() => {});
  const printed = (text: string): Promise<void> =>
    seen(text)
      ? Promise.resolve()
      : new Promise((resolve, reject) => waiting.push({ text, resolve, reject }));
  return { child, pid: child.pid ?? 0, ended, printed };
}

/** Starts `capsule` with these arguments. */
export const startCapsule = (args: readonly string[], options: CapsuleOptions = {}): Started =>
  start(process.execPath, [CAPSULE, ...args], options);

/** `capsule` with these arguments, to its end. */
export const capsule = (args: readonly string[], options: CapsuleOptions = {}): Promise<Ended> =>
  startCapsule(args, options).ended;

const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** The source of a program that imports what programs import. */
export const program = (source: string): string => `import { task } from "@capsule-run/sdk";\n${source}`;

/** A folder of its own with these files, removed after the tests. */
export function folder(files: Readonly<Record<string, string>> = {}, parent = tmpdir()): string {
  const path = mkdtempSync(join(parent, "capsule-e2e-"));
  folders.push(path);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), text);
  }
  return path;
}

/** A folder of its own with these files of `test/programs`. */
export function programs(...names: readonly string[]): string {
  const path = folder();
  for (const name of names) cpSync(join(PROGRAMS, name), join(path, name));
  return path;
}

export interface Ran<T = unknown> extends Ended {
  readonly envelope: Envelope<T>;
}

/** The one line that `--json` prints. */
export function readEnvelope<T = unknown>(ended: Ended): Envelope<T> {
  try {
    return JSON.parse(ended.stdout) as Envelope<T>;
  } catch {
    throw new Error(
      `no envelope (exit ${ended.code} ${ended.signal}): ${ended.stdout.slice(0, 500)}\n${ended.stderr.slice(0, 3000)}`,
    );
  }
}

/** `capsule run --json FILE ARGS…` in a folder. */
export async function runFile<T = unknown>(
  cwd: string,
  file: string,
  args: readonly string[] = [],
  options: CapsuleOptions = {},
): Promise<Ran<T>> {
  const ended = await capsule(["run", "--json", file, ...args], { cwd, ...options });
  return { ...ended, envelope: readEnvelope<T>(ended) };
}

/** Runs a program of `test/programs` in a folder of its own. */
export const runProgram = <T = unknown>(
  name: string,
  args: readonly string[] = [],
  options: CapsuleOptions = {},
): Promise<Ran<T>> => runFile<T>(programs(name), name, args, options);

/** Runs a program given as source, without the import of the SDK. */
export const runSource = <T = unknown>(
  source: string,
  args: readonly string[] = [],
  options: CapsuleOptions = {},
): Promise<Ran<T>> => runFile<T>(folder({ "main.ts": program(source) }), "main.ts", args, options);

/** A command that must fail before `main` runs: exit 2, nothing on stdout. */
export async function refusal(source: string, args: readonly string[] = []): Promise<Ended> {
  return capsule(["run", "main.ts", ...args], { cwd: folder({ "main.ts": program(source) }) });
}
