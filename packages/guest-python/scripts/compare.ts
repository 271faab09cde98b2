/**
 * Compares what the bundler reads in Python files with what Python itself reads: tokens and imports of each file of its
 * standard library, tests included.
 *
 *     node packages/guest-python/scripts/compare.ts PYTHON
 *
 * PYTHON is a CPython of 3.12 or later, whose tokens of f-strings are ours.
 */
import { execFileSync, spawn } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { scanModule } from "../src/bundle/scan.ts";
import { decodeSource } from "../src/bundle/source.ts";
import { tokenize } from "../src/bundle/tokens.ts";

type Theirs = [path: string, tokens: [kind: string, text: string][] | null, imports: unknown[][] | null];

const [python] = process.argv.slice(2);
if (!python) throw new Error("Usage: compare.ts PYTHON");
const script = "import sysconfig; print(sysconfig.get_path('stdlib'))";
const library = execFileSync(python, ["-c", script], { encoding: "utf8" }).trim();

const child = spawn(python, [fileURLToPath(new URL("compare.py", import.meta.url))], {
  stdio: ["pipe", "pipe", "inherit"],
});
child.stdin.end(globSync(`${library}/**/*.py`).join("\n"));

const LAYOUT = new Set(["newline", "indent", "dedent"]);

function tokensOf(bytes: Uint8Array): [string, string][] {
  const text = decodeSource(bytes);
  return tokenize(text).flatMap(({ kind, start, end }) =>
    kind === "fstring-middle" ? [] : [[kind, LAYOUT.has(kind) ? "" : text.slice(start, end)]],
  );
}

/** Calls that import are not known to Python's grammar. */
const importsOf = (bytes: Uint8Array): unknown[][] =>
  scanModule(bytes).imports.map(({ module, level, names, when }) => [module, level, names, when !== "load"]);

function missing(ours: unknown[][], theirs: unknown[][]): unknown[][] {
  const rest = ours.map((each) => JSON.stringify(each));
  return theirs.filter((each) => {
    const at = rest.indexOf(JSON.stringify(each));
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
}

let files = 0;
let imports = 0;
let differences = 0;
let refused = 0;
for await (const line of createInterface({ input: child.stdout })) {
  const [path, tokens, found] = JSON.parse(line) as Theirs;
  if (!tokens || !found) {
    refused++;
    continue;
  }
  files++;
  imports += found.length;
  const bytes = readFileSync(path);
  const ours = tokensOf(bytes);
  const at = ours.findIndex((token, index) => !isDeepStrictEqual(token, tokens[index]));
  const without = missing(importsOf(bytes), found);
  if (at < 0 && ours.length === tokens.length && without.length === 0) continue;
  differences++;
  console.log(path, { ours: ours[at], theirs: tokens[at], without });
}
console.log(
  `${files} files with ${imports} imports, ${differences} read differently; ${refused} that Python refuses`,
);
process.exitCode = differences > 0 ? 1 : 0;
