import { spawnSync } from "node:child_process";
import { cpSync, existsSync, linkSync, mkdirSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { CAPSULE } from "./processes.ts";

/** A variant of the engine as `capsule engines --json` lists it. */
interface Listed {
  readonly language: string;
  readonly variant: "core" | "full" | null;
  readonly state: string;
  readonly folder: string | null;
}

/** The Python engine of this checkout, ready in the user's cache. */
export interface PythonEngine {
  /** The folder that cells read. */
  readonly folder: string;
  /** What it was made from: the files of its release. */
  readonly artifacts: string;
}

let found: PythonEngine | null = null;

/** The engine with both variants, fetched and made if it is not there, which takes a while. */
export function pythonEngine(): PythonEngine {
  found ??= prepare();
  return found;
}

function prepare(): PythonEngine {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [CAPSULE, "engines", "--prepare", "--json"],
    {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  if (status !== 0) throw new Error(`the Python engine can't be made ready: ${stderr}`);
  const { engines } = JSON.parse(stdout) as { engines: readonly Listed[] };
  const folder = engines.find(({ language }) => language === "python")?.folder;
  if (!folder) throw new Error("there is no Python engine");
  const neighbours = dirname(folder);
  const artifacts = readdirSync(neighbours).find((name) => existsSync(join(neighbours, name, "python.wasm")));
  if (!artifacts) throw new Error(`${neighbours} does not hold what the engine is made from`);
  return { folder, artifacts: join(neighbours, artifacts) };
}

/** Puts an engine's release into an empty user cache, as if it had just been fetched. */
export function layOutArtifacts({ artifacts }: PythonEngine, userCache: string): void {
  const engines = join(userCache, "engines");
  const target = join(engines, artifacts.slice(dirname(artifacts).length + 1));
  mkdirSync(engines, { recursive: true });
  for (const name of readdirSync(artifacts, { recursive: true, encoding: "utf8" })) {
    mkdirSync(dirname(join(target, name)), { recursive: true });
    try {
      linkSync(join(artifacts, name), join(target, name));
    } catch {
      // A folder, or another disk.
      cpSync(join(artifacts, name), join(target, name), { recursive: true });
    }
  }
}

/** What `python3` says its version is; null if the system has none. */
export function systemPython(): string | null {
  const { status, stdout } = spawnSync(
    "python3",
    ["-c", "import platform; print(platform.python_version())"],
    {
      encoding: "utf8",
    },
  );
  return status === 0 ? stdout.trim() : null;
}
