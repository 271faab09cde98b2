/** The documentation says what is so. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import {
  anchors,
  brokenLinks,
  commandsOf,
  dependencyTable,
  documents,
  failingCommands,
  failingPrograms,
  guides,
  importTable,
  limitValues,
  missingNames,
  type Problem,
  pythonImportTable,
  staleCommands,
  tableNames,
  unknownCommands,
} from "../scripts/check-docs.ts";

const shown = (problems: readonly Problem[]): string[] =>
  problems.map(({ file, line, message }) => `${file}:${line}: ${message}`);

const none = (problems: readonly Problem[]): void => assert.deepEqual(shown(problems), []);

test("links lead somewhere", () => none(documents().flatMap((file) => brokenLinks(file))));

test("commands are executed, or skipped for a reason", () => {
  none(guides().flatMap((file) => unknownCommands(file)));
  none(staleCommands());
});

test("commands do what the documents say", () => none(failingCommands()));

test("programs run", () => none(failingPrograms()));

test("options, limits, error types and exit codes are all there", () => {
  none(missingNames());
  none(limitValues());
});

test("the table of imports is the import object of the engine", () => none(importTable()));
test("the table of Python's imports says what the code says", () => none(pythonImportTable()));

/** A folder with files; removed at the end of the test. */
function folder(files: Readonly<Record<string, string>>): { root: string } & Disposable {
  const root = mkdtempSync(join(tmpdir(), "capsule-docs-"));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return { root, [Symbol.dispose]: () => rmSync(root, { recursive: true }) };
}

test("every dependency is explained", () => none(dependencyTable()));

test("the check finds broken links", () => {
  using at = folder({
    "README.md":
      "# A b\n[ok](docs/x.md) [ok](docs/x.md#c-d-e) [ok](#a-b) [ok](https://example.com)\n" +
      "[no](docs/y.md) [no](docs/x.md#f)\n[no](#c)\n```\n[code](nowhere.md)\n```\n`[code](nowhere.md)`\n",
    "docs/x.md": "## C `d`, e!\n",
  });
  assert.deepEqual(shown(brokenLinks("README.md", at.root)), [
    "README.md:3: the link to docs/y.md: there is no such file",
    "README.md:3: the link to docs/x.md#f: there is no such heading",
    "README.md:4: the link to #c: there is no such heading",
  ]);
});

test("the check finds commands", () => {
  const text = "```sh\nnpm ci\n\nnpx capsule run nothing.ts\n```\n\n```ts\nnot.one();\n```\n";
  assert.deepEqual(
    commandsOf(text).map(({ command, line }) => `${line} ${command}`),
    ["2 npm ci", "4 npx capsule run nothing.ts"],
  );
  using at = folder({ "README.md": text });
  assert.deepEqual(shown(unknownCommands("README.md", at.root)), [
    'README.md:4: "npx capsule run nothing.ts" is neither executed nor skipped',
  ]);
});

test("the check reads tables and headings", () => {
  const text =
    "# T\n\n## One\n\n| name | |\n|---|---|\n| `a.b` | x |\n| `c`, `d` | `e` |\n\n## Two\n\n| `f` | |\n";
  assert.deepEqual(tableNames(text, "One"), ["a.b", "c", "d"]);
  assert.deepEqual([...anchors("# A\n## A\n### `x_y`: z\n")], ["a", "a-1", "x_y-z"]);
});
