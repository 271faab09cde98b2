/**
 * Runs what takes too long for every change: `npm run test:long [-- NAME… [--OPTION…]]`. Each is a program of its own
 * that prints what it does and ends with 1 if something is wrong; all are run, whatever the first ones say. Options are
 * passed on to them.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

const LONG: Readonly<Record<string, string>> = {
  /** All of CPython's own tests that a sandbox can run. */
  cpython: "test/cpython/run.ts",
  /** Cells that break the protocol, and cells that are killed and stopped. */
  cells: "test/cells/run.ts",
  /** Ten minutes of random modules for the rewriter. */
  fuzz: "packages/wasm/scripts/fuzz/run.ts",
  /** 100,000 runs in one runtime, for each language; `--runs=N` for fewer. */
  soak: "test/soak/run.ts",
};

const run = (args: readonly string[]): boolean =>
  spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" }).status === 0;

const words = process.argv.slice(2);
const options = words.filter((word) => word.startsWith("-"));
const named = words.filter((word) => !word.startsWith("-"));
const unknown = named.find((name) => !Object.hasOwn(LONG, name));
if (unknown !== undefined) {
  process.stderr.write(`there is no long test "${unknown}"; there are ${Object.keys(LONG).join(", ")}\n`);
  process.exit(2);
}
if (!run(["scripts/build.ts"])) process.exit(1);
const chosen = named.length > 0 ? named : Object.keys(LONG);
const failed = chosen.filter((name) => !run([LONG[name] as string, ...options]));
if (failed.length > 0) {
  process.stderr.write(`failed: ${failed.join(", ")}\n`);
  process.exit(1);
}
