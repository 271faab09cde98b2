/** Every error has its page, and the page says what Capsule prints. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  checkExamples,
  checkPages,
  examplesOf,
  filesOf,
  indexText,
  misshapen,
  type Problem,
  pages,
  SKIPPED,
  usageSlugs,
} from "../scripts/error-pages.ts";

const shown = (problems: readonly Problem[]): string[] =>
  problems.map(({ file, message }) => `${file}: ${message}`);

test("every error type and slug has its page, no page is without one, the index is up to date", () => {
  assert.ok(usageSlugs().length > 20);
  assert.deepEqual(shown(checkPages()), []);
});

test("examples print what their pages say, ending with the slug", async () => {
  assert.deepEqual(shown(await checkExamples()), []);
});

test("no page is excused that does not exist, and few are", () => {
  const names = pages().map(({ name }) => name);
  for (const name of Object.keys(SKIPPED)) assert.ok(names.includes(name), name);
  assert.ok(Object.keys(SKIPPED).length < names.length / 5);
});

const PAGE = `# load

It failed.

## What it means

x

## Example

\`a/b.ts\`:

\`\`\`ts
code();
\`\`\`

\`\`\`sh
npx capsule run a/b.ts
\`\`\`

\`\`\`text
error: no [load]
\`\`\`

## What to do

x
`;

test("the check reads files and examples of a page, and its summary", () => {
  assert.deepEqual(filesOf(PAGE), [["a/b.ts", "code();\n"]]);
  assert.deepEqual(examplesOf(PAGE), [{ command: "npx capsule run a/b.ts", printed: "error: no [load]\n" }]);
  assert.match(indexText([{ name: "load", text: PAGE }]), /\| \[`load`\]\(load\.md\) +\| It failed\. +\|/);
});

test("the check finds what a page lacks", () => {
  const problems = (text: string, name = "load", names = ["load"]): string[] =>
    misshapen([{ name, text }], names).map(({ message }) => message);
  assert.deepEqual(problems(PAGE), []);
  assert.deepEqual(problems(PAGE.replace("# load", "# lod")), ['the first line must be "# load"']);
  assert.deepEqual(problems(PAGE.replace("It failed.", "it failed")), [
    "the first paragraph must be one sentence",
  ]);
  assert.deepEqual(problems(PAGE.replace("What to do", "What now")), [
    "the sections must be What it means, Example, What to do",
  ]);
  assert.deepEqual(problems(PAGE.replace("[load]", "")), ["no example prints [load]"]);
  assert.deepEqual(problems(PAGE, "load", ["load", "lost"]), ["there is no such page"]);
  assert.deepEqual(problems(PAGE.replace("# load", "# old"), "old", []), [
    "there is no such error type or slug",
    "no example prints [old]",
  ]);
});
