/** Python programs of several files, with data and dependencies, and when their snapshot is taken. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { capsule, folder } from "./support/capsule.ts";
import { pythonProgram, runIn } from "./support/python.ts";

test("modules beside it, packages, relative imports, and imports inside functions", async () => {
  const cwd = pythonProgram(
    `
import beside
from package.inner import value

@task
def main():
    from package.late import late
    return [beside.name, value, late(), __name__, beside.__file__, __file__]
`,
    {
      "beside.py": "name = 'beside'\n",
      "package/__init__.py": "",
      "package/inner.py": "from .other import value\n",
      "package/other.py": "value = 'other'\n",
      "package/late.py": "def late(): return 'late'\n",
    },
  );
  const { envelope } = await runIn(cwd);
  assert.deepEqual(envelope.result, ["beside", "other", "late", "main", "/app/beside.py", "/app/main.py"]);
});

test("an error of syntax is shown once, in the file it is in", async () => {
  const cwd = folder({
    "main.py": "from other import x\ndef main():\n    return x\n",
    "other.py": "x = (\n",
  });
  const said = async (file: string): Promise<string> => (await capsule(["run", file], { cwd })).stderr;
  assert.match(
    await said("other.py"),
    /^error: SyntaxError: '\(' was never closed\n {2}other\.py:1:5\n> 1 \| x = \(\n/,
  );
  assert.match(
    await said("main.py"),
    /^error: Traceback[\s\S]*SyntaxError: '\(' was never closed\n {2}other\.py:1:5\n/,
  );
  writeFileSync(join(cwd, "none.py"), "\0");
  assert.match(await said("none.py"), /^error: none\.py: SyntaxError: .*null bytes \[load\]\n$/);
});

test("data files of packages, by importlib.resources and by path", async () => {
  const cwd = pythonProgram(
    `
from importlib.resources import files
from pathlib import Path
import package

HERE = Path(__file__).parent
@task
def main():
    return [
        files(package).joinpath("data.txt").read_text(),
        (Path(package.__file__).parent / "data.txt").read_text(),
        open(HERE / "table.csv").read(),
        (HERE / "deep" / "down.json").exists(),
    ]
`,
    { "package/__init__.py": "", "package/data.txt": "größe", "table.csv": "a,b\n", "deep/other.json": "{}" },
  );
  assert.deepEqual((await runIn(cwd)).envelope.result, ["größe", "größe", "a,b\n", false]);
});

test("nothing else of the disk is there", async () => {
  const cwd = pythonProgram(
    `
import os
def attempt(work):
    try: return str(work())
    except OSError as error: return type(error).__name__
@task
def main():
    return [
        attempt(lambda: open("/etc/passwd").read()),
        attempt(lambda: open("../../secret.txt").read()),
        attempt(lambda: os.listdir("/")),
        attempt(lambda: open("/app/new.txt", "w")),
        attempt(lambda: os.listdir("/app")),
        dict(os.environ),
    ]
`,
    { "secret.txt": "secret", ".env": "KEY=secret" },
  );
  const { envelope } = await runIn<unknown[]>(cwd, [], { extra: { SECRET: "secret" } });
  const [passwd, parent, root, write, app, environment] = envelope.result;
  assert.equal(passwd, "FileNotFoundError");
  assert.equal(parent, "FileNotFoundError");
  assert.doesNotMatch(String(root), /etc|home|proc/);
  assert.equal(write, "OSError");
  assert.equal(app, "['main.py']");
  assert.deepEqual(environment, {});
});

test("a program that calls the host's door while it is loaded gets an OSError, and harms nobody", async () => {
  const cwd = pythonProgram(`
import _host
said = []
for request in (b"cmain\\0[]", b"wmain\\0[]", b"x1", b"q", b""):
    try:
        said.append(_host.call(request).decode())
    except OSError as error:
        said.append(type(error).__name__)
@task
def main(): return said
`);
  assert.deepEqual((await runIn(cwd)).envelope.result, ["OSError", "OSError", "", "OSError", "OSError"]);
});

test("a change of any of its files is noticed", async () => {
  const cwd = pythonProgram("import other\n@task\ndef main(): return other.value\n", {
    "other.py": "value = 1\n",
  });
  assert.equal((await runIn(cwd)).envelope.result, 1);
  writeFileSync(join(cwd, "other.py"), "value = 2\n");
  assert.equal((await runIn(cwd)).envelope.result, 2);
});

describe("the snapshot", () => {
  const cases: Readonly<Record<string, readonly [string, "after" | "before"]>> = {
    "after ordinary imports and definitions": [
      "import random, logging, uuid, json, datetime\nTABLE = [i * i for i in range(100)]",
      "after",
    ],
    "before a look at the clock": ["import time\nSTARTED = time.time()", "before"],
    "before a random number": ["import random\nDICE = random.random()", "before"],
    "before a UUID": ["import uuid\nID = uuid.uuid4()", "before"],
    "before a file in /tmp": ["open('/tmp/x', 'w').write('x')", "before"],
    "after a wait for what comes": ["@task\ndef other(): return 1", "after"],
  };
  for (const [what, [source, snapshot]] of Object.entries(cases))
    test(`is taken ${what}`, async () => {
      const cwd = pythonProgram(`${source}\n@task\ndef main(): return 1\n`);
      const { stdout, stderr } = await capsule(["build", "--json", "main.py"], { cwd });
      assert.notEqual(stdout, "", stderr);
      assert.equal(JSON.parse(stdout).snapshot, snapshot, stdout);
      assert.equal((await runIn(cwd)).envelope.result, 1);
    });

  test("prints what the top level printed, once a run", async () => {
    const cwd = pythonProgram(
      "print('loaded')\n@task\ndef child(): return 1\n@task\ndef main(): return child()['result']\n",
    );
    for (let i = 0; i < 2; i++) {
      const { stdout } = await capsule(["run", "main.py"], { cwd });
      assert.equal(stdout, "loaded\n1\n");
    }
  });
});

test("PEP 723 and requirements that the engine carries need no network", async () => {
  const cwd = folder({
    "main.py":
      '# /// script\n# dependencies = ["numpy>=2", "six"]\n# ///\nimport numpy, six\ndef main(): return [numpy.__version__[0], six.__name__]\n',
  });
  const { envelope } = await runIn(cwd, [], { extra: { PIP_NO_INDEX: "1", UV_OFFLINE: "1" } });
  assert.deepEqual(envelope.result, ["2", "six"]);
});
