/**
 * The pages of `docs/errors/`, one for each error type and each slug of exit code 2, held to the code:
 * `node scripts/error-pages.ts` prints what is wrong and exits with 1; with `--write` it runs the examples, puts what
 * they print into the pages where it differs, and makes the index anew.
 */
import { spawn } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ERROR_TYPES, isErrorType, isRetryable } from "@capsule-run/protocol";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const FOLDER = "docs/errors";
const INDEX = "README.md";
const SECTIONS = ["What it means", "Example", "What to do"];
/** Examples that run at the same time, and after how long one has hung. */
const AT_ONCE = 2;
const HARD_LIMIT_MS = 60_000;

/** Pages whose examples are not run, and why. Reviewed by hand. */
export const SKIPPED: Readonly<Record<string, string>> = {
  "dependency-file": "takes pip",
  engine: "takes an installation that is damaged",
  "node-version": "takes a Node that is too old",
  workspace: "takes a session of code",
  "too-large": "takes a program of more than 64 MiB",
};

/** What is wrong with a page. */
export interface Problem {
  readonly file: string;
  readonly message: string;
}

export interface Page {
  /** An error type or a slug. */
  readonly name: string;
  readonly text: string;
}

/** A command of a page and what the page says that it prints. */
export interface Example {
  readonly command: string;
  readonly printed: string;
}

/** The slugs of `UsageError`, which exist as a type only. */
export function usageSlugs(): readonly string[] {
  const source = readFileSync(join(ROOT, "packages/protocol/src/errors.ts"), "utf8");
  const union = /export type UsageSlug =([^;]*);/.exec(source)?.[1] ?? "";
  return [...union.matchAll(/"([a-z-]+)"/g)].map(([, slug]) => slug as string);
}

export const pages = (root = ROOT): readonly Page[] =>
  readdirSync(join(root, FOLDER))
    .filter((file) => file.endsWith(".md") && file !== INDEX)
    .sort()
    .map((file) => ({ name: file.slice(0, -3), text: readFileSync(join(root, FOLDER, file), "utf8") }));

/** The first paragraph of a page: what the index says of it. */
const summaryOf = (text: string): string => text.split("\n\n")[1]?.replace(/\s+/g, " ").trim() ?? "";

/** Whether pages and codes belong together, and each page has what a page has. */
export function misshapen(all: readonly Page[], names: readonly string[]): readonly Problem[] {
  const problems: Problem[] = [];
  const say = (name: string, message: string): unknown =>
    problems.push({ file: `${FOLDER}/${name}.md`, message });
  for (const name of names) if (!all.some((page) => page.name === name)) say(name, "there is no such page");
  for (const { name, text } of all) {
    if (!names.includes(name)) say(name, "there is no such error type or slug");
    if (!text.startsWith(`# ${name}\n\n`)) say(name, `the first line must be "# ${name}"`);
    if (!/^[A-Z`].*\.$/.test(summaryOf(text))) say(name, "the first paragraph must be one sentence");
    const sections = [...text.matchAll(/^## (.*)$/gm)].map(([, title]) => title);
    if (sections.join() !== SECTIONS.join()) say(name, `the sections must be ${SECTIONS.join(", ")}`);
    const examples = examplesOf(text);
    if (examples.length === 0) say(name, "there is no example");
    const mark = isErrorType(name) ? name : `[${name}]`;
    if (!examples.some(({ printed }) => printed.includes(mark))) say(name, `no example prints ${mark}`);
  }
  return problems;
}

/** The files of a page: the blocks below a line that is a name in backquotes and a colon. */
export const filesOf = (text: string): readonly (readonly [name: string, content: string])[] =>
  [...text.matchAll(/^`([\w./-]+)`:\n\n```\w+\n([\s\S]*?)^```$/gm)].map(([, name, content]) => [
    name as string,
    content as string,
  ]);

const EXAMPLE = /^```sh\n(.*)\n```\n\n```text\n([\s\S]*?)^```$/gm;

/** The commands of a page: each an `sh` block of one line with a `text` block below it. */
export const examplesOf = (text: string): readonly Example[] =>
  [...text.matchAll(EXAMPLE)].map(([, command, printed]) => ({
    command: command as string,
    printed: printed as string,
  }));

/** Without times, fuel and sizes, which are others each time or on each machine. */
const comparable = (text: string): string =>
  text
    .replace(/^ *[\d,]+ ms /gm, "… ")
    .replace(/(?<=takes )\d+(?= bytes already)/g, "…")
    .replace(/^.* · .*$/gm, (line) => line.replace(/[\d.,]+ (?:ms|s|fuel|B|kB|MB|GB)\b/g, "…"));

/** What a command prints, stdout before stderr, and its exit code, in a folder. Words may be preceded by `NAME=value`. */
function perform(command: string, cwd: string): Promise<{ printed: string; code: number | null }> {
  const words = command.split(" ");
  const env: NodeJS.ProcessEnv = { ...process.env };
  for (const name of ["NO_COLOR", "FORCE_COLOR", "NODE_TEST_CONTEXT", "CAPSULE_NODE", "NODE_OPTIONS"])
    delete env[name];
  for (
    let set = /^(\w+)=(.*)$/.exec(words[0] as string);
    set;
    set = /^(\w+)=(.*)$/.exec(words[0] as string)
  ) {
    env[set[1] as string] = set[2];
    words.shift();
  }
  const launcher = join(ROOT, "packages/cli/bin/capsule.js");
  if (words[0] === "node") words.shift();
  else if (words.splice(0, 2, launcher).join(" ") !== "npx capsule")
    throw new Error(`no command of Capsule: ${command}`);
  return new Promise((resolve, reject) => {
    const stdio = ["ignore", "pipe", "pipe"] as const;
    const child = spawn(process.execPath, words, { cwd, env, stdio: [...stdio] });
    const texts = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const)
      child[name].setEncoding("utf8").on("data", (piece: string) => {
        texts[name] += piece;
      });
    const limit = setTimeout(() => child.kill("SIGKILL"), HARD_LIMIT_MS);
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(limit);
      resolve({ printed: texts.stdout + texts.stderr, code });
    });
  });
}

/** Runs the examples of a page, with its files, in a folder of their own. */
async function performAll({ text }: Page): Promise<readonly { printed: string; code: number | null }[]> {
  const cwd = mkdtempSync(join(tmpdir(), "capsule-errors-"));
  try {
    for (const [name, content] of filesOf(text)) {
      mkdirSync(dirname(join(cwd, name)), { recursive: true });
      writeFileSync(join(cwd, name), content);
    }
    const examples = examplesOf(text);
    // Host programs import the SDK.
    if (examples.some(({ command }) => command.startsWith("node ")))
      symlinkSync(join(ROOT, "node_modules"), join(cwd, "node_modules"), "junction");
    const results = [];
    for (const { command } of examples) results.push(await perform(command, cwd));
    return results;
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}

/** Examples of a page that print something else than it says, or end otherwise than its kind of error does. */
export async function failingExamples(page: Page): Promise<readonly Problem[]> {
  const file = `${FOLDER}/${page.name}.md`;
  const results = await performAll(page);
  return examplesOf(page.text).flatMap(({ command, printed: said }, i) => {
    const { printed, code } = results[i] as (typeof results)[number];
    const problems: Problem[] = [];
    if (comparable(printed) !== comparable(said))
      problems.push({ file, message: `"${command}" prints this, which the page does not say:\n${printed}` });
    // A task that failed in a program that succeeds is 0.
    const fits = isErrorType(page.name) ? code === 0 || code === 1 : code === 2;
    if (!fits) problems.push({ file, message: `"${command}" ends with ${code}` });
    if (!isErrorType(page.name) && !printed.endsWith(`[${page.name}]\n`))
      problems.push({ file, message: `what "${command}" prints does not end with [${page.name}]` });
    return problems;
  });
}

/** Calls a function for each of some things, so many at once. */
export async function forEach<T>(things: readonly T[], each: (thing: T) => Promise<void>): Promise<void> {
  const left = [...things];
  const work = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) await each(next);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

/** The page with what its examples print now; as it is where that is the same but for times and sizes. */
async function refreshed(page: Page): Promise<string> {
  const results = await performAll(page);
  let at = 0;
  return page.text.replace(EXAMPLE, (whole, command: string, said: string) => {
    const { printed } = results[at++] as (typeof results)[number];
    if (comparable(printed) === comparable(said)) return whole;
    return `\`\`\`sh\n${command}\n\`\`\`\n\n\`\`\`text\n${printed}\`\`\``;
  });
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => (row[i] as string).length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] as number)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

/** The index, made from the first lines of the pages. */
export function indexText(all: readonly Page[]): string {
  const page = (name: string): Page => all.find((each) => each.name === name) ?? { name, text: "" };
  const link = (name: string): string => `[\`${name}\`](${name}.md)`;
  const types = ERROR_TYPES.map((name) => [
    link(name),
    summaryOf(page(name).text),
    isRetryable(name) ? "yes" : "no",
  ]);
  const slugs = usageSlugs().map((name) => [link(name), summaryOf(page(name).text)]);
  return `<!-- Made by scripts/error-pages.ts from the pages. -->

# Errors

Two kinds. What a task did is in its [envelope](../tasks.md#the-envelope), under an \`error_type\`; for \`main\` the exit
code is 1, and the last line on stderr names the type. What kept a program from running at all is one message on stderr
and exit code 2; it ends with a slug in brackets. Each type and each slug has a page here: what it means, an example,
what to do.

A program that embeds the runtime gets the envelope of a task that failed, and a \`UsageError\` thrown for what is exit code
2, with \`slug\`, \`text\` (the message without the slug), \`place\` and \`excerpt\`.

## Error types

${table(["type", "meaning", "retried by `maxRetries`"], types)}

## Exit code 2

${table(["slug", "meaning"], slugs)}
`;
}

/** Everything that is wrong with the pages, without running the examples. */
export function checkPages(root = ROOT): readonly Problem[] {
  const all = pages(root);
  const stale = readFileSync(join(root, FOLDER, INDEX), "utf8") !== indexText(all);
  return [
    ...misshapen(all, [...ERROR_TYPES, ...usageSlugs()]),
    ...(stale
      ? [{ file: `${FOLDER}/${INDEX}`, message: "stale: run node scripts/error-pages.ts --write" }]
      : []),
  ];
}

const isRun = ({ name }: Page): boolean => !Object.hasOwn(SKIPPED, name);

/** What the examples of all pages that are run have wrong. */
export async function checkExamples(root = ROOT): Promise<readonly Problem[]> {
  const problems: Problem[] = [];
  await forEach(pages(root).filter(isRun), async (page) => {
    problems.push(...(await failingExamples(page)));
  });
  return problems;
}

async function write(): Promise<void> {
  await forEach(pages().filter(isRun), async (page) => {
    writeFileSync(join(ROOT, FOLDER, `${page.name}.md`), await refreshed(page));
  });
  writeFileSync(join(ROOT, FOLDER, INDEX), indexText(pages()));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes("--write")) await write();
  const problems = [...checkPages(), ...(await checkExamples())];
  for (const { file, message } of problems) console.error(`${file}: ${message}`);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
