/**
 * Runs the tests: `npm test [-- unit | e2e | PATH…] [--OPTION…]`. Unit tests stand beside the code, end-to-end tests
 * in `test/` drive the built command line, which is built first when it is older than its source. Options are passed
 * on to Node's test runner, whose summary comes last.
 */
import { spawnSync } from "node:child_process";
import { globSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

const GROUPS: Readonly<Record<string, readonly string[]>> = {
  unit: ["packages/*/{src,scripts}/**/*.test.ts", "scripts/**/*.test.ts"],
  e2e: ["test/**/*.test.ts"],
};
const SOURCES = [
  "packages/*/{src,scripts}/**/*.{ts,json,py}",
  "python/*/src/**/*.py",
  "scripts/build*/**/*.ts",
  "scripts/build.ts",
];
const BUILT = "packages/cli/dist/package.json";
/** No single test takes this long; one that hangs must not hang whoever waits for the result. */
const TIMEOUT_MS = 300_000;

/** The files an argument means: a group, a file, or all tests in a folder. */
function filesOf(word: string): string[] {
  const patterns =
    GROUPS[word] ?? (word.endsWith(".ts") ? [word] : [`${word.replace(/\/$/, "")}/**/*.test.ts`]);
  const files = globSync([...patterns], {
    cwd: root,
    exclude: (name) => /(^|\/)(node_modules|dist)$/.test(name),
  });
  if (files.length === 0) {
    process.stderr.write(
      `no tests in ${word}; there are ${Object.keys(GROUPS).join(", ")}, files and folders\n`,
    );
    process.exit(2);
  }
  return files.sort();
}

function run(args: readonly string[]): void {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

const changedAt = (file: string): number =>
  statSync(`${root}/${file}`, { throwIfNoEntry: false })?.mtimeMs ?? 0;

const isStale = (): boolean => {
  const built = changedAt(BUILT);
  return globSync(SOURCES, { cwd: root }).some(
    (file) => !file.endsWith(".test.ts") && changedAt(file) > built,
  );
};

const words = process.argv.slice(2);
const options = words.filter((word) => word.startsWith("-"));
const chosen = words.filter((word) => !word.startsWith("-"));
const files = (chosen.length > 0 ? chosen : Object.keys(GROUPS)).flatMap(filesOf);
if (isStale()) run(["scripts/build.ts"]);
// Once for a machine, and too long for any single test to wait for.
run(["packages/cli/bin/capsule.js", "engines", "--prepare"]);
run([
  "--test",
  `--test-concurrency=${availableParallelism()}`,
  `--test-timeout=${TIMEOUT_MS}`,
  ...options,
  ...new Set(files),
]);
