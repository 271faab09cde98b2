/** `npm run check`: everything about the source that needs no long run. All checks run; the exit code is 1 if any fails. */
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const require = createRequire(import.meta.url);

/** The script behind a command of a package. */
function bin(name: string, command: string): string {
  const path = require.resolve(`${name}/package.json`);
  return join(dirname(path), require(path).bin[command]);
}

const CHECKS: readonly (readonly [string, readonly string[]])[] = [
  ["lint and format", [bin("@biomejs/biome", "biome"), "ci", "."]],
  ["types", [bin("typescript", "tsc"), "--noEmit"]],
  ["imports between packages", ["--test", "test/house.test.ts"]],
  ["documentation", ["scripts/check-docs.ts"]],
  ["pages of errors", ["scripts/error-pages.ts"]],
];

let failed = false;
for (const [name, args] of CHECKS) {
  process.stdout.write(`\n== ${name}\n`);
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" });
  if (status !== 0) failed = true;
}
process.exitCode = failed ? 1 : 0;
