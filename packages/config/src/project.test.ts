import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { UNDECLARED, UsageError } from "@capsule-run/protocol";
import { NO_CEILING, readProject } from "./index.ts";

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
    defaults: UNDECLARED,
    ceiling: NO_CEILING,
    secrets: [],
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
    defaults: UNDECLARED,
    ceiling: NO_CEILING,
    secrets: [],
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

test("a root that is given is the root, whatever lies above the program", async () => {
  using at = folder({ "capsule.toml": "", "inner/a.ts": "", "own/Capsule.toml": '[workflow]\nname = "own"' });
  const of = (root: string) => readProject({ cwd: at.root, file: "inner/a.ts", root: join(at.root, root) });
  const { root, name } = await of("own");
  assert.deepEqual([root, name], [join(at.root, "own"), "own"]);
  assert.equal((await of("inner")).configFile, null);
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
    {
      message:
        /^There is no "workflw" here; did you mean \[workflow\]\? Allowed: \[workflow\], \[tasks\], \[policy\]/,
      line: 3,
      column: 2,
    },
  ],
  [
    "an unknown key",
    '[workflow]\nname = "x"\n  nam = 1',
    {
      message:
        /^There is no "nam" in \[workflow\]; did you mean "name"\? Allowed: name, version, entrypoint$/,
      line: 3,
      column: 3,
    },
  ],
  [
    "a key outside of tables",
    'name = "x"\n[workflow]',
    { message: /^There is no "name" here: it belongs into \[workflow\]$/, line: 1, column: 1 },
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
    "a key of another table",
    '[workflow]\n[policy]\n\nallowed_host = ["*"]',
    {
      message:
        /^There is no "allowed_host" in \[policy\]; did you mean "allowed_hosts"\? Allowed: max_compute, max_ram, /,
      line: 4,
      column: 1,
    },
  ],
  [
    "an amount that is none",
    '[tasks]\ndefault_ram = "lots"',
    {
      message: /^"default_ram" must be a size such as "64MB", .* or a positive number of bytes$/,
      line: 2,
      column: 1,
    },
  ],
  [
    "an amount that is too large",
    "[policy]\nmax_tasks = 99999999999999999999",
    { message: /^"capsule\.toml" is not TOML: /, line: 2, column: 13 },
  ],
  [
    "a folder outside",
    '[policy]\nallowed_files = [\n  "data",\n  "../x",\n]',
    {
      message: /^"allowed_files" must be a list of folders inside the project, such as \["data", /,
      line: 2,
      column: 1,
    },
  ],
  [
    "a secret for every host",
    '[secrets]\nA = { hosts = ["a.x"] }\nKEY = { hosts = ["*"] }',
    { message: /^"KEY" must be a table such as .*"\*" is not among them$/, line: 3, column: 1 },
  ],
  [
    "a secret in a table of its own",
    '[secrets.KEY]\nhosts = ["a.x"]\nhots = 1',
    { message: /^"KEY" must be a table of .*: there is no "hots"$/, line: 1, column: 2 },
  ],
  [
    "a URL for a host",
    '[tasks]\ndefault_allowed_hosts = ["https://a.x"]',
    { message: /^"default_allowed_hosts" must be a list of host names, such as/, line: 2, column: 1 },
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

const WHOLE = `
[tasks]
default_compute = "low"
default_ram = "256MB"
default_timeout = "30s"
default_max_retries = 2
default_allowed_files = ["./data", { path = "docs", mode = "ro" }]
default_allowed_hosts = ["API.x", "*.x:8443"]
default_env_variables = ["A"]
[policy]
max_compute = "HIGH"
max_ram = 1073741824
max_timeout = "10m"
max_tasks = 10000
max_run_compute = "500000000000"
max_run_timeout = "1h"
allowed_files = []
allowed_hosts = ["*"]
env_variables = ["B"]
`;

test("reads [secrets]", async () => {
  using at = folder({
    "capsule.toml":
      '[secrets]\nA = { hosts = ["a.x"] }\n[secrets.B]\nhosts = ["*.b.x"]\nfile = "key"\nbody = true\n',
  });
  const { secrets } = await readProject({ cwd: at.root });
  assert.deepEqual(secrets, [
    { name: "A", hosts: ["a.x"], query: false, body: false, source: { from: "environment" } },
    { name: "B", hosts: ["*.b.x"], query: false, body: true, source: { from: "file", path: "key" } },
  ]);
});

test("reads [tasks] and [policy]", async () => {
  using at = folder({ "capsule.toml": WHOLE });
  const { defaults, ceiling } = await readProject({ cwd: at.root });
  assert.deepEqual(defaults, {
    fuel: 100_000_000,
    ram: 256 * 1024 ** 2,
    timeoutMs: 30_000,
    maxRetries: 2,
    files: [
      { path: "data", mode: "read-write" },
      { path: "docs", mode: "read-only" },
    ],
    hosts: ["api.x", "*.x:8443"],
    environment: ["A"],
  });
  assert.deepEqual(ceiling, {
    fuel: 50_000_000_000,
    ram: 1024 ** 3,
    timeoutMs: 600_000,
    files: [],
    hosts: ["*"],
    environment: ["B"],
    tasks: 10_000,
    runFuel: 500_000_000_000,
    runTimeoutMs: 3_600_000,
  });
});

/** For each key of the tables: values it takes and values it refuses. */
const VALUES: Readonly<Record<string, { good: readonly string[]; bad: readonly string[] }>> = {
  compute: {
    good: ['"LOW"', '"medium"', '"High"', "5", '"5000"'],
    bad: ["0", "-1", "1.5", '"lots"', "true", "[]", "2020-01-01", '""', "nan", "inf"],
  },
  ram: { good: ['"64MB"', "65536"], bad: ["0", '"64"', "1.5", "false", "{}"] },
  timeout: { good: ['"30s"', "250"], bad: ['"30"', "0", "[1]", "12:30:00"] },
  retries: { good: ["0", "3"], bad: ["-1", "1.5", '"3"'] },
  files: {
    good: ["[]", '["data"]', '[{ path = "a", mode = "rw" }]'],
    bad: ['"data"', '["/etc"]', "[1]", '[{ mode = "rw" }]'],
  },
  hosts: { good: ["[]", '["*"]', '["a.x:80"]'], bad: ['"*"', '["a b"]', '["a.x/"]'] },
  variables: { good: ["[]", '["A_1"]'], bad: ['"A"', '["A=B"]', '["*"]'] },
  count: { good: ["1", "10_000"], bad: ["0", "-1", "1.5", '"10"'] },
};

const KEYS: Readonly<Record<string, readonly (readonly [key: string, values: string])[]>> = {
  tasks: [
    ["default_compute", "compute"],
    ["default_ram", "ram"],
    ["default_timeout", "timeout"],
    ["default_max_retries", "retries"],
    ["default_allowed_files", "files"],
    ["default_allowed_hosts", "hosts"],
    ["default_env_variables", "variables"],
  ],
  policy: [
    ["max_compute", "compute"],
    ["max_ram", "ram"],
    ["max_timeout", "timeout"],
    ["max_tasks", "count"],
    ["max_run_compute", "compute"],
    ["max_run_timeout", "timeout"],
    ["allowed_files", "files"],
    ["allowed_hosts", "hosts"],
    ["env_variables", "variables"],
  ],
};

for (const [table, keys] of Object.entries(KEYS))
  for (const [key, kind] of keys)
    test(`[${table}] ${key}: what it may be`, async () => {
      using at = folder({});
      const read = (value: string) => {
        writeFileSync(join(at.root, "capsule.toml"), `[${table}]\n${key} = ${value}\n`);
        return readProject({ cwd: at.root });
      };
      const { good = [], bad = [] } = VALUES[kind] ?? {};
      for (const value of good) await read(value);
      for (const value of bad)
        await assert.rejects(read(value), (error) => {
          assert.ok(error instanceof UsageError && error.slug === "capsule-toml", `${value}: ${error}`);
          assert.ok(error.text.startsWith(`"${key}" must be `), error.text);
          assert.equal(error.place?.line, 2);
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
