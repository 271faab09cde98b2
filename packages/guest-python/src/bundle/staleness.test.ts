import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { renameSync, rmSync, symlinkSync, utimesSync } from "node:fs";
import { test } from "node:test";
import { type Entry, observe, openCache } from "@capsule-run/artifact";
import type { ProgramManifest } from "@capsule-run/protocol";
import { type TestProject, testProject, wheel } from "./testing.ts";

/**
 * The promise: whatever happens to the files of a project, a program that would be bundled differently now is not
 * found in the cache. The oracle is bundling it again.
 */
const FILES: Readonly<Record<string, string>> = {
  "src/main.py": `import a, ns.b, json
from pkg import c
try:
    import maybe
except ImportError:
    pass
def main():
    import late
    open("table.csv"), open("later.txt")
    return (HERE / "templates" / name)
`,
  "src/a.py": "import sub.mod",
  "src/ns/b.py": "",
  "src/pkg/__init__.py": "",
  "src/pkg/c.py": "from . import d",
  "src/pkg/d.py": "",
  "src/pkg/deep/data.txt": "1",
  "src/late.py": "",
  "src/templates/x.html": "1",
  "table.csv": "1",
  "other.py": "",
  "requirements.txt": "numpy\n-c limits.txt\n",
  "limits.txt": "requests<3\n",
};

const KEY = "0".repeat(64);

/** Bundles a program and puts it in a cache; gives a look-up. */
async function cached(project: TestProject, file: string) {
  const entry: Entry = { file: project.path(file), version: "1", engine: "e" };
  const cache = openCache(project.path("../cache"));
  const bundle = await project.bundle(file);
  const inputs = await observe(bundle.inputs, bundle.readAt);
  assert.ok(inputs, "changed while it was bundled");
  const none = new Uint8Array(0);
  const manifest = {} as ProgramManifest;
  const artifact = {
    key: KEY,
    manifest,
    globals: [],
    pages: none,
    bundle: none,
    sourceMap: bundle.sourceMap,
  };
  assert.deepEqual(await cache.write(entry, inputs, artifact), { ok: true });
  assert.equal(await cache.lookUp(entry), KEY);
  return { found: async () => (await cache.lookUp(entry)) !== null, code: bundle.code };
}

type Change = (project: TestProject) => void;
const write =
  (files: Record<string, string>): Change =>
  (project) =>
    project.write(files);
const remove =
  (...names: string[]): Change =>
  (project) => {
    for (const name of names) rmSync(project.path(name), { recursive: true });
  };

const CHANGES: readonly [what: string, change: Change][] = [
  ["the program itself", write({ "src/main.py": `${FILES["src/main.py"]}\nx = 1` })],
  ["an imported module", write({ "src/a.py": "x = 1" })],
  [
    "an imported module, with its old time and size",
    (project) => {
      project.write({ "src/a.py": "import sub.moo" });
      utimesSync(project.path("src/a.py"), 1, 1);
    },
  ],
  ["a module of a package", write({ "src/pkg/d.py": "x = 1" })],
  ["a module that is imported in a function", write({ "src/late.py": "x = 1" })],
  ["an imported module is gone", remove("src/late.py")],
  ["the program is gone", remove("src/main.py")],
  ["a package in place of a module", write({ "src/a/__init__.py": "" })],
  ["a package in place of a folder", write({ "src/ns/__init__.py": "x = 1" })],
  ["a module in place of a folder", write({ "src/ns.py": "x = 1" })],
  ["a module in place of one of the standard library", write({ "src/json.py": "x = 1" })],
  ["a module that was looked for in vain", write({ "src/maybe.py": "x = 1" })],
  ["a package that was looked for in vain", write({ "src/sub/__init__.py": "", "src/sub/mod.py": "x = 1" })],
  ["a new module in a package", write({ "src/pkg/plugin.py": "x = 1" })],
  ["a new data file in a package", write({ "src/pkg/deep/more.txt": "2" })],
  ["a data file in a package", write({ "src/pkg/deep/data.txt": "2" })],
  ["a data file", write({ "table.csv": "2" })],
  ["a data file is gone", remove("table.csv")],
  ["a data file nearer by", write({ "src/table.csv": "2" })],
  ["a data file that was looked for in vain", write({ "later.txt": "2" })],
  ["a new file in a folder of data", write({ "src/templates/y.html": "2" })],
  [
    "the program is a link elsewhere now",
    (project) => {
      rmSync(project.path("src/main.py"));
      symlinkSync(project.path("other.py"), project.path("src/main.py"));
    },
  ],
  [
    "a package is a link elsewhere now",
    (project) => {
      project.write({ "src/pkg2/__init__.py": "", "src/pkg2/c.py": "" });
      renameSync(project.path("src/pkg"), project.path("src/pkg1"));
      symlinkSync(project.path("src/pkg2"), project.path("src/pkg"), "dir");
    },
  ],
  ["requirements: a contradiction", write({ "requirements.txt": "numpy<2\n" })],
  ["requirements beside the program", write({ "src/requirements.txt": "numpy<2\n" })],
  ["an included file of requirements", write({ "limits.txt": "-e .\n" })],
  ["an included file of requirements is gone", remove("limits.txt")],
];

for (const [what, change] of CHANGES)
  test(`stale: ${what}`, async () => {
    using project = testProject(FILES);
    const { found, code } = await cached(project, "src/main.py");
    assert.ok(await found());
    change(project);
    const now = await project.bundle("src/main.py").then(
      (bundle) => bundle.code,
      () => Buffer.from("an error"),
    );
    assert.notDeepEqual(Buffer.from(now), Buffer.from(code), "the case is no case: bundling gives the same");
    assert.equal(await found(), false);
  });

const HARMLESS: readonly [what: string, change: Change][] = [
  ["nothing", () => {}],
  ["another program", write({ "other.py": "x = 1" })],
  ["new files", write({ "src/new.py": "1", "out/result.json": "3", "src/b.py": "", "README.md": "" })],
  ["caches of Python beside the program", write({ "src/__pycache__/a.pyc": "" })],
];

for (const [what, change] of HARMLESS)
  test(`not stale: ${what}`, async () => {
    using project = testProject(FILES);
    const { found } = await cached(project, "src/main.py");
    change(project);
    assert.equal(await found(), true);
  });

const pip = spawnSync("python3", ["-m", "pip", "--version"]).status === 0;

test("stale: the lock of dependencies is gone, a wheel of the project", {
  skip: !pip && "no pip",
}, async () => {
  using project = testProject({
    "main.py": "import local",
    "requirements.txt": "--no-index\n./local-1.0-py3-none-any.whl\n",
    "local-1.0-py3-none-any.whl": wheel("local", "1.0"),
  });
  const first = await cached(project, "main.py");
  assert.ok(await first.found());
  rmSync(project.path(".capsule/dependencies"), { recursive: true });
  assert.equal(await first.found(), false);
  const second = await cached(project, "main.py");
  assert.deepEqual(second.code, first.code);
  project.write({ "local-1.0-py3-none-any.whl": wheel("local", "1.0", { files: { "more.py": "" } }) });
  assert.equal(await second.found(), false);
  const third = await cached(project, "main.py");
  assert.notDeepEqual(third.code, second.code);
});
