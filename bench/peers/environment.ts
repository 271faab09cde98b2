/** Installs the peers into virtual environments outside of the repository, and makes ready what they need once. */
import { type ExecFileSyncOptions, execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Kept from one measurement to the next: one of the peers compiles for minutes. */
const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "capsule-bench-peers");

export const KERNELS = here("../programs/kernels.py");
export const driver = (name: string): string => here(`drivers/${name}`);

/** A peer that the package registry has. */
export interface Peer {
  readonly version: string;
  /** The folder of its commands. */
  readonly bin: string;
  readonly python: string;
  readonly env: NodeJS.ProcessEnv;
}

/** @throws Error if there is no Python, or no registry */
export function installPeer(name: string, requirement: string): Peer {
  const home = join(CACHE, name);
  const bin = join(home, "bin");
  const python = join(bin, "python");
  const quiet: ExecFileSyncOptions = { stdio: ["ignore", "ignore", "inherit"] };
  if (!existsSync(python)) execFileSync("python3", ["-m", "venv", home], quiet);
  const pip = ["-m", "pip", "--disable-pip-version-check", "-q"];
  execFileSync(python, [...pip, "install", requirement], quiet);
  const script = `import importlib.metadata; print(importlib.metadata.version(${JSON.stringify(name)}))`;
  const version = execFileSync(python, ["-c", script], { encoding: "utf8" }).trim();
  const env = { ...process.env, VIRTUAL_ENV: home, PATH: `${bin}:${process.env.PATH}` };
  return { version, bin, python, env };
}

/** Programs of tasks in Python that all runtimes of tasks are given. */
export const PROGRAMS = ["peers", "timeout", "fuel", "memory"] as const;

/** Writes the programs into a folder; the first of them has the kernels in itself, because not all peers take two files. */
export function writePrograms(folder: string): void {
  mkdirSync(join(folder, "open"), { recursive: true });
  writeFileSync(join(folder, "capsule.toml"), "");
  writeFileSync(join(folder, "open/in.txt"), "fine");
  writeFileSync(join(folder, "secret.txt"), "secret");
  for (const name of PROGRAMS) {
    const text = readFileSync(here(`programs/${name}.py`), "utf8");
    const kernels = name === "peers" ? readFileSync(KERNELS, "utf8") : "";
    writeFileSync(join(folder, `${name}.py`), `${kernels}\n${text}`);
  }
  for (const name of ["trivial.ts", "parallel.py"]) cpSync(here(`programs/${name}`), join(folder, name));
}

/** A folder with what the Rust Capsule makes of the programs. It takes half a minute for each, once. */
export function builtByRust({ bin, env, version }: Peer): string {
  const texts = [KERNELS, ...PROGRAMS.map((name) => here(`programs/${name}.py`))].map((path) =>
    readFileSync(path),
  );
  const hash = createHash("sha256").update(version);
  for (const text of texts) hash.update(text);
  const folder = join(CACHE, `programs-${hash.digest("hex").slice(0, 16)}`);
  writePrograms(folder);
  for (const name of PROGRAMS) {
    if (existsSync(join(folder, `${name}.wasm`))) continue;
    console.error(`capsule-run ${version} compiles ${name}.py`);
    const options: ExecFileSyncOptions = { cwd: folder, env, stdio: ["ignore", "ignore", "inherit"] };
    execFileSync(join(bin, "capsule"), ["build", `${name}.py`, "--export"], options);
  }
  return folder;
}
