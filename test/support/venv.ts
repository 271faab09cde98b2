/** Virtual environments with packages of PyPI's, for tests that drive Capsule from Python. */
import { type ExecFileSyncOptions, execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Kept with what else is fetched for this checkout. */
const KEPT = fileURLToPath(new URL("../../node_modules/.packages-under-test/", import.meta.url));

/**
 * A virtual environment with exactly these requirements, made once.
 * @returns the path of its Python
 * @throws Error if there is no Python with `venv`, or the packages can't be had
 */
export function virtualEnvironment(...requirements: readonly string[]): string {
  const name = createHash("sha256").update(requirements.join("\n")).digest("hex").slice(0, 16);
  // A virtual environment can't be moved: it is made in its place, and a file says that it is whole.
  const home = join(KEPT, `venv-${name}`);
  const whole = join(home, "whole");
  const windows = process.platform === "win32";
  const python = join(home, windows ? "Scripts/python.exe" : "bin/python");
  if (existsSync(whole)) return python;
  mkdirSync(KEPT, { recursive: true });
  rmSync(home, { recursive: true, force: true });
  const options: ExecFileSyncOptions = { stdio: ["ignore", "ignore", "inherit"], timeout: 180_000 };
  execFileSync(windows ? "python" : "python3", ["-m", "venv", home], options);
  execFileSync(python, ["-m", "pip", "install", "-q", ...requirements], options);
  writeFileSync(whole, "");
  return python;
}
