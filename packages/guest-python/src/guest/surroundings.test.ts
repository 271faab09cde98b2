/** What programs see beside their arguments, and what looking for it does to their snapshots. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Loaded, TurnEnd } from "@capsule-run/protocol";
import { FolderHost } from "../drive/testing/folder-host.ts";
import { AMPLE, bundleOf, NOW, TestGuest } from "../drive/testing/guest.ts";
import { raised, value } from "./testing.ts";

const TASK = "from capsule import task\n";
const guest = new TestGuest();
const root = fs.mkdtempSync(join(tmpdir(), "capsule-surroundings-"));
after(() => fs.rmSync(root, { recursive: true, force: true }));

type Files = Readonly<Record<string, string>>;

async function load(source: string, files: Files = {}, variables: readonly string[] = []) {
  guest.instance.reset(null, AMPLE, NOW);
  return guest.instance.load(bundleOf(`${TASK}${source}`, files), variables);
}

/** Why a program's snapshot is taken before it is loaded. */
async function reasons(
  source: string,
  files?: Files,
  variables?: readonly string[],
): Promise<readonly string[]> {
  const end: Loaded | TurnEnd = await load(source, files, variables);
  assert.ok("tasks" in end, JSON.stringify(end));
  return end.reasons;
}

/** Loads a program and runs its main. */
async function run(source: string, files: Files = {}, surroundings: Partial<TestGuest["surroundings"]> = {}) {
  guest.surroundings = { environment: {}, mounts: [], ...surroundings };
  const program = await guest.load(`${TASK}${source}`, files);
  guest.reset(program);
  return value(await guest.run("main"));
}

const LOOK = `
import os, tempfile
@task
def main():
    names = [name.decode() for name in os.environb]
    return [dict(os.environ), os.environ.get("KEY"), os.getenv("PATH"), os.getenv("HOME"), sorted(names), tempfile.gettempdir()]
`;

test("an attempt sees its variables and nothing else", async () => {
  const environment = { KEY: "värt=1", OTHER: "" };
  const seen = await run(LOOK, {}, { environment });
  assert.deepEqual(seen, [environment, "värt=1", null, null, ["KEY", "OTHER"], "/tmp"]);
  assert.deepEqual(await run(LOOK), [{}, null, null, null, [], "/tmp"]);
});

test("a program that reads variables while it is loaded is loaded in each attempt", async () => {
  const read = [
    ...[
      'os.environ["KEY"]',
      'os.environ.get("NONE")',
      '"KEY" in os.environ',
      "list(os.environ)",
      "len(os.environ)",
    ],
    ...[
      "os.environ.copy()",
      'os.getenv("KEY")',
      'os.environb.get(b"KEY")',
      "repr(os.environ)",
      "os.path.expanduser('~')",
    ],
    ...['os.environ.setdefault("X", "1")', 'os.environ.pop("KEY")', "dict(os.environ)", "os.environ | {}"],
  ];
  for (const code of read)
    assert.deepEqual(await reasons(`import os\n${code}\n`, {}, ["KEY"]), ["the environment"], code);
  const source = `import os\nKEY = os.environ["KEY"]\n@task\ndef main(): return [KEY, os.environ["KEY"]]\n`;
  const loaded = await load(source, {}, ["KEY"]);
  assert.ok("tasks" in loaded && loaded.snapshot === "before");
  guest.surroundings = { environment: { KEY: "real" }, mounts: [] };
  const program = guest.engine.prepare({
    ...loaded.image,
    snapshot: loaded.snapshot,
    bundle: bundleOf(TASK + source),
  });
  guest.reset(program);
  assert.deepEqual(value(await guest.run("main")), ["real", "real"]);
  const stand = await load(`import os\nprint(os.environ["KEY"])\nraise ValueError(os.environ["KEY"])\n`, {}, [
    "KEY",
  ]);
  assert.match(raised(stand as TurnEnd).message, /ValueError: capsule-loading/);
});

test("what a program sets while it is loaded stays, on top of the attempt's own", async () => {
  const source = `
import os, json, logging, http.client
os.environ["MINE"] = "1"
os.environ["BOTH"] = "program"
mine = os.environ["MINE"]
@task
def main(): return [dict(os.environ), mine]
`;
  assert.deepEqual(await reasons(source), []);
  const environment = { BOTH: "attempt", KEY: "k" };
  const seen = await run(source, {}, { environment });
  assert.deepEqual(seen, [{ MINE: "1", BOTH: "program", KEY: "k" }, "1"]);
});

test("a program that looks for files that are not packed is loaded in each attempt", async () => {
  const files = { "data.txt": "x", "pkg/__init__.py": "", "space/inner.py": "", "pkg/more.txt": "" };
  const looks = [
    ...[
      'os.path.exists("none.txt")',
      'os.path.isfile("/app/sub/none")',
      'glob.glob("*.csv")',
      'os.listdir(".")',
    ],
    ...['list(os.scandir("/app"))', "list(os.walk('pkg'))", 'list(pathlib.Path("pkg").iterdir())'],
    ...[
      'contextlib.suppress(OSError).__enter__() or fails(lambda: open("data.txt", "a"))',
      'fails(lambda: os.mkdir("out"))',
    ],
  ];
  const prelude = `import contextlib, glob, os, pathlib
def fails(do):
    try: do()
    except OSError: pass
`;
  for (const code of looks) assert.deepEqual(await reasons(`${prelude}${code}\n`, files), ["files"], code);
  const plain = `${prelude}import pkg, space.inner, json, wave, tabnanny
open("data.txt").read(), os.path.exists("/app/data.txt"), os.path.exists("/tmp/none"), os.path.exists("/nothing")
os.listdir("/tmp"), os.stat(__file__), pathlib.Path(__file__).resolve(), pathlib.Path(__file__).parent.joinpath("pkg").is_dir()
`;
  assert.deepEqual(await reasons(plain, files), []);
});

test("a program that needs a file at its top level is told that files are inside tasks", async () => {
  const missing = raised((await load('open("numbers.csv")\n')) as TurnEnd);
  assert.match(missing.message, /^FileNotFoundError: .*'numbers.csv'$/);
  assert.match(missing.stack, /can be reached inside tasks only/);
  const writing = raised((await load('open("/app/out.txt", "w")\n')) as TurnEnd);
  assert.match(writing.stack, /Read-only file system.*\n.*inside tasks only/);
  const elsewhere = raised((await load('open("/nothing/x")\n')) as TurnEnd);
  assert.doesNotMatch(elsewhere.stack, /inside tasks/);
});

test("under a mount of its whole folder a program still imports what was packed", async () => {
  const folder = join(root, "app");
  fs.mkdirSync(join(folder, "pkg"), { recursive: true });
  for (const [name, text] of Object.entries({
    "main.py": "raise ValueError",
    "helper.py": "WHO = 'real'",
    "other.py": "WHO = 'only there'",
    "notes.txt": "real",
    "pkg/extra.py": "WHO = 'extra'",
  }))
    fs.writeFileSync(join(folder, name), text);
  const host = new FolderHost({ "/app": { host: folder, writable: true } });
  guest.onEffect = host.answer;
  const files = {
    "helper.py": "WHO = 'packed'\n",
    "pkg/__init__.py": "",
    "pkg/inner.py": "WHO = 'inner'\n",
    "notes.txt": "packed",
  };
  const body = `
@task
def main():
    import os, inspect, helper, other, pkg.inner, pkg.extra
    try: import nothing
    except ModuleNotFoundError as e: missing = e.name
    try: 1 / 0
    except ZeroDivisionError:
        import traceback
        trace = "1 / 0" in traceback.format_exc()
    return [helper.WHO, helper.__file__, other.WHO, pkg.inner.WHO, pkg.__path__, pkg.extra.WHO, missing, open("notes.txt").read(), sorted(os.listdir("."))]
`;
  const wanted = [
    ...["packed", "/app/helper.py", "only there", "inner", ["/app/pkg"], "extra", "nothing", "real"],
    ["helper.py", "main.py", "notes.txt", "other.py", "pkg"],
  ];
  const mounts = [{ path: "/app", writable: true }];
  assert.deepEqual(await run(body, files, { mounts }), wanted);
  // Loaded in each attempt, by what it does at its top level.
  assert.deepEqual(await run(`import time\ntime.time()\n${body}`, files, { mounts }), wanted);
  assert.deepEqual(fs.readdirSync(folder).toSorted(), wanted.at(-1), "nothing is left there");
  assert.equal(host.open.size, 0);
});
