import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { UsageError } from "@capsule-run/protocol";
import { readProject } from "./index.ts";

/** A folder with files; removed at the end of the test. */
function folder(files: Readonly<Record<string, string>>): { root: string } & Disposable {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "capsule-test-")));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return { root, [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }) };
}

test("without a capsule.toml the root is the working directory", async () => {
  using at = folder({ "src/a.ts": "" });
  assert.deepEqual(await readProject({ file: "src/a.ts", cwd: at.root }), {
    root: at.root,
    configFile: null,
    name: null,
    version: null,
    entrypoint: null,
  });
});

test("reads [workflow]", async () => {
  const toml =
    '\ufeff[workflow]\r\nname = "My Workflow"\r\nversion = "1.0.0"\r\nentrypoint = "src/main.ts"\r\n';
  using at = folder({ "capsule.toml": toml });
  assert.deepEqual(await readProject({ cwd: at.root }), {
    root: at.root,
    configFile: join(at.root, "capsule.toml"),
    name: "My Workflow",
    version: "1.0.0",
    entrypoint: join(at.root, "src/main.ts"),
  });
});

const EMPTY: readonly string[] = [
  "",
  "# nothing",
  "[workflow]",
  'workflow = { name = "x" }',
  'workflow.name = "x"',
];
for (const toml of EMPTY)
  test(`allows ${JSON.stringify(toml)}`, async () => {
    using at = folder({ "capsule.toml": toml });
    assert.equal((await readProject({ cwd: at.root })).entrypoint, null);
  });

test("the root is the nearest folder with a capsule.toml, at or above the program", async () => {
  using at = folder({
    "capsule.toml": "",
    "inner/Capsule.toml": "",
    "inner/deep/er/a.ts": "",
    "other/a.ts": "",
    "folder/capsule.toml/x": "",
  });
  const rootOf = async (cwd: string, file?: string) =>
    (await readProject({ cwd: join(at.root, cwd), file })).root.slice(at.root.length);
  assert.equal(await rootOf("."), "");
  assert.equal(await rootOf("inner/deep"), "/inner");
  assert.equal(await rootOf(".", "inner/deep/er/a.ts"), "/inner");
  assert.equal(await rootOf("inner", "../other/a.ts"), "");
  assert.equal(await rootOf("inner", join(at.root, "other/a.ts")), "");
  assert.equal(await rootOf(".", "inner/not/there.ts"), "/inner");
  assert.equal(await rootOf("folder"), "");
});

test("capsule.toml comes before Capsule.toml", async () => {
  using at = folder({
    "capsule.toml": '[workflow]\nname = "small"',
    "Capsule.toml": '[workflow]\nname = "large"',
  });
  const { name } = await readProject({ cwd: at.root });
  // A file system that does not tell them apart has one of them only.
  assert.ok(name === "small" || process.platform !== "linux");
});

const ERRORS: readonly [
  what: string,
  toml: string,
  expected: { slug?: string; message: RegExp; line: number; column: number },
][] = [
  [
    "an unknown table",
    "[workflow]\n\n[workflw]\nname = 1",
    { message: /^There is no "workflw" here: \[workflow\] is allowed$/, line: 3, column: 2 },
  ],
  [
    "an unknown key",
    '[workflow]\nname = "x"\n  nam = 1',
    {
      message: /^There is no "nam" in \[workflow\]: name, version, entrypoint are allowed$/,
      line: 3,
      column: 3,
    },
  ],
  [
    "a key outside of tables",
    'name = "x"\n[workflow]',
    { message: /^There is no "name" here/, line: 1, column: 1 },
  ],
  [
    "a number for a version",
    "[workflow]\nversion = 1.0",
    { message: /^"version" must be a string, such as "1\.0\.0"$/, line: 2, column: 1 },
  ],
  [
    "a list for an entrypoint",
    "[workflow]\n\n\nentrypoint = [\n 1,\n]",
    { message: /^"entrypoint" must be a path, such as "src\/main\.ts"$/, line: 4, column: 1 },
  ],
  ["an empty name", '[workflow]\nname = ""', { message: /^"name" must be/, line: 2, column: 1 }],
  ["a date", "[workflow]\nname = 2020-01-01", { message: /^"name" must be/, line: 2, column: 1 }],
  ["a table that is none", "workflow = 1", { message: /^"workflow" must be a table/, line: 1, column: 1 }],
  ["a list of tables", "\n[[workflow]]", { message: /^"workflow" must be a table/, line: 2, column: 3 }],
  ["a quoted key", '[workflow]\n"na me" = 1', { message: /^There is no "na me"/, line: 2, column: 1 }],
  [
    "a dotted key",
    'workflow.name = "x"\nworkflow.x = 1',
    { message: /^There is no "x"/, line: 2, column: 1 },
  ],
  [
    "a dotted key in a dotted header",
    "[workflow.more]\nx = 1",
    { message: /^There is no "more" in \[workflow\]/, line: 1, column: 2 },
  ],
  [
    "an inline table",
    '\nworkflow = { name = "x", nope = 1 }',
    { message: /^There is no "nope" in \[workflow\]/, line: 2, column: 1 },
  ],
  [
    "a key that also stands in a string",
    '[workflow]\nname = """\nnope = 1\n"""\nnope = 2',
    { message: /^There is no "nope"/, line: 5, column: 1 },
  ],
  [
    "a key that also stands in a comment",
    '# nope = "\n[workflow]\nname = "a # b \\" c"\n# nope = 1\nnope = 2',
    { message: /^There is no "nope"/, line: 5, column: 1 },
  ],
  [
    "a prototype's name",
    "[workflow]\nconstructor = 1",
    { message: /^There is no "constructor"/, line: 2, column: 1 },
  ],
  [
    "a prototype's name for a table",
    "[__proto__]\nx = 1",
    { message: /^There is no "__proto__"/, line: 1, column: 2 },
  ],
  [
    "[tasks]",
    '[workflow]\n[tasks]\ndefault_ram = "1GB"',
    {
      slug: "not-yet",
      message: /^\[tasks\] can't be set yet: this version of Capsule reads \[workflow\]$/,
      line: 2,
      column: 2,
    },
  ],
  ["[policy]", "[policy]", { slug: "not-yet", message: /^\[policy\]/, line: 1, column: 2 }],
  [
    "[secrets]",
    'secrets = { KEY = { hosts = ["x"] } }',
    { slug: "not-yet", message: /^\[secrets\]/, line: 1, column: 1 },
  ],
  [
    "an entrypoint above the project",
    '[workflow]\nentrypoint = "../main.ts"',
    {
      message: /^"entrypoint" must be a file inside the project, .*: "\.\.\/main\.ts" is not$/,
      line: 2,
      column: 1,
    },
  ],
  [
    "an entrypoint that leaves in the middle",
    '[workflow]\nentrypoint = "src/../../main.ts"',
    { message: /^"entrypoint" must be a file inside/, line: 2, column: 1 },
  ],
  [
    "an absolute entrypoint",
    '[workflow]\nentrypoint = "/etc/main.ts"',
    { message: /^"entrypoint" must be a file inside/, line: 2, column: 1 },
  ],
  [
    "an entrypoint that is the project",
    '[workflow]\nentrypoint = "."',
    { message: /^"entrypoint" must be a file inside/, line: 2, column: 1 },
  ],
  [
    "a syntax error",
    '[workflow]\nname = "x\n',
    { message: /^"capsule\.toml" is not TOML: \S/, line: 2, column: 10 },
  ],
  [
    "a key that stands twice",
    '[workflow]\nname = "x"\nname = "y"',
    { message: /^"capsule\.toml" is not TOML: \S/, line: 3, column: 1 },
  ],
];

for (const [what, toml, { slug = "capsule-toml", message, line, column }] of ERRORS)
  test(`refuses ${what}`, async () => {
    using at = folder({ "capsule.toml": toml, "src/a.ts": "" });
    await assert.rejects(readProject({ cwd: at.root }), (error) => {
      assert.ok(error instanceof UsageError, String(error));
      assert.equal(error.slug, slug);
      assert.match(error.text, message);
      assert.deepEqual(error.place, { file: "capsule.toml", line, column });
      const marked = error.excerpt?.split("\n").find((each) => each.startsWith(">"));
      assert.equal(marked, `> ${line} | ${toml.split("\n")[line - 1]}`.trimEnd());
      return true;
    });
  });

test("names the file as the user would, and marks the column", async () => {
  using at = folder({
    "capsule.toml": '[workflow]\nname = "x"\n\twrong = 1\nversion = "1"\n',
    "src/a.ts": "",
  });
  await assert.rejects(readProject({ file: "a.ts", cwd: join(at.root, "src") }), (error) => {
    assert.ok(error instanceof UsageError);
    assert.deepEqual(error.place, { file: "../capsule.toml", line: 3, column: 2 });
    assert.equal(
      error.excerpt,
      '  1 | [workflow]\n  2 | name = "x"\n> 3 | \twrong = 1\n    | \t^\n  4 | version = "1"',
    );
    return true;
  });
});
