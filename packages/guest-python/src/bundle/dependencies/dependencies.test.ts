import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { after, before, describe, test } from "node:test";
import { UsageError } from "@capsule-run/protocol";
import { Disk, relativePath } from "../disk.ts";
import {
  indexEnvironment,
  type TestIndex,
  type TestProject,
  testIndex,
  testProject,
  wheel,
} from "../testing.ts";
import { type Dependencies, dependenciesOf } from "./dependencies.ts";
import { sha256Of } from "./lock.ts";
import type { Launcher } from "./pip.ts";

const NATIVE = "cp311-cp311-manylinux_2_17_x86_64";
const INDEX_FILES: Readonly<Record<string, Uint8Array>> = {
  "alpha-1.0-py3-none-any.whl": wheel("alpha", "1.0"),
  "alpha-2.0-py3-none-any.whl": wheel("alpha", "2.0", {
    requires: ["beta>=1", "six", 'extra-one; extra == "x"'],
  }),
  "beta-1.0-py2.py3-none-any.whl": wheel("beta", "1.0", {
    requires: [
      'wasi-only; sys_platform == "wasi"',
      'linux-only; sys_platform == "linux"',
      'old; python_version < "3.15"',
    ],
    files: {
      "beta/data.txt": "data",
      "beta-1.0.data/scripts/beta": "#!python",
      "beta-1.0.data/purelib/beta_more.py": "",
    },
  }),
  "wasi_only-1.0-py3-none-any.whl": wheel("wasi_only", "1.0"),
  "extra_one-1.0-py3-none-any.whl": wheel("extra_one", "1.0", { requires: ["numpy>=2"] }),
  "old_numpy-1.0-py3-none-any.whl": wheel("old_numpy", "1.0", { requires: ["numpy<2"] }),
  [`native-1.0-${NATIVE}.whl`]: wheel("native", "1.0"),
  "wants_native-1.0-py3-none-any.whl": wheel("wants_native", "1.0", { requires: ["native"] }),
  [`orjson-3.0-${NATIVE}.whl`]: wheel("orjson", "3.0"),
  "source-1.0.tar.gz": Buffer.from("a tar"),
  "pydantic-1.10.2-py3-none-any.whl": wheel("pydantic", "1.10.2"),
  "pydantic-2.5.0-py3-none-any.whl": wheel("pydantic", "2.5.0", { requires: ["pydantic-core"] }),
  "wants_new-1.0-py3-none-any.whl": wheel("wants_new", "1.0", { requires: ["pydantic>=2"] }),
  "sometimes-1.0-py3-none-any.whl": wheel("sometimes", "1.0"),
  "sometimes-2.0-py3-none-any.whl": wheel("sometimes", "2.0", { requires: ["native"] }),
  "mean-1.0-py3-none-any.whl": wheel("mean", "1.0", { files: { "../../evil.py": "" } }),
};

const hash = (file: string) => sha256Of(INDEX_FILES[file] as Uint8Array);

function have(command: string, ...args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const LAUNCHERS: readonly Launcher[] = [
  ...(have("uv", "--version") ? (["uv"] as const) : []),
  ...(have("python3", "-m", "pip", "--version") ? (["python3"] as const) : []),
];

/** Asks for the dependencies of `main.py`. */
function depend(
  project: TestProject,
  how: {
    env: NodeJS.ProcessEnv;
    launchers?: readonly Launcher[];
    file?: string;
    progress?: string[];
    signal?: AbortSignal;
  },
): Promise<Dependencies> {
  return dependenciesOf({
    file: project.path(how.file ?? "main.py"),
    base: project.root,
    disk: new Disk((path) => path),
    fetched: new Map(),
    dir: project.path(".capsule/dependencies"),
    show: (path) => relativePath(project.root, path),
    progress: (message) => how.progress?.push(message),
    signal: how.signal,
    launchers: how.launchers ?? ["python3"],
    env: how.env,
  });
}

const names = ({ files }: Dependencies): string[] => [
  ...new Set(files.map(({ path }) => path.split("/")[2] as string).filter((name) => !name.includes("."))),
];

/** The lock's path in a project. */
function lockFile(project: TestProject): string {
  const dir = project.path(".capsule/dependencies");
  const [name, ...more] = readdirSync(dir).filter((each) => !each.startsWith(".work"));
  assert.deepEqual(more, []);
  return `${dir}/${name}/lock.json`;
}

const usage =
  (message: RegExp, line?: number, file = "requirements.txt") =>
  (error: unknown) => {
    assert.ok(error instanceof UsageError, String(error));
    assert.notEqual(error.slug, "compile", "dependencies have slugs of their own");
    assert.match(error.message, message);
    if (line !== undefined) assert.deepEqual(error.place, { file, line, column: 1 });
    if (line !== undefined) assert.match(error.excerpt ?? "", new RegExp(`^> *${line} \\| `, "m"));
    return true;
  };

/** Nobody listens there. */
const NOWHERE = indexEnvironment("http://127.0.0.1:9/simple");

test("no requirements, none that the engine does not have: nothing is fetched", async () => {
  using project = testProject({ "main.py": "" });
  const how = { env: NOWHERE, launchers: [] };
  assert.deepEqual(await depend(project, how), { files: [], warnings: [] });
  project.write({
    "requirements.txt":
      "# nothing\n\nnumpy\nPandas >=2,<4 # yes\nscikit_learn~=1.9.0\ncapsule-run==9\nPyYAML (>=6)\n",
  });
  assert.deepEqual(await depend(project, how), { files: [], warnings: [] });
  assert.equal(existsSync(project.path(".capsule")), false);
});

test("a version that the engine does not have", async () => {
  using project = testProject({ "main.py": "", "requirements.txt": "six\nnumpy==1.26.4\n" });
  await assert.rejects(
    depend(project, { env: NOWHERE, launchers: [] }),
    usage(/"numpy==1.26.4": the Python engine has numpy 2\.5\.2, and no other.*\[dependency-version\]$/, 2),
  );
});

test("where requirements are: a block, beside the program, above it", async () => {
  using project = testProject({ "src/deep/main.py": "", "requirements.txt": "numpy==1\n" });
  const ask = () => depend(project, { env: NOWHERE, launchers: [], file: "src/deep/main.py" });
  await assert.rejects(ask(), usage(/numpy==1/, 1));
  project.write({ "src/requirements.txt": "numpy==2\n" });
  await assert.rejects(ask(), usage(/numpy==2/, 1, "src/requirements.txt"));
  project.write({ "src/deep/requirements.txt": "numpy==3\n" });
  await assert.rejects(ask(), usage(/numpy==3/, 1, "src/deep/requirements.txt"));
  project.write({ "src/deep/main.py": '# /// script\n# dependencies = [\n#   "numpy==4",\n# ]\n# ///\n' });
  await assert.rejects(ask(), usage(/numpy==4/, 3, "src/deep/main.py"));
  project.write({ "src/deep/main.py": "# /// script\n# dependencies = []\n# ///\n" });
  assert.deepEqual(await ask(), { files: [], warnings: [] });
});

for (const [what, block, message, line] of [
  [
    "another Python",
    '# requires-python = ">=3.9,<3.13"',
    /needs Python >=3.9,<3.13; sandboxes have Python 3\.15\.0/,
    2,
  ],
  ["no range", '# requires-python = "snake"', /no range of versions/, 2],
  ["no TOML", "# dependencies = [", /is not TOML/, undefined],
  ["no list", '# dependencies = "x"', /must be a list of strings/, 2],
  ["no requirement", '# dependencies = ["a b"]', /"a b" is no requirement/, 2],
] as const)
  test(`a block that is wrong: ${what}`, async () => {
    using project = testProject({ "main.py": `# /// script\n${block}\n# ///\n` });
    await assert.rejects(depend(project, { env: NOWHERE, launchers: [] }), usage(message, line, "main.py"));
  });

test("a block for this Python", async () => {
  using project = testProject({
    "main.py": '# /// script\n# requires-python = ">=3.11"\n# [tool.uv]\n# x = 1\n# ///\n',
  });
  assert.deepEqual(await depend(project, { env: NOWHERE, launchers: [] }), { files: [], warnings: [] });
});

for (const [line, message] of [
  ["-e .", /"\." would have to be built/],
  ["--editable=./lib", /"\.\/lib" would have to be built/],
  ["git+https://example.com/x.git", /would have to be built/],
  ["x @ git+https://example.com/x.git", /would have to be built/],
  ["https://example.com/x-1.0.tar.gz", /would have to be built/],
  ["./lib", /would have to be built/],
  ["--no-binary :all:", /would have to be built/],
  [`https://example.com/x-1.0-${NATIVE}.whl`, /has native code/],
  ["./none-1.0-py3-none-any.whl", /There is no file/],
  ["../outside-1.0-py3-none-any.whl", /leads out of the project/],
  ["x @ file:///etc/hosts-1.0-py3-none-any.whl", /There is no file/],
  ["link-1.0-py3-none-any.whl", /leads out of the project/],
  ["-r ../outside.txt", /leads out of the project/],
  ["-r https://example.com/r.txt", /from files of the project only/],
  ["-c none.txt", /There is no file "none.txt"/],
  ["-f ..", /leads out of the project/],
  ["--index-url file:///etc", /must be an http/],
  [`--index-url https://\${TOKEN}@example.com`, /Environment variables/],
  ["--unknown", /"--unknown" is no option/],
  ["!!", /is no requirement/],
] as const)
  test(`refused: ${line}`, async () => {
    using project = testProject({
      "main.py": "",
      "requirements.txt": `numpy\n${line}\n`,
      "lib/setup.py": "",
    });
    writeFileSync(project.path("../outside-1.0-py3-none-any.whl"), "");
    writeFileSync(project.path("../outside.txt"), "");
    symlinkSync(project.path("../outside.txt"), project.path("link-1.0-py3-none-any.whl"));
    await assert.rejects(depend(project, { env: NOWHERE, launchers: [] }), usage(message, 2));
  });

test("nobody who can fetch", async () => {
  using project = testProject({ "main.py": "", "requirements.txt": "alpha\n" });
  await assert.rejects(
    depend(project, { env: NOWHERE, launchers: [] }),
    usage(/takes uv or pip, and neither is here.*\[dependency-fetch\]$/),
  );
  const broken = { ...NOWHERE, PATH: "/nonexistent" };
  await assert.rejects(
    depend(project, { env: broken, launchers: ["uv", "python3"] }),
    usage(/neither is here/),
  );
});

describe("with an index", { skip: LAUNCHERS.length === 0 && "neither uv nor pip" }, () => {
  let index: TestIndex;
  before(async () => {
    index = await testIndex(INDEX_FILES);
  });
  after(() => index[Symbol.asyncDispose]());

  for (const launcher of LAUNCHERS)
    test(`dependencies come with what they need, by ${launcher}; the next time from the disk`, async () => {
      using project = testProject({ "main.py": "", "requirements.txt": "alpha[x]>=1.5\nnumpy\n" });
      const progress: string[] = [];
      const how = { env: index.env, launchers: [launcher], progress };
      const first = await depend(project, how);
      assert.deepEqual(names(first).sort(), ["alpha", "beta", "extra_one", "wasi_only"]);
      assert.ok(progress.includes("fetching dependencies: alpha"));
      const paths = first.files.map(({ path }) => path);
      for (const path of [
        "/site-packages/alpha-2.0.dist-info/METADATA",
        "/site-packages/beta/data.txt",
        "/site-packages/beta_more.py",
        "/site-packages/capsule-lock.json",
      ])
        assert.ok(paths.includes(path), path);
      assert.ok(!paths.some((path) => /scripts|\.data\//.test(path)));
      const lock = JSON.parse(readFileSync(lockFile(project), "utf8"));
      assert.deepEqual(lock.requirements, ["alpha[x]>=1.5"]);
      assert.deepEqual(lock.packages[0], {
        name: "alpha",
        version: "2.0",
        file: "alpha-2.0-py3-none-any.whl",
        sha256: hash("alpha-2.0-py3-none-any.whl"),
      });
      assert.match(first.warnings.join(), /^$/);
      const again = await depend(project, { env: NOWHERE, launchers: [] });
      assert.deepEqual(again.files, first.files);
      assert.equal(readFileSync(project.path(".capsule/.gitignore"), "utf8"), "*\n");
    });

  test("without the lock they are chosen anew, without a wheel it is fetched as the lock says", async () => {
    using project = testProject({ "main.py": "", "requirements.txt": "alpha==1.0\n" });
    const first = await depend(project, { env: index.env });
    const lock = lockFile(project);
    const file = `${dirname(lock)}/alpha-1.0-py3-none-any.whl`;
    writeFileSync(file, "broken");
    assert.deepEqual(await depend(project, { env: index.env }), first);
    rmSync(file);
    await assert.rejects(
      depend(project, { env: NOWHERE }),
      usage(/as they were locked before can't be fetched again/),
    );
    writeFileSync(
      lock,
      readFileSync(lock, "utf8").replace(/"sha256": "\w+"/, `"sha256": "${"0".repeat(64)}"`),
    );
    await assert.rejects(depend(project, { env: index.env }), usage(/as they were locked before.*alpha/));
    rmSync(lock);
    assert.deepEqual(await depend(project, { env: index.env }), first);
  });

  test("two builds at once", async () => {
    using project = testProject({ "main.py": "", "requirements.txt": "alpha==1.0\n" });
    const [one, two] = await Promise.all([
      depend(project, { env: index.env }),
      depend(project, { env: index.env }),
    ]);
    assert.deepEqual(one, two);
    lockFile(project);
    assert.deepEqual(
      readdirSync(project.path(".capsule/dependencies")).filter((name) => name.startsWith(".work")),
      [],
    );
  });

  test("wheels of the project, of an address, of a folder; includes and limits", async () => {
    using project = testProject({
      "main.py": "",
      "requirements.txt": `./wheels/local-1.0-py3-none-any.whl\n-r more/more.txt\nwasi-only @ ${index.url}/files/wasi_only-1.0-py3-none-any.whl\n`,
      "more/more.txt": "-c ../limits.txt\n-f ../wheels # a comment\nalpha\nfound \\\n  >= 1\n",
      "limits.txt": "alpha<2\n",
      "wheels/local-1.0-py3-none-any.whl": wheel("local", "1.0"),
      "wheels/found-1.5-py3-none-any.whl": wheel("found", "1.5"),
    });
    const found = await depend(project, { env: index.env });
    assert.deepEqual(names(found).sort(), ["alpha", "found", "local", "wasi_only"]);
    const text = found.files.find(({ path }) => path === "/site-packages/alpha/__init__.py")?.bytes ?? [];
    assert.equal(Buffer.from(text).toString(), 'version = "1.0"\n');
    rmSync(`${dirname(lockFile(project))}/local-1.0-py3-none-any.whl`);
    assert.deepEqual(await depend(project, { env: index.env }), found);
  });

  test("passwords in requirements do not get into the lock, which goes with the program", async () => {
    const address = index.url.replace("//", "//me:hunter2@");
    using project = testProject({
      "main.py": "",
      "requirements.txt": `--index-url ${address}/simple\nalpha @ ${address}/files/alpha-1.0-py3-none-any.whl\n`,
    });
    const found = await depend(project, { env: NOWHERE });
    assert.deepEqual(names(found), ["alpha"]);
    for (const { bytes } of found.files) assert.ok(!Buffer.from(bytes).toString().includes("hunter2"));
  });

  test("a build that is given up leaves nothing", async () => {
    using project = testProject({ "main.py": "", "requirements.txt": "alpha\n" });
    const giveUp = new AbortController();
    const build = depend(project, { env: index.env, signal: giveUp.signal });
    setTimeout(() => giveUp.abort(new Error("given up")), 300);
    await assert.rejects(build);
    assert.deepEqual(readdirSync(project.path(".capsule/dependencies")), []);
  });

  test("where nothing can be written, dependencies are fetched all the same", async () => {
    using project = testProject({
      "main.py": "",
      "requirements.txt": "alpha==1.0\n",
      ".capsule/dependencies": "a file",
    });
    const { files, warnings } = await depend(project, { env: index.env });
    assert.ok(files.length > 0);
    assert.match(warnings.join(), /\.capsule\/dependencies can't be written/);
  });

  test("a package of which too many versions are looked at: the newest says what it needs", async () => {
    const many = Array.from({ length: 25 }, (_, n) => `${n + 1}.0`);
    await using full = await testIndex({
      ...Object.fromEntries(
        many.map((version) => [
          `many-${version}-py3-none-any.whl`,
          wheel("many", version, { requires: version === "1.0" ? [] : ["orjson"] }),
        ]),
      ),
      [`orjson-3.0-${NATIVE}.whl`]: wheel("orjson", "3.0"),
    });
    using project = testProject({ "main.py": "", "requirements.txt": "many\n" });
    await assert.rejects(
      depend(project, { env: full.env }),
      usage(/"orjson" has native code.*, and many needs it.*\[native-code\]$/, 1),
    );
  });

  test("hashes are held", async () => {
    const good = `alpha==2.0 --hash=sha256:${hash("alpha-2.0-py3-none-any.whl")}
beta==1.0 \\
    --hash=sha256:${hash("beta-1.0-py2.py3-none-any.whl")} \\
    --hash=sha256:${"1".repeat(64)}
wasi-only==1.0 --hash=sha256:${hash("wasi_only-1.0-py3-none-any.whl")}
six==1.17.0 --hash=sha256:${"4".repeat(64)}
numpy==2.5.2 --hash=sha256:${"2".repeat(64)}
`;
    using project = testProject({ "main.py": "", "requirements.txt": good });
    assert.deepEqual(names(await depend(project, { env: index.env })).sort(), ["alpha", "beta", "wasi_only"]);
    project.write({ "requirements.txt": good.replace(hash("alpha-2.0-py3-none-any.whl"), "3".repeat(64)) });
    await assert.rejects(
      depend(project, { env: index.env }),
      usage(
        /What was fetched for "alpha" is not what its hash says: it has sha256:.*\[dependency-file\]$/,
        1,
      ),
    );
    project.write({ "requirements.txt": good.split("\n")[0] as string });
    await assert.rejects(
      depend(project, { env: index.env }),
      usage(/With hashes, every package must have one.*\[requirements\]$/),
    );
  });

  for (const [what, requirements, message, line] of [
    [
      "native code",
      "six\nnative\n",
      /"native" has native code, which can't be loaded into a sandbox \[native-code\]$/,
      2,
    ],
    [
      "native code, an alternative",
      "orjson\n",
      /"orjson" has native code.*Instead: json of the standard library \[native-code\]$/,
      1,
    ],
    [
      "native code of a dependency",
      "six\nwants-native\n",
      /"native" has native code.*, and wants-native( 1.0)? needs it \[native-code\]$/,
      2,
    ],
    ["source only", "source\n", /"source" is published as source code only/, 1],
    ["no such package", "nobody-has-this\n", /There is no package "nobody-has-this"/, 1],
    [
      "no such version",
      "alpha>=3\n",
      /No version of "alpha" is as "alpha>=3" asks\. There are: 1\.0, 2\.0 \[dependency-version\]$/,
      1,
    ],
    [
      "another version than the engine's",
      "six\nold-numpy\n",
      /The Python engine has numpy 2\.5\.2, and no other.*old-numpy 1\.0 depends on numpy<2/,
      2,
    ],
    ["an extra with another version", "numpy[x]<2\n", /[Tt]he Python engine has numpy 2\.5\.2/, 1],
    ["pydantic 2", "pydantic>=2\n", /"pydantic".*native code.*"pydantic<2"/, 1],
    [
      "pydantic 2 of a dependency",
      "wants-new\n",
      /"pydantic" has native code from version 2 on.*wants-new 1\.0 depends on pydantic>=2.*"pydantic<2"/,
      1,
    ],
    ["a contradiction", "alpha==1.0\nalpha==2.0\n", /Double requirement|contradict/, undefined],
    [
      "files that lead elsewhere",
      "mean\n",
      /The dependency mean-1\.0-py3-none-any\.whl can't be used: "\.\.\/\.\.\/evil\.py" in it leads elsewhere/,
      undefined,
    ],
  ] as const)
    test(`refused: ${what}`, async () => {
      using project = testProject({ "main.py": "", "requirements.txt": requirements });
      await assert.rejects(depend(project, { env: index.env }), usage(message, line));
    });

  test("older versions are used where newer ones can't be, and said", async () => {
    using project = testProject({ "main.py": "", "requirements.txt": "pydantic\nsometimes\n" });
    const { files, warnings } = await depend(project, { env: index.env });
    const text = files.find(({ path }) => path === "/site-packages/pydantic/__init__.py")?.bytes ?? [];
    assert.equal(Buffer.from(text).toString(), 'version = "1.10.2"\n');
    assert.match(warnings.join("\n"), /sometimes 1\.0 is used, not 2\.0/);
    assert.match(warnings.join("\n"), /pydantic 1\.10\.2 is used: from version 2 on it has native code/);
  });

  test("an index that can't be reached", async () => {
    using project = testProject({ "main.py": "", "requirements.txt": "alpha\n" });
    await assert.rejects(
      depend(project, { env: NOWHERE }),
      usage(/the package index can't be reached.*\[dependency-fetch\]$/, 1),
    );
  });

  test("what the engine's packages need is what the engine has", async () => {
    const all =
      "pandas[excel]\nseaborn\nstatsmodels\nscikit-learn\nreportlab\nbeautifulsoup4[html5lib,lxml]\nalpha==1.0\n";
    using project = testProject({ "main.py": "", "requirements.txt": all.replace("[excel]", "[plot,html]") });
    assert.deepEqual(names(await depend(project, { env: index.env })), ["alpha"]);
  });

  test("what the program brings along is not run", async () => {
    using project = testProject({
      "main.py": "",
      "requirements.txt": "alpha==1.0\n",
      "pip/__init__.py": "raise SystemExit('run')",
      "pip.py": "raise SystemExit('run')",
      "sitecustomize.py": "raise SystemExit('run')",
    });
    assert.deepEqual(names(await depend(project, { env: index.env })), ["alpha"]);
  });
});
