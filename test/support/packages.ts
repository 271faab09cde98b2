/** npm packages that tests run inside sandboxes: what people use, not what Capsule is made of. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Kept with what else is fetched for this checkout. */
const KEPT = fileURLToPath(new URL("../../node_modules/.packages-under-test/", import.meta.url));

/**
 * Installs packages once, without running their scripts.
 * @param versions exact ones, by name
 * @returns the folder they are installed in: programs below it find them; null if npm can't install them, as without a network
 */
export function installed(versions: Readonly<Record<string, string>>): string | null {
  const manifest = JSON.stringify({ private: true, dependencies: versions });
  const home = join(KEPT, createHash("sha256").update(manifest).digest("hex").slice(0, 16));
  if (!existsSync(home)) {
    mkdirSync(KEPT, { recursive: true });
    const work = mkdtempSync(join(KEPT, "new-"));
    writeFileSync(join(work, "package.json"), manifest);
    try {
      const options = [
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--no-package-lock",
        "--loglevel=error",
      ];
      execFileSync("npm", ["install", ...options], {
        cwd: work,
        stdio: ["ignore", "ignore", "inherit"],
        timeout: 120_000,
        shell: process.platform === "win32",
      });
      // Another test may have been faster.
      if (!existsSync(home)) renameSync(work, home);
    } catch {
      return null;
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }
  return home;
}
