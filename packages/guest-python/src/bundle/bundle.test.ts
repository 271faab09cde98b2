import assert from "node:assert/strict";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { UsageError } from "@capsule-run/protocol";
import { readFiles } from "../files.ts";
import { bundleProgram } from "./bundle.ts";
import { packed, testProject } from "./testing.ts";

const rejected = (slug: string, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof UsageError, String(error));
  assert.equal(error.slug, slug);
  assert.match(error.text, message);
  return true;
};

/** What of a project is packed with `main.py`. */
async function packedOf(files: Readonly<Record<string, string>>, file = "main.py"): Promise<string[]> {
  using project = testProject(files);
  return packed(await project.bundle(file));
}

test("a program alone", async () => {
  using project = testProject({ "main.py": "print(1)\n", "other.py": "", "data.csv": "" });
  const { code, variant, warnings, sourceMap } = await project.bundle("main.py");
  const { entry, files, variant: inside } = readFiles(code);
  assert.deepEqual([entry, variant, inside, warnings], ["/app/main.py", "core", "core", []]);
  assert.deepEqual(
    files.map(({ path }) => path),
    ["/app/main.py"],
  );
  assert.deepEqual(JSON.parse(sourceMap), { base: "", sources: { "/app/main.py": "print(1)\n" } });
});

test("the same project gives the same bytes", async () => {
  const files = {
    "main.py": "import a, b",
    "a.py": "import b",
    "b/__init__.py": "",
    "b/z.txt": "1",
    "b/a.txt": "2",
  };
  using one = testProject(files);
  using two = testProject(Object.fromEntries(Object.entries(files).reverse()));
  assert.deepEqual((await one.bundle("main.py")).code, (await two.bundle("main.py")).code);
});

test("modules beside the program, and what they import", async () => {
  const files = {
    "src/main.py": "import a\ndef f():\n  from c import x",
    "src/a.py": "import b.x.y",
    "src/b/x/y.py": "from . import z",
    "src/b/x/z.py": "",
    "src/b/x/other.py": "",
    "src/c.py": "if TYPE_CHECKING:\n  import d",
    "src/d.py": "",
    "src/unused.py": "",
    "e.py": "",
  };
  assert.deepEqual(await packedOf(files, "src/main.py"), [
    "src/a.py",
    "src/b/x/y.py",
    "src/b/x/z.py",
    "src/c.py",
    "src/d.py",
    "src/main.py",
  ]);
});

test("packages are packed whole, but for what is no part of them", async () => {
  const files = {
    "main.py": "from pkg.sub import thing",
    "pkg/__init__.py": "",
    "pkg/sub/__init__.py": "from ..helper import x",
    "pkg/helper.py": "",
    "pkg/plugins/found_at_run_time.py": "import beside",
    "pkg/data/table.csv": "1",
    "pkg/py.typed": "",
    "pkg/__pycache__/helper.cpython-315.pyc": "",
    "pkg/.hidden/x": "",
    "pkg/.env": "SECRET",
    "pkg/native.so": "",
    "pkg/venv/pyvenv.cfg": "",
    "pkg/venv/lib/x.py": "",
    "pkg/node_modules/x.js": "",
    "beside.py": "",
  };
  assert.deepEqual(await packedOf(files), [
    "beside.py",
    "main.py",
    "pkg/__init__.py",
    "pkg/data/table.csv",
    "pkg/helper.py",
    "pkg/plugins/found_at_run_time.py",
    "pkg/py.typed",
    "pkg/sub/__init__.py",
  ]);
});

test("a package is preferred to a module, both to a folder, and a folder to nothing", async () => {
  assert.deepEqual(await packedOf({ "main.py": "import a", "a/__init__.py": "", "a.py": "" }), [
    "a/__init__.py",
    "main.py",
  ]);
  assert.deepEqual(await packedOf({ "main.py": "import a.b", "a/b.py": "", "a.py": "" }), [
    "a.py",
    "main.py",
  ]);
  assert.deepEqual(await packedOf({ "main.py": "from a import b", "a/b.py": "" }), ["a/b.py", "main.py"]);
});

test("modules of the standard library are the project's if it has them, except for compiled ones", async () => {
  assert.deepEqual(
    await packedOf({
      "main.py": "import random, sys, capsule",
      "random.py": "",
      "sys.py": "",
      "capsule.py": "",
    }),
    ["main.py", "random.py"],
  );
  assert.deepEqual(await packedOf({ "main.py": "import email.policy", "email/policy.py": "" }), ["main.py"]);
});

test("what an operator keeps from a program is not packed with it", async () => {
  const files = {
    "src/main.py":
      'import pkg, code2\nNAMES = ["one.txt", "data/two.txt", "keys", "link.txt", "open/in.txt"]\n',
    "src/code2.py": "",
    "src/pkg/__init__.py": "",
    "src/pkg/template.html": "",
    "src/one.txt": "",
    "data/two.txt": "",
    "keys/a.pem": "",
    "open/in.txt": "",
  };
  using project = testProject(files);
  symlinkSync(project.path("src/one.txt"), project.path("open/link.txt"));
  const code = ["src/code2.py", "src/main.py", "src/pkg/__init__.py"];
  const sealed = await project.bundle("src/main.py", []);
  assert.deepEqual(packed(sealed), code);
  assert.match(
    sealed.warnings.join("\n"),
    /"src\/one\.txt" is not packed with the program: its operator gives/,
  );
  assert.deepEqual(packed(await project.bundle("src/main.py", ["open", "nothing"])), [
    "open/in.txt",
    ...code,
  ]);
  assert.deepEqual(packed(await project.bundle("src/main.py", ["src/pkg"])), [
    ...code,
    "src/pkg/template.html",
  ]);
  assert.ok(packed(await project.bundle("src/main.py", ["."])).includes("data/two.txt"));
});

test("data files that strings name", async () => {
  const files = {
    "src/main.py": `
from pathlib import Path
HERE = Path(__file__).parent
A = open(HERE / "data" / "table.csv")
B = (HERE.parent / "shared.json").read_text()
C = open("root.txt")
D = Path(__file__).with_name("beside.yml")
NAMES = ["one.txt", "data/two.txt", "nothing.txt"]
E = open(HERE / "../../outside.txt")
F = open(".env"), open("src/.hidden"), open("/etc/passwd"), open(".."), open("capsule.toml")
G = "documentation"
`,
    "src/data/table.csv": "",
    "src/data/two.txt": "",
    "src/data/unnamed.txt": "",
    "shared.json": "",
    "root.txt": "",
    "src/beside.yml": "",
    "src/one.txt": "",
    "src/.hidden": "",
    ".env": "",
    "capsule.toml": "",
    "src/documentation/x.txt": "",
  };
  using project = testProject(files);
  writeFileSync(project.path("../outside.txt"), "");
  const bundle = await project.bundle("src/main.py");
  assert.deepEqual(packed(bundle), [
    "root.txt",
    "shared.json",
    "src/beside.yml",
    "src/data/table.csv",
    "src/data/two.txt",
    "src/main.py",
    "src/one.txt",
  ]);
  assert.deepEqual(bundle.warnings, []);
});

test("a folder that is used as a path", async () => {
  const files = {
    "main.py": 'TEMPLATES = Path(__file__).parent / "templates"\nopen(TEMPLATES / name)',
    "templates/a.html": "",
    "templates/deep/b.html": "",
    "templates/.git/config": "",
  };
  assert.deepEqual(await packedOf(files), ["main.py", "templates/a.html", "templates/deep/b.html"]);
});

test("what tasks are allowed to reach is not packed, but for code", async () => {
  const files = {
    "src/main.py": `
import helper, data.code
from capsule import task
A = open("data/one.txt"), open("other/two.txt"), open("src/near.txt"), Path("logs") / "today.log"
@task(name="a", allowed_files=["./data/", {"path": "logs", "mode": "read-only"}])
def a(): return open("data/one.txt").read()
`,
    "src/helper.py": 'open("config/three.txt")\n@task(allowed_files=("config",))\ndef b(): pass',
    "data/one.txt": "",
    "src/data/code.py": "",
    "src/data/__init__.py": "",
    "logs/today.log": "",
    "config/three.txt": "",
    "other/two.txt": "",
    "src/near.txt": "",
  };
  using project = testProject(files);
  const wanted = [
    "other/two.txt",
    "src/data/__init__.py",
    "src/data/code.py",
    "src/helper.py",
    "src/main.py",
    "src/near.txt",
  ];
  assert.deepEqual(packed(await project.bundle("src/main.py")), wanted);
  const all = {
    "main.py": 'open("a.txt")\nimport b\n@task(allowed_files=["."])\ndef f(): pass',
    "a.txt": "",
    "b.py": "",
  };
  assert.deepEqual(await packedOf(all), ["b.py", "main.py"]);
});

test("data that is too large is left out, and said", async () => {
  using project = testProject({ "main.py": 'open("big.bin")\nfor x in os.listdir("many"): pass' });
  writeFileSync(project.path("big.bin"), Buffer.alloc(17 * 1024 * 1024));
  mkdirSync(project.path("many"));
  for (let n = 0; n < 2001; n++) writeFileSync(project.path(`many/${n}`), "");
  const bundle = await project.bundle("main.py");
  assert.deepEqual(packed(bundle), ["main.py"]);
  assert.match(
    bundle.warnings.join("\n"),
    /"big.bin" is not packed.*16 MiB[\s\S]*"many" is not packed.*2000 files/,
  );
});

test("a package that is too large is an error", async () => {
  using project = testProject({ "main.py": "import pkg", "pkg/__init__.py": "" });
  writeFileSync(project.path("pkg/a"), Buffer.alloc(65 * 1024 * 1024));
  await assert.rejects(project.bundle("main.py"), rejected("too-large", /The package "pkg" is too large/));
});

test("links stay in the project", async () => {
  using project = testProject({
    "main.py": "import inside, pkg",
    "real/module.py": "import json",
    "pkg/__init__.py": "",
    "../secret/secret.py": "x = 1",
  });
  symlinkSync(project.path("real/module.py"), project.path("inside.py"));
  symlinkSync(project.path("pkg"), project.path("pkg/loop"));
  assert.deepEqual(packed(await project.bundle("main.py")), ["inside.py", "main.py", "pkg/__init__.py"]);
  symlinkSync(project.path("../secret"), project.path("pkg/out"));
  await assert.rejects(
    project.bundle("main.py"),
    rejected("outside-project", /"pkg\/out" leads out of the project/),
  );
  project.write({ "main.py": "import out" });
  symlinkSync(project.path("../secret/secret.py"), project.path("out.py"));
  await assert.rejects(
    project.bundle("main.py"),
    rejected("outside-project", /"out.py" leads out of the project/),
  );
  project.write({ "main.py": 'open("secret.txt")' });
  symlinkSync(project.path("../secret/secret.py"), project.path("secret.txt"));
  const bundle = await project.bundle("main.py");
  assert.deepEqual(packed(bundle), ["main.py"]);
  assert.match(bundle.warnings.join(), /"secret.txt" is not packed with the program: it leads out/);
});

test("a program outside of the root has its own folder as project; behind a link it is where that leads", async () => {
  using project = testProject({ "x/main.py": "import helper", "x/helper.py": "", "root/y": "" });
  const outside = await bundleProgram({
    file: "../x/main.py",
    root: project.path("root"),
    cwd: project.path("root"),
  });
  assert.equal(readFiles(outside.code).entry, "/app/main.py");
  assert.deepEqual(packed(outside), ["helper.py", "main.py"]);
  assert.equal(JSON.parse(outside.sourceMap).base, "../x");
  symlinkSync(project.path("x/main.py"), project.path("link.py"));
  assert.deepEqual(packed(await project.bundle("link.py")), ["x/helper.py", "x/main.py"]);
});

test("errors of syntax and undecodable bytes are Python's to show", async () => {
  using project = testProject({ "main.py": "import a\ndef (:\n", "a.py": Buffer.from([0xff, 0x00, 0x27]) });
  assert.deepEqual(packed(await project.bundle("main.py")), ["a.py", "main.py"]);
});

test("a file that can't be read is an error that says so", { skip: process.getuid?.() === 0 }, async () => {
  using project = testProject({ "main.py": "import a", "a.py": "" });
  chmodSync(project.path("a.py"), 0);
  await assert.rejects(project.bundle("main.py"), rejected("compile", /"a.py" can't be read/));
});

test("what is no program", async () => {
  using project = testProject({ "folder.py/x": "", "main.txt": "" });
  await assert.rejects(project.bundle("none.py"), rejected("file-not-found", /There is no file "none.py"/));
  await assert.rejects(project.bundle("folder.py"), rejected("file-not-found", /"folder.py" is not a file/));
  await assert.rejects(
    project.bundle("main.txt"),
    rejected("not-a-program", /"main.txt" is no Python program/),
  );
});

for (const [what, files, variant] of [
  ["nothing", {}, "core"],
  ["the standard library", { "main.py": "import json, asyncio" }, "core"],
  ["pure packages of the engine", { "main.py": "import yaml, jinja2, sympy" }, "core"],
  ["numpy", { "main.py": "import numpy as np" }, "full"],
  ["in a function", { "main.py": "def f():\n  from PIL import Image" }, "full"],
  ["in a module", { "main.py": "import a", "a.py": "import pandas" }, "full"],
  [
    "in a module of a package that nobody imports",
    { "main.py": "import p", "p/__init__.py": "", "p/x.py": "import scipy" },
    "core",
  ],
  [
    "in one that is imported",
    { "main.py": "from p import x", "p/__init__.py": "", "p/x.py": "import scipy" },
    "full",
  ],
  ["for types only", { "main.py": "if TYPE_CHECKING:\n  import numpy" }, "core"],
  ["for running it as a script", { "main.py": 'if __name__ == "__main__":\n  import numpy' }, "core"],
  ["a submodule", { "main.py": "from fontTools import subset" }, "full"],
  ["its package", { "main.py": "import fontTools.ttLib" }, "core"],
  ["one's own module of the name", { "main.py": "import numpy", "numpy.py": "" }, "core"],
  ["by name", { "main.py": 'import importlib\nimportlib.import_module("lxml.etree")' }, "full"],
] as const)
  test(`variant: ${what}`, async () => {
    using project = testProject({ "main.py": "", ...files });
    const bundle = await project.bundle("main.py");
    assert.equal(bundle.variant, variant);
    assert.equal(readFiles(bundle.code).variant, variant);
    assert.equal(bundle.reasons.length > 0, variant === "full");
  });

test("why a program needs the full variant", async () => {
  using project = testProject({ "main.py": "import a", "a.py": "\nimport numpy.random" });
  const { reasons } = await project.bundle("main.py");
  assert.deepEqual(reasons, ["a.py:2 imports numpy"]);
  const forced = await bundleProgram({
    file: "main.py",
    root: project.root,
    cwd: project.root,
    full: "it needed PIL",
  });
  assert.deepEqual(forced.reasons, ["it needed PIL", ...reasons]);
});
