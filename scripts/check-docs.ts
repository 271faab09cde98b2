/** Holds the documentation to the code: `node scripts/check-docs.ts` prints what is wrong and exits with 1. */
import { spawnSync } from "node:child_process";
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { DOOR_NAMES } from "@capsule-run/guest-javascript/door";
import { ERROR_TYPES, LIMITS, TASK_OPTIONS } from "@capsule-run/protocol";
import { COMMANDS, EXIT_CODES, TOP_OPTIONS } from "../packages/cli/src/options.ts";
import { IMPORTS as PYTHON_IMPORTS } from "../packages/guest-python/src/drive/wasi/index.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** Something in a document that is not so. */
export interface Problem {
  readonly file: string;
  /** From 1; 0 for what is missing altogether. */
  readonly line: number;
  readonly message: string;
}

/** Commands of the documents that are executed here, and what they have to print. They are quick and change nothing. */
export const EXECUTED: Readonly<Record<string, RegExp>> = {
  "npx capsule run examples/hello.ts": /^Hello from Capsule!\n$/,
  "npx capsule run --json examples/hello.ts":
    /^\{"success":true,"result":"Hello from Capsule!","error":null,/,
  "npx capsule run --verbose examples/hello.ts": /^Hello from Capsule!\n$/,
  "npx capsule run --help": /^Usage: capsule run/,
  "npx capsule build examples/hello.ts": /^$/,
  "npx capsule build --verbose examples/hello.ts": /^$/,
  "npx capsule build --help": /^Usage: capsule build/,
  "npx capsule build --export examples/hello.ts": /^$/,
  "npx capsule exec examples/hello.wasm": /^Hello from Capsule!\n$/,
  "npx capsule exec --help": /^Usage: capsule exec/,
  "npx capsule runs": /^ID +STATE/,
  "npx capsule runs --help": /^Usage: capsule runs/,
  "npx capsule inspect --help": /^Usage: capsule inspect/,
  "npx capsule engines": /^javascript ready/,
  "npx capsule engines --help": /^Usage: capsule engines/,
  "npx capsule --help": /^Usage: capsule COMMAND/,
};

/** Commands that are not executed here, and why that is fine. Reviewed by hand. */
export const SKIPPED: Readonly<Record<string, string>> = {
  "npm ci && npx capsule run examples/hello.ts": "installs; its second half is executed",
  "npm ci && npm test": "this is part of it",
  "npx capsule run examples/analyze.ts --args-file examples/analyze.args.json":
    "takes seconds; has a test of its own",
  "npx capsule run examples/hello.py": "makes the Python engine if it is not there; has a test of its own",
  "npx capsule run examples/report.py > report.svg": "takes seconds; has a test of its own",
  "npx capsule engines --prepare": "fetches 98 MB if it has to; takes a minute",
  "npm ci": "installs",
  "npm install @capsule-run/sdk @capsule-run/cli": "installs",
  "npm install @capsule-run/adapter": "installs",
  "pip install capsule-run-adapter": "installs",
  "pip install capsule-run": "installs",
  "npm run bench": "takes minutes",
  "npm run bench:peers": "installs, and takes many minutes",
  "npm test": "this is part of it",
  "npm run build": "the tests need what it makes",
  "npm run pack": "a test installs what it makes",
  "npm test -- unit": "this is part of it",
  "npm test -- e2e": "this is part of it",
  "npm run test:long": "takes many minutes",
  "npm run fuzz": "takes ten minutes; its smoke test is among the unit tests",
  "npm run check": "this is part of it",
  "npm run test:node24": "installs, and takes minutes",
  "npm run format": "changes files",
};

/** All documents, relative to the root. */
export const documents = (root = ROOT): readonly string[] =>
  ["*.md", "docs/**/*.md", "packages/*/README.md", "examples/**/*.md"]
    .flatMap((pattern) => globSync(pattern, { cwd: root, exclude: ["**/node_modules/**"] }))
    .sort();

/** Without the pages of `docs/errors/`, whose commands fail: `error-pages.ts` runs those. */
export const guides = (root = ROOT): readonly string[] =>
  documents(root).filter((file) => !file.startsWith("docs/errors/"));

/** The lines of a document outside of fenced code, with their numbers. */
function* prose(text: string): Generator<readonly [line: string, number: number]> {
  let fence: string | null = null;
  for (const [i, line] of text.split("\n").entries()) {
    const mark = /^\s*(```+|~~~+)/.exec(line)?.[1];
    if (fence !== null) {
      if (mark?.startsWith(fence)) fence = null;
    } else if (mark !== undefined) fence = mark;
    else yield [line, i + 1];
  }
}

/** The anchors of a document's headings, as GitHub makes them. */
export function anchors(text: string): ReadonlySet<string> {
  const found = new Set<string>();
  for (const [line] of prose(text)) {
    const heading = /^#{1,6}\s+(.*?)\s*#*$/.exec(line)?.[1];
    if (heading === undefined) continue;
    const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replaceAll("`", "");
    const anchor = plain
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replace(/\s/g, "-");
    let unique = anchor;
    for (let n = 1; found.has(unique); n++) unique = `${anchor}-${n}`;
    found.add(unique);
  }
  return found;
}

/** Links of a document to files or headings that are not there. Links to other sites are not looked at. */
export function brokenLinks(file: string, root = ROOT): readonly Problem[] {
  const text = readFileSync(join(root, file), "utf8");
  const problems: Problem[] = [];
  for (const [line, number] of prose(text))
    for (const [, target = ""] of line.replace(/`[^`]*`/g, "").matchAll(/\]\(([^)\s]+)(?:\s+"[^"]*")?\)/g)) {
      if (/^[a-z][a-z0-9+.-]*:/i.test(target)) continue;
      const reason = linkProblem(target, join(root, file), text);
      if (reason) problems.push({ file, line: number, message: `the link to ${target}: ${reason}` });
    }
  return problems;
}

function linkProblem(target: string, from: string, ownText: string): string | null {
  const [path = "", anchor] = target.split("#", 2);
  const linked = path === "" ? from : resolve(dirname(from), decodeURIComponent(path));
  if (!existsSync(linked)) return "there is no such file";
  if (anchor === undefined || statSync(linked).isDirectory()) return null;
  const text = path === "" ? ownText : readFileSync(linked, "utf8");
  return anchors(text).has(anchor) ? null : "there is no such heading";
}

/** The commands in a document's `sh` blocks: one on each line. */
export function commandsOf(text: string): readonly { readonly command: string; readonly line: number }[] {
  const commands: { command: string; line: number }[] = [];
  let inside = false;
  for (const [i, line] of text.split("\n").entries()) {
    if (/^\s*```/.test(line)) inside = /^\s*```sh\s*$/.test(line);
    else if (inside && line.trim() !== "") commands.push({ command: line.trim(), line: i + 1 });
  }
  return commands;
}

/** Commands that are on neither list. */
export function unknownCommands(file: string, root = ROOT): readonly Problem[] {
  return commandsOf(readFileSync(join(root, file), "utf8"))
    .filter(({ command }) => !Object.hasOwn(EXECUTED, command) && !Object.hasOwn(SKIPPED, command))
    .map(({ command, line }) => ({ file, line, message: `"${command}" is neither executed nor skipped` }));
}

/** Commands on the lists that no document has any more. */
export function staleCommands(root = ROOT): readonly Problem[] {
  const used = new Set(
    guides(root).flatMap((file) =>
      commandsOf(readFileSync(join(root, file), "utf8")).map(({ command }) => command),
    ),
  );
  return [...Object.keys(EXECUTED), ...Object.keys(SKIPPED)]
    .filter((command) => !used.has(command))
    .map((command) => ({
      file: "scripts/check-docs.ts",
      line: 0,
      message: `"${command}" is in no document`,
    }));
}

/** The command line of this checkout, by this Node. */
function capsule(
  words: readonly string[],
  cwd: string,
): { status: number | null; stdout: string; stderr: string } {
  const launcher = join(ROOT, "packages/cli/bin/capsule.js");
  return spawnSync(process.execPath, [launcher, ...words], { cwd, encoding: "utf8", timeout: 30_000 });
}

/** Executes the commands that are to be, by this Node and without npx. */
export function failingCommands(root = ROOT): readonly Problem[] {
  const problems: Problem[] = [];
  for (const [command, expected] of Object.entries(EXECUTED)) {
    const words = command.split(" ").slice(2);
    const { status, stdout, stderr } = capsule(words, root);
    if (status !== 0 || !expected.test(stdout))
      problems.push({
        file: "README.md",
        line: 0,
        message: `"${command}" ended with ${status}: ${stdout}${stderr}`,
      });
  }
  return problems;
}

/** The whole programs in a document: its `ts` blocks that define `main`. */
export function programsOf(text: string): readonly { readonly code: string; readonly line: number }[] {
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)]
    .map((match) => ({ code: match[1] as string, line: text.slice(0, match.index).split("\n").length }))
    .filter(({ code }) => code.includes("export const main"));
}

/** Programs in the documents that do not run, or print nothing. */
export function failingPrograms(root = ROOT): readonly Problem[] {
  const folder = mkdtempSync(join(tmpdir(), "capsule-docs-"));
  try {
    return guides(root).flatMap((file) =>
      programsOf(readFileSync(join(root, file), "utf8")).flatMap(({ code, line }) => {
        writeFileSync(join(folder, "program.ts"), code);
        const { status, stdout, stderr } = capsule(["run", "program.ts"], folder);
        const works = status === 0 && stdout !== "";
        return works ? [] : [{ file, line, message: `this program ends with ${status}: ${stdout}${stderr}` }];
      }),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Names that a document has to hold, in the form it holds them, and does not. */
function missing(file: string, names: readonly string[], form: (name: string) => string): readonly Problem[] {
  // Tables are padded.
  const text = readFileSync(join(ROOT, file), "utf8").replace(/ +/g, " ");
  return names
    .filter((name) => !text.includes(form(name)))
    .map((name) => ({ file, line: 0, message: `${form(name).trim()} is missing` }));
}

/** Tables and headings that belong to tables in the code. */
export function missingNames(): readonly Problem[] {
  const options = ["name", ...Object.keys(TASK_OPTIONS)];
  const flags = [...TOP_OPTIONS, ...COMMANDS.flatMap((command) => command.options)].map(({ flag }) => flag);
  return [
    ...missing("README.md", ERROR_TYPES, (name) => `\`${name}\``),
    ...missing("docs/limits.md", Object.keys(LIMITS), (name) => `| \`${name}\` |`),
    ...missing("docs/tasks.md", options, (name) => `| \`${name}\` |`),
    ...missing("README.md", options, (name) => `\`${name}\``),
    ...missing(
      "docs/cli.md",
      COMMANDS.map(({ name }) => name),
      (name) => `\`capsule ${name} `,
    ),
    ...missing("docs/cli.md", flags, (flag) => `\`${flag}`),
    ...missing(
      "docs/cli.md",
      EXIT_CODES.map(([code]) => String(code)),
      (code) => `| ${code} |`,
    ),
  ];
}

/** Packages that are installed and not explained, or explained and not installed. */
export function dependencyTable(): readonly Problem[] {
  const file = "docs/dependencies.md";
  const used = new Set<string>();
  for (const path of globSync("{package.json,packages/*/package.json}", { cwd: ROOT })) {
    const manifest = JSON.parse(readFileSync(join(ROOT, path), "utf8")) as Readonly<Record<string, object>>;
    for (const kind of ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"])
      for (const name of Object.keys(manifest[kind] ?? {}))
        if (!name.startsWith("@capsule-run/")) used.add(name);
  }
  const listed = firstColumn(readFileSync(join(ROOT, file), "utf8"));
  return [
    ...[...used].filter((name) => !listed.includes(name)).map((name) => `${name} is missing`),
    ...listed.filter((name) => !used.has(name)).map((name) => `no package depends on ${name}`),
  ].map((message) => ({ file, line: 0, message }));
}

/** The names in the first column of the tables of a section. */
export function tableNames(text: string, heading: string): readonly string[] {
  return firstColumn(text.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "");
}

function firstColumn(text: string): readonly string[] {
  return text
    .split("\n")
    .map((line) => /^\| (`[^|]*`) +\|/.exec(line)?.[1] ?? "")
    .flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name as string));
}

/** Numbers of limits that the table does not say, as such or in units. */
export function limitValues(): readonly Problem[] {
  const file = "docs/limits.md";
  const lines = readFileSync(join(ROOT, file), "utf8").split("\n");
  const forms = (value: number): string[] => [
    value.toLocaleString("en-US"),
    `${value / 1024} KiB`,
    `${value / 1024 ** 2} MiB`,
    `${value / 1024 ** 3} GiB`,
    `${value / 1000} s`,
  ];
  return Object.entries(LIMITS).flatMap(([name, value]) => {
    const line = lines.findIndex((each) => each.startsWith(`| \`${name}\` `));
    const numbers = typeof value === "number" ? [value] : Object.values(value);
    return numbers
      .filter((number) => !forms(number).some((form) => lines[line]?.includes(` ${form} `)))
      .map((number) => ({ file, line: line + 1, message: `${name} is ${number}` }));
  });
}

/** Where the table of imports differs from what the built engine imports, and that of the door from the door. */
export function importTable(root = ROOT): readonly Problem[] {
  const file = "docs/security.md";
  const listed = tableNames(readFileSync(join(root, file), "utf8"), "Imports");
  const wasm = readFileSync(join(root, "packages/cli/dist/engine-javascript/engine.wasm"));
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(wasm));
  const real = [...imports.map(({ module, name }) => `${module}.${name}`), ...DOOR_NAMES];
  const problem = (message: string): Problem => ({ file, line: 0, message });
  return [
    ...real.filter((name) => !listed.includes(name)).map((name) => problem(`the import ${name} is missing`)),
    ...listed.filter((name) => !real.includes(name)).map((name) => problem(`there is no import ${name}`)),
  ];
}

/** Where the table of Python's imports differs from that of the code, in names or in what they do. */
export function pythonImportTable(root = ROOT): readonly Problem[] {
  const file = "docs/security.md";
  const [, section = ""] = readFileSync(join(root, file), "utf8").split("\n## Imports of Python\n");
  const rows = section.split("\n## ")[0]?.matchAll(/^\| `(\w+\.\w+)` +\| (.*?) +\|$/gm) ?? [];
  const listed = Object.fromEntries([...rows].map(([, name, does]) => [name, does]));
  const problem = (message: string): Problem => ({ file, line: 0, message });
  return [
    ...Object.entries(PYTHON_IMPORTS)
      .filter(([name, does]) => listed[name] !== does)
      .map(([name, does]) => problem(`the import ${name} of Python does this: ${does}`)),
    ...Object.keys(listed)
      .filter((name) => !Object.hasOwn(PYTHON_IMPORTS, name))
      .map((name) => problem(`there is no import ${name} of Python`)),
  ];
}

/** Everything that is wrong with the documentation. */
export function checkDocs(): readonly Problem[] {
  const files = documents();
  return [
    ...files.flatMap((file) => brokenLinks(file)),
    ...guides().flatMap((file) => unknownCommands(file)),
    ...staleCommands(),
    ...missingNames(),
    ...limitValues(),
    ...importTable(),
    ...pythonImportTable(),
    ...dependencyTable(),
    ...failingCommands(),
    ...failingPrograms(),
  ];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problems = checkDocs();
  for (const { file, line, message } of problems)
    console.error(`${file}${line ? `:${line}` : ""}: ${message}`);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
