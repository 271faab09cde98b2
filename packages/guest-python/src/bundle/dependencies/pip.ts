import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { PYTHON } from "../carried.ts";

/** How pip ended. */
export interface PipRun {
  readonly ok: boolean;
  /** All that it printed, the last part of it if that is much. */
  readonly log: string;
}

/** A way to start pip. */
export type Launcher = "uv" | "python3" | "python" | "py";

/** In this order: uv brings a pip that is new, wherever there is a Python or none. */
const LAUNCHERS: readonly Launcher[] =
  process.platform === "win32" ? ["uv", "py", "python"] : ["uv", "python3", "python"];

const COMMANDS: Readonly<Record<Launcher, readonly string[]>> = {
  uv: ["uv", "run", "--quiet", "--no-project", "--isolated", "--with", "pip", "python"],
  python3: ["python3"],
  python: ["python"],
  py: ["py", "-3"],
};

const READY = "capsule: pip is ready";
const TARGET = PYTHON.split(".", 2).join(".");

/**
 * What starts pip: it evaluates markers as they are in a sandbox, not as they are on this machine, which pip has no
 * option for.
 */
const SCRIPT = `import sys
try:
    import pip
    version = tuple(int(part) for part in pip.__version__.split(".")[:2])
except Exception:
    sys.exit("no pip")
if version < (20, 3):
    sys.exit("pip " + pip.__version__ + " is too old: 20.3 is needed")
ENVIRONMENT = {
    "implementation_name": "cpython",
    "implementation_version": "${PYTHON}",
    "os_name": "posix",
    "platform_machine": "wasm32",
    "platform_python_implementation": "CPython",
    "platform_release": "0.0.0",
    "platform_system": "wasi",
    "platform_version": "0.0.0",
    "python_full_version": "${PYTHON}",
    "python_version": "${TARGET}",
    "sys_platform": "wasi",
}
try:
    from pip._vendor.packaging import markers
    markers.default_environment = lambda: dict(ENVIRONMENT)
except ImportError:
    pass
from pip._internal.cli.main import main
sys.stderr.write("${READY}\\n")
sys.stderr.flush()
sys.exit(main(sys.argv[1:]))
`;

/** Only what runs anywhere: wheels for every platform, in which nothing is compiled. */
const PURE = [
  "--only-binary",
  ":all:",
  "--platform",
  "any",
  "--python-version",
  TARGET,
  "--implementation",
  "py",
  "--abi",
  "none",
];
const QUIET = ["--no-input", "--disable-pip-version-check", "--progress-bar", "off", "--no-color"];

/** Settings that would change what `PURE` says, or where things go. Where packages come from stays the user's. */
const FOREIGN =
  /^PIP_(?:ABI|CONSTRAINT|DEST|DRY_RUN|IMPLEMENTATION|LOG|NO_BINARY|NO_DEPS|ONLY_BINARY|PLATFORM|PYTHON|PYTHON_VERSION|QUIET|REPORT|REQUIREMENT|ROOT|TARGET|USER|VERBOSE)$/;

export interface PipOptions {
  /** Launchers to try; default: all. */
  readonly launchers?: readonly Launcher[] | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told each line that pip prints. */
  readonly onLine?: ((line: string) => void) | undefined;
}

/** Nobody here can start pip: what was tried, and why it failed. */
export class NoPip extends Error {
  override readonly name = "NoPip";
}

/** Time that pip has, in ms. */
const PATIENCE = 15 * 60_000;
const LOG = 400_000;

/**
 * Lets pip download what it is told to. It runs in a folder that only we write to: nothing of the project's is imported.
 * @param folder where its script is put, and where it runs
 * @throws NoPip
 */
export async function pipDownload(
  folder: string,
  options: readonly string[],
  how: PipOptions,
): Promise<PipRun> {
  const script = join(folder, "run-pip.py");
  writeFileSync(script, SCRIPT);
  const tried: string[] = [];
  for (const launcher of how.launchers ?? LAUNCHERS) {
    const command = [...COMMANDS[launcher], script, "download", ...PURE, ...QUIET, ...options];
    const run = await start(command, folder, launcher, how);
    if (run === null) continue;
    if (run.ready) return { ok: run.code === 0, log: run.log };
    tried.push(`${launcher}: ${run.log.trim().split("\n").at(-1)?.trim() ?? ""}`);
  }
  throw new NoPip(tried.join("; "));
}

interface Run {
  readonly code: number | null;
  readonly ready: boolean;
  readonly log: string;
}

/** Null: there is no such program. */
function start(
  [program = "", ...args]: readonly string[],
  folder: string,
  launcher: Launcher,
  { env = process.env, signal, onLine }: PipOptions,
): Promise<Run | null> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const child = spawn(program, args, {
      cwd: folder,
      env: environment(env, launcher),
      stdio: ["ignore", "pipe", "pipe"],
      windowsHide: true,
      signal,
    });
    // Not `timeout` of `spawn`: for a program that is not there, Node 24 waits until that is over.
    const late = setTimeout(() => child.kill("SIGTERM"), PATIENCE).unref();
    let log = "";
    let ready = false;
    const read = (stream: NodeJS.ReadableStream): void => {
      let rest = "";
      stream.setEncoding("utf8").on("data", (text: string) => {
        const lines = (rest + text).split(/\r?\n/);
        rest = (lines.pop() ?? "").slice(-LOG);
        for (const line of lines)
          if (line === READY) ready = true;
          else {
            log = `${log}${line}\n`.slice(-LOG);
            onLine?.(line);
          }
      });
      stream.on("end", () => {
        log += rest;
      });
    };
    read(child.stdout);
    read(child.stderr);
    let failed: Error | undefined;
    child.on("error", (error) => {
      failed = error;
      if (child.pid === undefined) resolve(null);
    });
    // Not before it has ended: what it writes to is removed then.
    child.on("close", (code, by) => {
      clearTimeout(late);
      if (signal?.aborted) reject(failed ?? signal.reason);
      if (by === "SIGTERM") log += `\nERROR: It took longer than ${PATIENCE / 60_000} minutes`;
      resolve({ code, ready, log });
    });
  });
}

function environment(given: NodeJS.ProcessEnv, launcher: Launcher): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(given)) if (!FOREIGN.test(name.toUpperCase())) env[name] = value;
  env.PYTHONIOENCODING = "utf-8";
  env.PYTHONUNBUFFERED = "1";
  env.PIP_REQUIRE_VIRTUALENV = "0";
  if (launcher !== "uv") return env;
  // uv's own settings of where packages come from, in pip's words.
  const urls = (text: string | undefined): string | undefined =>
    text
      ?.split(/\s+/)
      .map((each) => each.replace(/^[\w-]+=(?=https?:)/, ""))
      .join(" ");
  const index = env.UV_DEFAULT_INDEX ?? env.UV_INDEX_URL;
  const extra = env.UV_INDEX ?? env.UV_EXTRA_INDEX_URL;
  if (index && !env.PIP_INDEX_URL) env.PIP_INDEX_URL = urls(index);
  if (extra && !env.PIP_EXTRA_INDEX_URL) env.PIP_EXTRA_INDEX_URL = urls(extra);
  return env;
}
