/** Files of mounts, as Python programs use them. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { EffectError } from "@capsule-run/protocol";
import { NOW, resultOf, success } from "./testing/guest.ts";
import { asked, at, got, guest, program, put, run } from "./testing/mounted-guest.ts";

test("reading a small file takes one round trip, writing one takes two", async () => {
  put("a.txt", "hällo\nworld\n");
  assert.equal(await run("result = open('data/a.txt').read()"), "hällo\nworld\n");
  assert.deepEqual(asked(), ["open"]);
  guest.reset(program);
  await run("open('/app/data/b.txt', 'w').write('written')");
  assert.deepEqual(asked(), ["open", "write"]);
  assert.equal(got("b.txt"), "written");
  assert.equal(at.host.open.size, 0, "all handles are closed");
});

test("the usual ways to write, and what is read back", async () => {
  const code = `
import os
p = "data/f.bin"
with open(p, "xb") as f: f.write(b"0123456789")
with open(p, "ab") as f:
    seen = [f.tell(), f.write(b"ab"), f.tell()]
with open(p, "r+b") as f:
    f.seek(3); f.write(b"XYZ"); seen.append(f.tell())
    f.seek(0); seen.append(f.read().decode())
    f.seek(-2, 2); seen.append(f.read().decode())
    f.truncate(8); f.seek(0, 2); seen.append(f.tell())
    os.ftruncate(f.fileno(), 20); seen.append(os.fstat(f.fileno()).st_size)
    seen.append(os.pwrite(f.fileno(), b"end", 17)); seen.append(os.pread(f.fileno(), 5, 16).decode("latin1"))
    os.fsync(f.fileno()); os.fdatasync(f.fileno())
seen.append(os.path.getsize(p))
os.truncate(p, 2)
seen.append(open(p).read())
seen.append(open(p, "w").write("new"))
try: open(p, "x")
except FileExistsError as e: seen.append(e.filename)
f = os.open(p, os.O_WRONLY | os.O_APPEND)
os.lseek(f, 0, 0); os.write(f, b"+"); os.close(f)
result = seen
`;
  assert.deepEqual(await run(code), [
    ...[10, 2, 12, 6, "012XYZ6789ab", "ab", 8, 20, 3, "\0end\0".slice(0, 4)],
    ...[20, "01", 3, "data/f.bin"],
  ]);
  assert.equal(got("f.bin"), "new+");
});

test("two descriptors of one file see each other", async () => {
  put("a.txt", "one two");
  const code = `
r = open("data/a.txt", "rb", buffering=0)
seen = [r.read(3).decode()]
w = open("data/a.txt", "r+b", buffering=0)
w.seek(4); w.write(b"TWO and more")
seen.append(r.read().decode())
w.truncate(5); r.seek(0); seen.append(r.read().decode())
import os
seen.append(os.fstat(r.fileno()).st_size)
w.seek(0, 2); w.write(b"!"); seen.append([r.read().decode(), os.fstat(r.fileno()).st_size])
result = seen
`;
  assert.deepEqual(await run(code), ["one", " TWO and more", "one T", 5, ["!", 6]]);
});

test("what others write is seen after the sandbox has waited for them", async () => {
  put("a.txt", "first");
  guest.onWait = async () => {
    put("a.txt", "first and second");
    return { envelope: Buffer.from("{}"), now: Date.now() };
  };
  const code = `
import __main__, _host
f = open("data/a.txt")
seen = [f.read()]
_host.call(b"wother\\0[1]")
seen.append(f.read())
import os
seen.append(os.fstat(f.fileno()).st_size)
result = seen
`;
  assert.deepEqual(await run(code), ["first", " and second", 16]);
});

test("what others write while an async task rests is seen when it goes on", async () => {
  const resting = await guest.load(`
import asyncio, os
from capsule import task

@task
async def other(): pass

@task
async def look():
    # Small files come whole when they are opened.
    fds = [os.open("data/a.txt", os.O_RDONLY)]
    read = lambda: [os.pread(fd, 100, 0).decode() for fd in fds]
    seen = [read()]
    await other()
    fds.append(os.open("data/a.txt", os.O_RDONLY))
    seen.append(read())
    await asyncio.sleep(5)
    return [*seen, read()]
`);
  put("a.txt", "one");
  guest.reset(resting);
  assert.equal((await guest.start("look")).state, "idle");
  put("a.txt", "two");
  const end = await guest.instance.complete(1, success(0), NOW);
  assert.ok(end.state === "idle" && end.wake !== null);
  put("a.txt", "three");
  assert.deepEqual(resultOf(await guest.instance.wake(end.wake)), [
    ["one"],
    ["two", "two"],
    ["three", "three"],
  ]);
});

test("large files are read ahead, in blocks", async () => {
  const bytes = Buffer.alloc(1_000_000, "0123456789abcdef");
  put("large", bytes);
  const code = `
import hashlib
h = hashlib.sha256()
with open("data/large", "rb", buffering=0) as f:
    while piece := f.read(10_000): h.update(piece)
with open("data/large", "rb") as f:
    f.seek(999_990); last = f.read(100).decode()
    f.seek(500_000); middle = f.read(16).decode()
whole = open("data/large", "rb").read()
result = [hashlib.sha256(whole).hexdigest() == h.hexdigest(), len(whole), last, middle]
`;
  assert.deepEqual(await run(code), [true, 1_000_000, "6789abcdef", "0123456789abcdef"]);
  const reads = asked().filter((name) => name === "read").length;
  assert.ok(reads <= 12, `${reads} reads`);
});

test("3 GB by offsets, without holding them", async () => {
  const code = `
import os
with open("data/huge", "wb") as f:
    f.truncate(3_000_000_000)
    f.seek(2_999_999_990); f.write(b"the end")
with open("data/huge", "rb") as f:
    f.seek(0, 2); end = f.tell()
    f.seek(2_999_999_990); text = f.read().rstrip(b"\\0").decode()
    f.seek(5_000_000_000); behind = f.read()
result = [os.path.getsize("data/huge"), end, text, len(behind)]
`;
  const before = guest.instance.memory;
  assert.deepEqual(await run(code), [3_000_000_000, 3_000_000_000, "the end", 0]);
  assert.ok(guest.instance.memory - before < 8 * 1024 ** 2);
});

test("os, pathlib, glob and shutil", async () => {
  put("a.txt", "A");
  const code = `
import glob, os, pathlib, shutil
d = pathlib.Path("data")
(d / "x" / "y").mkdir(parents=True)
(d / "x" / "y" / "ä ö.txt").write_text("umlaut")
(d / "x" / "b.txt").write_bytes(b"B" * 70_000)
seen = [sorted(map(str, d.rglob("*")))]
seen.append(sorted(glob.glob("data/**/*.txt", recursive=True)))
seen.append(sorted((root, sorted(dirs), sorted(files)) for root, dirs, files in os.walk("data")))
seen.append(sorted((e.name, e.is_dir(), e.is_file()) for e in os.scandir("/app/data")))
shutil.copytree("data/x", "data/z"); shutil.copy("data/a.txt", "data/z"); shutil.copy2("data/a.txt", "/tmp/a.txt")
shutil.move("data/z/y", "data/moved"); shutil.move("/tmp/a.txt", "data/from-tmp.txt"); shutil.move("data/z/b.txt", "/tmp")
seen.append([sorted(os.listdir("data")), sorted(os.listdir("data/z")), os.listdir("/tmp"), os.path.getsize("/tmp/b.txt")])
shutil.rmtree("data/x"); os.rename("data/moved", "data/n"); os.replace("data/from-tmp.txt", "data/a.txt")
os.utime("data/a.txt", ns=(1_000_000_000, 2_123_456_000)); st = os.stat("data/a.txt")
seen.append([st.st_mtime_ns, st.st_size, os.path.isdir("data/n"), os.path.isfile("data"), os.path.exists("data/x")])
fd = os.open("data", os.O_RDONLY); inner = os.open("n", os.O_RDONLY, dir_fd=fd)
seen.append([os.stat("ä ö.txt", dir_fd=inner).st_size, os.stat("a.txt", dir_fd=fd).st_size, os.path.samestat(os.fstat(fd), os.stat("data"))])
os.close(inner); os.close(fd)
os.chdir("data/n"); seen.append([os.getcwd(), os.listdir("."), sorted(os.listdir("..")), open("../../notes.txt").read(), os.path.exists("../../../tmp")])
for path in ["..", "./n/../n/.", "/tmp/../app", "data//n//"]:
    os.chdir(path); seen.append(os.getcwd())
os.chdir("/app"); os.remove("data/n/ä ö.txt"); os.rmdir("data/n")
seen.append(sorted(os.listdir("data")))
result = seen
`;
  const names = ["data/a.txt", "data/x/b.txt", "data/x/y/ä ö.txt"];
  assert.deepEqual(await run(code), [
    ["data/a.txt", "data/x", "data/x/b.txt", "data/x/y", "data/x/y/ä ö.txt"],
    names,
    [
      ["data", ["x"], ["a.txt"]],
      ["data/x", ["y"], ["b.txt"]],
      ["data/x/y", [], ["ä ö.txt"]],
    ],
    [
      ["a.txt", false, true],
      ["x", true, false],
    ],
    [["a.txt", "from-tmp.txt", "moved", "x", "z"], ["a.txt"], ["b.txt"], 70_000],
    [2_123_456_000, 1, true, false, false],
    [6, 1, true],
    ["/app/data/n", ["ä ö.txt"], ["a.txt", "n", "z"], "packed", true],
    ...["/app/data", "/app/data/n", "/app", "/app/data/n"],
    ["a.txt", "z"],
  ]);
});

test("zipfile, csv, json, tempfile", async () => {
  const code = `
import csv, json, os, tempfile, zipfile
with zipfile.ZipFile("data/z.zip", "w", zipfile.ZIP_DEFLATED) as z:
    z.writestr("a/b.txt", "zipped" * 1000)
with zipfile.ZipFile("data/z.zip", "a") as z: z.writestr("c.txt", "more")
with zipfile.ZipFile("data/z.zip") as z:
    z.extractall("data/out"); names = z.namelist()
with open("data/t.csv", "w", newline="") as f: csv.writer(f).writerows([["a", 1], ["b,c", 2]])
json.dump({"ü": [1, 2.5]}, open("data/j.json", "w"))
with tempfile.NamedTemporaryFile(dir="data") as t:
    t.write(b"x"); t.flush(); there = os.path.exists(t.name)
with tempfile.TemporaryDirectory() as d: where = os.path.dirname(d)
result = [names, len(open("data/out/a/b.txt").read()), list(csv.reader(open("data/t.csv"))), json.load(open("data/j.json")),
          there, os.path.exists(t.name), where]
`;
  assert.deepEqual(await run(code), [
    ...[["a/b.txt", "c.txt"], 6000],
    [
      ["a", "1"],
      ["b,c", "2"],
    ],
    ...[{ ü: [1, 2.5] }, true, false, "/tmp"],
  ]);
});

test("sqlite3 on a file: transactions, rollback, and another connection afterwards", async () => {
  const write = `
import sqlite3
db = sqlite3.connect("data/x.db")
db.execute("create table t(x)")
with db: db.executemany("insert into t values (?)", [(i,) for i in range(1000)])
try:
    with db:
        db.execute("delete from t"); raise ValueError
except ValueError: pass
result = db.execute("select count(*), sum(x) from t").fetchone()
db.close()
`;
  assert.deepEqual(await run(write), [1000, 499_500]);
  assert.deepEqual(fs.readdirSync(join(at.folder, "data")), ["x.db"], "no journal and no lock is left");
  guest.reset(program);
  const read = `
import sqlite3
result = sqlite3.connect("data/x.db").execute("select max(x) from t").fetchone()
`;
  assert.deepEqual(await run(read), [999]);
  guest.reset(program);
  fs.mkdirSync(join(at.folder, "data", "x.db.lock"));
  const locked = `
import sqlite3
try: sqlite3.connect("data/x.db", timeout=0).execute("delete from t")
except sqlite3.OperationalError as e: result = str(e)
`;
  assert.equal(await run(locked), "database is locked");
  fs.copyFileSync(join(at.folder, "data", "x.db"), join(at.folder, "fixed", "x.db"));
  guest.reset(program);
  const fixed = `
import sqlite3
result = sqlite3.connect("file:fixed/x.db?immutable=1", uri=True).execute("select max(x) from t").fetchone()
`;
  assert.deepEqual(await run(fixed), [999]);
});

test("a folder of 100,000 names is listed by one question", async () => {
  const inner = join(at.folder, "data", "many");
  fs.mkdirSync(inner);
  for (let i = 0; i < 20; i++) fs.writeFileSync(join(inner, `file-${i}`), "");
  const list = Array.from({ length: 100_000 }, (_, i) => [`name-${i}`, i % 2 ? "directory" : "file", "0"]);
  const payload = Buffer.from(JSON.stringify(list));
  guest.onEffect = async (effect) =>
    effect.name === "file.list" ? { head: { count: list.length }, payload } : at.host.answer(effect);
  const code = `
import os
names = os.listdir("data/many")
folders = sum(e.is_dir() for e in os.scandir("data/many"))
result = [len(names), len(set(names)), folders]
`;
  assert.deepEqual(await run(code), [100_000, 100_000, 50_000]);
  assert.deepEqual(asked(), ["open", "list", "open", "list"]);
});

test("errors are Python's own, with the guest's paths", async () => {
  put("a.txt", "A");
  fs.mkdirSync(join(at.folder, "data", "full"));
  put("full/x", "");
  fs.symlinkSync("a.txt", join(at.folder, "data", "link"));
  const code = `
import os, shutil
def fails(do):
    try: do()
    except OSError as e: return [type(e).__name__, e.errno and os.strerror(e.errno), e.filename]
result = [fails(each) for each in (
    lambda: open("data/none"), lambda: open("data/full"), lambda: open("data/full", "w"), lambda: open("data/a.txt/x"),
    lambda: open("fixed/a.txt", "w"), lambda: open("fixed/new", "w"), lambda: os.remove("fixed/a.txt"), lambda: os.mkdir("fixed/d"),
    lambda: os.rmdir("data/full"), lambda: os.mkdir("data/full"), lambda: os.listdir("data/a.txt"), lambda: os.rename("data/none", "data/x"),
    lambda: os.rename("data/a.txt", "/tmp/a.txt"), lambda: os.rename("data/a.txt", "fixed/b"), lambda: os.symlink("data/a.txt", "data/l"),
    lambda: os.link("data/a.txt", "data/l"), lambda: os.stat("data/" + "x" * 300), lambda: os.read(os.open("data/a.txt", os.O_WRONLY), 1),
    lambda: os.readlink("data/a.txt"), lambda: open("other/x", "w"), lambda: open("data/a.txt/"), lambda: os.remove("data"))]
result.append([os.readlink("data/link"), os.path.islink("data/link"), open("data/link").read(), os.lstat("data/link").st_mode >> 12])
`;
  const errors = (await run(code)) as unknown[];
  assert.deepEqual(errors, [
    ["FileNotFoundError", "No such file or directory", "data/none"],
    ["IsADirectoryError", "Is a directory", "data/full"],
    ["IsADirectoryError", "Is a directory", "data/full"],
    ["NotADirectoryError", "Not a directory", "data/a.txt/x"],
    ["OSError", "Read-only file system", "fixed/a.txt"],
    ["OSError", "Read-only file system", "fixed/new"],
    ["OSError", "Read-only file system", "fixed/a.txt"],
    ["OSError", "Read-only file system", "fixed/d"],
    ["OSError", "Directory not empty", "data/full"],
    ["FileExistsError", "File exists", "data/full"],
    ["NotADirectoryError", "Not a directory", "data/a.txt"],
    ["FileNotFoundError", "No such file or directory", "data/none"],
    ["OSError", "Cross-device link", "data/a.txt"],
    ["OSError", "Read-only file system", "data/a.txt"],
    ["PermissionError", "Operation not permitted", "data/a.txt"],
    ["PermissionError", "Operation not permitted", "data/a.txt"],
    ["OSError", "Filename too long", `data/${"x".repeat(300)}`],
    ["OSError", "Bad file descriptor", null],
    ["OSError", "Invalid argument", "data/a.txt"],
    ["FileNotFoundError", "No such file or directory", "other/x"],
    ["NotADirectoryError", "Not a directory", "data/a.txt/"],
    ["IsADirectoryError", "Is a directory", "data"],
    ["a.txt", true, "A", 10],
  ]);
});

test("open files are limited", async () => {
  put("a.txt", "A");
  const code = `
import errno
held = []
try:
    while True: held.append(open("data/a.txt"))
except OSError as e: result = [errno.errorcode[e.errno], len(held) > 1000]
`;
  assert.deepEqual(await run(code), ["EMFILE", true]);
});

test("what the host has too much of already is a temporary failure, not one of the disk", async () => {
  guest.onEffect = async () => {
    throw new EffectError("ELIMIT", "limit exceeded: 10,000 requests for files and HTTP at once");
  };
  const code = `
import errno
try: open("data/a.txt")
except OSError as e: result = errno.errorcode[e.errno]
`;
  assert.equal(await run(code), "EAGAIN");
});
