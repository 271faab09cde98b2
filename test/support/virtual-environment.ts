/** Virtual environments of Python for tests. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cleanEnvironment, type Ended } from "./capsule.ts";

const CACHE = fileURLToPath(new URL("../../node_modules/.cache/python/", import.meta.url));
const HARD_LIMIT_MS = 240_000;

/** Runs a program to its end. It finds the Node that runs the tests. */
export function execute(
  command: string,
  args: readonly string[],
  { cwd, extra = {} }: { readonly cwd?: string; readonly extra?: NodeJS.ProcessEnv } = {},
): Promise<Ended> {
  const began = performance.now();
  const PATH = `${dirname(process.execPath)}${delimiter}${process.env.PATH}`;
  const child = spawn(command, args, {
    cwd,
    env: cleanEnvironment({ PATH, PYTHONDONTWRITEBYTECODE: "1", ...extra }),
    stdio: ["ignore", "pipe", "pipe"],
    timeout: HARD_LIMIT_MS,
    killSignal: "SIGKILL",
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) =>
      resolve({ code, signal, stdout, stderr, ms: performance.now() - began }),
    );
  });
}

async function succeed(command: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await execute(command, args);
  if (code !== 0) throw new Error(`${command} ${args.join(" ")}: ${code}\n${stdout}\n${stderr}`);
  return stdout;
}

/** The version of the machine's Python; null if there is none that the package supports. */
export async function pythonVersion(): Promise<string | null> {
  try {
    const stdout = await succeed("python3", ["-c", "import sys; print(*sys.version_info[:3], sep='.')"]);
    const [major = 0, minor = 0] = stdout.trim().split(".").map(Number);
    return major === 3 && minor >= 10 ? stdout.trim() : null;
  } catch {
    return null;
  }
}

/** The requirements of a file, one a line. */
export const requirementsOf = (file: string): readonly string[] =>
  readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));

/** An environment with these requirements, made once. Gives its folder. */
export async function environmentWith(requirements: readonly string[]): Promise<string> {
  const key = createHash("sha256")
    .update([await pythonVersion(), ...requirements].join("\n"))
    .digest("hex")
    .slice(0, 16);
  const place = join(CACHE, key);
  if (existsSync(place)) return place;
  const work = `${place}.${process.pid}`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(CACHE, { recursive: true });
  await succeed("python3", ["-m", "venv", work]);
  await succeed(join(work, "bin", "python"), [
    ...["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...requirements],
  ]);
  try {
    // Scripts would name the folder they were made in; modules are run by `python -m`.
    renameSync(work, place);
  } catch (error) {
    // Another test was faster.
    if (!existsSync(place)) throw error;
    rmSync(work, { recursive: true, force: true });
  }
  return place;
}

/** A fresh environment with wheels alone, installed by the pip of another one. Gives its folder. */
export async function environmentOf(
  folder: string,
  wheels: readonly string[],
  pipOf: string,
): Promise<string> {
  await succeed("python3", ["-m", "venv", "--without-pip", folder]);
  await succeed(join(pipOf, "bin", "python"), [
    ...["-m", "pip", "--disable-pip-version-check", "--python", join(folder, "bin", "python")],
    ...["install", "--quiet", "--no-index", "--no-deps", ...wheels],
  ]);
  return folder;
}
