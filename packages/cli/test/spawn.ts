import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves when stdout and stderr together have printed `text`. */
  printed(text: string): Promise<void>;
}

const FAKE = fileURLToPath(new URL("fake-cli.ts", import.meta.url));

/** The environment of the tests without what changes output. */
export function cleanEnvironment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env, ...extra };
  for (const name of ["NO_COLOR", "FORCE_COLOR", "NODE_TEST_CONTEXT", "CAPSULE_NODE"])
    if (extra[name] === undefined) delete env[name];
  return env;
}

/** Starts a program and collects what it prints. */
export function start(command: string, args: readonly string[], options: SpawnOptions = {}): Started {
  const child = spawn(command, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: cleanEnvironment(),
    ...options,
  });
  const texts = { stdout: "", stderr: "" };
  const waiting: { text: string; resolve: () => void }[] = [];
  for (const name of ["stdout", "stderr"] as const)
    child[name]?.setEncoding("utf8").on("data", (piece: string) => {
      texts[name] += piece;
      for (const { text, resolve } of waiting)
        if (texts.stdout.includes(text) || texts.stderr.includes(text)) resolve();
    });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, ...texts }));
  });
  const printed = (text: string): Promise<void> => new Promise((resolve) => waiting.push({ text, resolve }));
  return { child, ended, printed };
}

/** Starts the command line with the fake runtime in a scene. */
export const startFake = (
  scene: string,
  args: readonly string[],
  options: SpawnOptions & { extra?: NodeJS.ProcessEnv } = {},
): Started =>
  start(process.execPath, [FAKE, ...args], {
    env: cleanEnvironment({ CAPSULE_SCENE: scene, ...options.extra }),
    ...options,
  });

export const runFake = (
  scene: string,
  args: readonly string[],
  options: SpawnOptions & { extra?: NodeJS.ProcessEnv } = {},
): Promise<Ended> => startFake(scene, args, options).ended;

/** Runs a line of shell in which `capsule` is the command line with the fake runtime. */
export const shell = (scene: string, line: string, cwd: string): Promise<Ended> =>
  start("bash", ["-c", `capsule() { "${process.execPath}" "${FAKE}" "$@"; }; ${line}`], {
    cwd,
    env: cleanEnvironment({ CAPSULE_SCENE: scene }),
  }).ended;
