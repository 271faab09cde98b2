/** Python's files and variables: a task reaches what it declares, and nothing beside. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { capsule, type Envelope, folder, runFile } from "./support/capsule.ts";

const PROGRAM = `
import errno, os, pathlib, shutil, sqlite3, tempfile
from capsule import task

# In one piece it would be packed with the program.
SECRET = "secret" + ".txt"

@task(allowed_files=["./data"])
def works():
    here = pathlib.Path("data")
    (here / "deep" / "er").mkdir(parents=True)
    (here / "deep" / "er" / "ünï.txt").write_text("written")
    with open("data/log.txt", "a") as log:
        log.write("one\\n"); log.write("two\\n")
    shutil.copytree("data/deep", "data/copy")
    shutil.rmtree("data/deep")
    os.rename("data/log.txt", "data/renamed.txt")
    times = os.stat("data/renamed.txt")
    os.utime("data/renamed.txt", ns=(1_500_000_000_000_000_000, 1_600_000_000_123_456_000))
    return [open("data/in.txt").read(), sorted(str(p) for p in here.rglob("*")), os.stat("data/renamed.txt").st_mtime_ns]

@task(allowed_files=[{"path": "./data", "mode": "read-only"}])
def reads():
    refused = []
    for do in (lambda: open("data/in.txt", "w"), lambda: open("data/new", "x"), lambda: os.remove("data/in.txt"),
               lambda: os.mkdir("data/d"), lambda: os.rename("data/in.txt", "data/x"), lambda: os.truncate("data/in.txt", 0),
               lambda: os.utime("data/in.txt")):
        try: do()
        except OSError as error: refused.append(errno.errorcode[error.errno])
    return [open("data/in.txt").read(), refused]

@task
def without():
    seen = []
    for path in ("data", "data/in.txt", "/app/data", SECRET, "../" + SECRET, "/etc/passwd", "/proc/self/environ"):
        try: seen.append(open(path).read())
        except OSError as error: seen.append(errno.errorcode[error.errno])
    return [seen, sorted(os.listdir("/")), os.listdir("/app")]

@task(allowed_files=["./data"])
def outside():
    seen = []
    for path in ("data/out-link", "data/folder-link/x", "data/../" + SECRET, "data/../../etc/passwd", "data/./../data/in.txt",
                 "data/in.txt/", "data/\\0", "data/" + "../" * 20 + "etc/passwd", "//etc/passwd", "data/link"):
        try: seen.append(open(path).read())
        except OSError as error: seen.append([errno.errorcode[error.errno], error.filename == path])
        except ValueError as error: seen.append(str(error))
    try: os.symlink("/etc/passwd", "data/mine")
    except OSError as error: seen.append(errno.errorcode[error.errno])
    return seen

@task(allowed_files=["./data"])
def database(value):
    db = sqlite3.connect("data/x.db")
    with db:
        db.execute("create table if not exists t(x)")
        db.execute("insert into t values (?)", [value])
    return [x for x, in db.execute("select x from t order by rowid")]

@task(allowed_files=["./data"], compute="LOW")
def interrupted():
    db = sqlite3.connect("data/x.db")
    db.execute("insert into t values (99)")
    while True: pass

@task
def scratch(text):
    before = os.listdir("/tmp")
    with tempfile.NamedTemporaryFile("w", delete=False) as file: file.write(text)
    return [before, os.path.dirname(file.name), open(file.name).read()]

@task(env_variables=["KEY", "FROM_FILE", "NONE"])
def variables():
    return dict(os.environ)

@task
def no_variables():
    return [dict(os.environ), os.getenv("KEY"), os.getenv("PATH")]

@task(name="main")
def main():
    return {
        "without": without(), "works": works(), "reads": reads(), "outside": outside(),
        "database": [database(1), database(2)], "interrupted": [interrupted(), database(3)], "scratch": [scratch("a"), scratch("b")],
        "variables": variables(), "no_variables": no_variables(),
    }
`;

type Results = Readonly<Record<string, Envelope>>;

describe("a program with a folder", () => {
  const cwd = folder({
    "capsule.toml": "",
    ".env": "FROM_FILE=file\nUNASKED=x\n",
    "main.py": PROGRAM,
    "secret.txt": "secret",
    "data/in.txt": "given",
  });
  symlinkSync("/etc/passwd", join(cwd, "data", "out-link"));
  symlinkSync("..", join(cwd, "data", "folder-link"));
  symlinkSync("in.txt", join(cwd, "data", "link"));
  let results: Results = {};
  const result = (name: string): unknown => {
    const envelope = results[name] as Envelope;
    assert.ok(envelope.success, envelope.error?.message ?? "");
    return envelope.result;
  };
  before(async () => {
    const { envelope } = await runFile<Results>(cwd, "main.py", [], {
      extra: { KEY: "value", UNASKED: "x" },
    });
    assert.ok(envelope.success, envelope.error?.message ?? "");
    results = envelope.result;
  });

  test("reads and writes it", () => {
    const [given, names, modified] = result("works") as [string, string[], number];
    assert.equal(given, "given");
    assert.deepEqual(
      names.filter((name) => !name.endsWith("link")),
      ["data/copy", "data/copy/er", "data/copy/er/ünï.txt", "data/in.txt", "data/renamed.txt"],
    );
    assert.equal(BigInt(modified) / 1000n, 1_600_000_000_123_456n);
    assert.equal(readFileSync(join(cwd, "data/renamed.txt"), "utf8"), "one\ntwo\n");
    assert.equal(readFileSync(join(cwd, "data/copy/er/ünï.txt"), "utf8"), "written");
  });

  test("changes nothing where it may only read", () => {
    assert.deepEqual(result("reads"), ["given", Array.from({ length: 7 }, () => "EROFS")]);
  });

  test("sees nothing of it in a task that declares nothing", () => {
    const [seen, root, app] = result("without") as [string[], string[], string[]];
    assert.deepEqual(
      seen,
      Array.from({ length: 7 }, () => "ENOENT"),
    );
    assert.deepEqual(root, ["app", "dev", "tmp", "usr"]);
    assert.deepEqual(app, ["main.py"]);
  });

  test("gets nowhere else from there", () => {
    assert.deepEqual(result("outside"), [
      ...[["EACCES", true], ["EACCES", true], ["ENOENT", true], ["ENOENT", true], "given"],
      ...[["ENOTDIR", true], "embedded null byte", ["ENOENT", true], ["ENOENT", true], "given"],
      "EPERM",
    ]);
  });

  /** What several executions of one task gave. */
  const all = (name: string): unknown[] =>
    (results[name] as unknown as Envelope[]).map(({ result, error }) => error?.message ?? result);

  test("keeps a database in it", () => {
    assert.deepEqual(all("database"), [[1], [1, 2]]);
    assert.ok(readFileSync(join(cwd, "data/x.db"), "latin1").startsWith("SQLite format 3"));
    assert.ok(!existsSync(join(cwd, "data/x.db.lock")) && !existsSync(join(cwd, "data/x.db-journal")));
  });

  test("may end in the middle of a transaction", () => {
    const [failed, done] = all("interrupted");
    assert.match(String(failed), /fuel/);
    assert.deepEqual(done, [1, 2, 3]);
  });

  test("has a /tmp of its own in each sandbox", () => {
    assert.deepEqual(all("scratch"), [
      [[], "/tmp", "a"],
      [[], "/tmp", "b"],
    ]);
  });

  test("sees the variables it declares, from the process and from .env, and no others", () => {
    assert.deepEqual(result("variables"), { KEY: "value", FROM_FILE: "file" });
    assert.deepEqual(result("no_variables"), [{}, null, null]);
  });
});

test("a program that reads a variable and its folder at its top level does so in each attempt", async () => {
  const source = `
import os
from capsule import task
KEY = os.environ.get("KEY", "none")
CONFIG = open("settings/" + "all.txt").read() if os.path.exists("settings/" + "all.txt") else "none"
@task(name="main", allowed_files=["settings"], env_variables=["KEY"])
def main():
    return [KEY, CONFIG]
`;
  const cwd = folder({ "capsule.toml": "", "main.py": source, "settings/all.txt": "settings" });
  const first = await runFile(cwd, "main.py", [], { extra: { KEY: "one" } });
  assert.deepEqual(first.envelope.result, ["one", "settings"]);
  const { stdout, stderr } = await capsule(["run", "--verbose", "main.py"], { cwd, extra: { KEY: "two" } });
  assert.equal(stdout, '["two","settings"]\n');
  assert.match(stderr, /the environment/);
  assert.match(stderr, /files/);
});

test("a program whose folder is its own imports what was built, and lists what is there", async () => {
  const source = `
import os
from capsule import task
@task(name="main", allowed_files=["."])
def main():
    import helper
    open("made.txt", "w").write(helper.WHO)
    return [helper.WHO, sorted(os.listdir("."))]
`;
  const cwd = folder({ "capsule.toml": "", "main.py": source, "helper.py": "WHO = 'helper'\n" });
  const { envelope } = await runFile<[string, string[]]>(cwd, "main.py");
  assert.ok(envelope.success, envelope.error?.message ?? "");
  const [who, names] = envelope.result;
  assert.equal(who, "helper");
  assert.deepEqual(names, ["helper.py", "made.txt", "main.py"], "all but what Capsule itself reads");
  assert.deepEqual(
    readdirSync(cwd).filter((name) => name === "__pycache__"),
    [],
  );
});
