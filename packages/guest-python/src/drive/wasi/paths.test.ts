import assert from "node:assert/strict";
import { test } from "node:test";
import { ALL, CREAT, DIRECTORY, EXCL, programOf, READ, TestGuest, TRUNC } from "./testing/guest.ts";

const LIBRARY = "usr/local/lib/python315.zip";

/** A guest with a file, a directory with a file, and an empty one, in `/tmp`; and a program. */
function furnished(): TestGuest {
  const guest = new TestGuest({
    program: programOf({
      "/app/main.py": "print(1)",
      "/app/pkg/data.txt": "data",
      "/site-packages/dep.py": "",
    }),
  });
  guest.put("tmp/file", "text");
  for (const path of ["tmp/full", "tmp/empty"]) guest.call("path_create_directory", 3, ...guest.path(path));
  guest.put("tmp/full/inner", "inner");
  return guest;
}

test("paths are followed name by name, and every way to go wrong has its error", () => {
  const guest = furnished();
  const long = "n".repeat(255);
  const rows: readonly (readonly [path: string, expected: string])[] = [
    ["tmp/file", "SUCCESS"],
    ["tmp//file", "SUCCESS"],
    ["./tmp/./file", "SUCCESS"],
    ["tmp/full/../file", "SUCCESS"],
    ["../../../tmp/file", "SUCCESS"],
    ["..", "SUCCESS"],
    [".", "SUCCESS"],
    ["app/pkg/data.txt", "SUCCESS"],
    ["app/../site-packages/dep.py", "SUCCESS"],
    ["tmp/full/", "SUCCESS"],
    [LIBRARY, "SUCCESS"],
    ["", "NOENT"],
    ["/tmp/file", "NOTCAPABLE"],
    ["tmp/none", "NOENT"],
    ["tmp/none/", "NOENT"],
    ["tmp/none/file", "NOENT"],
    ["tmp/none/../file", "NOENT"],
    ["etc/passwd", "NOENT"],
    ["../../etc/passwd", "NOENT"],
    ["proc/self/environ", "NOENT"],
    ["tmp/file/", "NOTDIR"],
    ["tmp/file/.", "NOTDIR"],
    ["tmp/file/..", "NOTDIR"],
    ["tmp/file/x", "NOTDIR"],
    ["dev/null/x", "NOTDIR"],
    [`${LIBRARY}/`, "NOTDIR"],
    [`${LIBRARY}/.`, "NOTDIR"],
    [`${LIBRARY}/matplotlib`, "NOTDIR"],
    [`${LIBRARY}/matplotlib/..`, "NOTDIR"],
    [`${LIBRARY}/json`, "NOTDIR"],
    [`tmp/${long}`, "NOENT"],
    [`tmp/${long}n`, "NAMETOOLONG"],
    [`tmp/${"ü".repeat(127)}`, "NOENT"],
    [`tmp/${"ü".repeat(128)}`, "NAMETOOLONG"],
    ["a/".repeat(2048), "NOENT"],
    [`a${"a/".repeat(2048)}`, "NAMETOOLONG"],
    ["tmp/a\0b", "INVAL"],
    ["__proto__", "NOENT"],
    ["constructor/prototype", "NOENT"],
  ];
  for (const [path, expected] of rows) {
    const answer = guest.stat(path);
    assert.equal(typeof answer === "string" ? answer : "SUCCESS", expected, path.slice(0, 60));
  }
  const broken = guest.path(new Uint8Array([0x74, 0xff, 0x74]));
  assert.equal(guest.call("path_filestat_get", 3, 1, ...broken, 0), "ILSEQ");
});

test("what is opened, made and cut is as POSIX has it", () => {
  const rows: readonly (readonly [path: string, oflags: number, rights: bigint, expected: string])[] = [
    ["tmp/file", 0, READ, "open"],
    ["tmp/file", 0, ALL, "open"],
    ["tmp/file", CREAT, ALL, "open"],
    ["tmp/file", CREAT | EXCL, ALL, "EXIST"],
    ["tmp/file", DIRECTORY, READ, "NOTDIR"],
    ["tmp/file", CREAT | DIRECTORY, READ, "INVAL"],
    ["tmp/file", 16, READ, "INVAL"],
    ["tmp/file", 0, 1n << 40n, "NOTCAPABLE"],
    ["tmp/file", 0, -1n, "NOTCAPABLE"],
    ["tmp/new", 0, ALL, "NOENT"],
    ["tmp/new", CREAT, ALL, "open"],
    ["tmp/new", CREAT | EXCL, READ, "open"],
    ["tmp/new/", CREAT, ALL, "ISDIR"],
    ["tmp/none/new", CREAT, ALL, "NOENT"],
    ["tmp/file/new", CREAT, ALL, "NOTDIR"],
    ["tmp/full", 0, READ, "open"],
    ["tmp/full", DIRECTORY, READ, "open"],
    ["tmp/full", 0, ALL, "ISDIR"],
    ["tmp/full", CREAT, READ, "ISDIR"],
    ["tmp/full", TRUNC, READ, "ISDIR"],
    ["tmp/full", CREAT | EXCL, READ, "EXIST"],
    ["new", CREAT, ALL, "ROFS"],
    ["app/new", CREAT, ALL, "ROFS"],
    ["app/main.py", 0, READ, "open"],
    ["app/main.py", 0, ALL, "ROFS"],
    ["app/main.py", TRUNC, READ, "ROFS"],
    ["app/main.py", CREAT, READ, "open"],
    [LIBRARY, 0, ALL, "ROFS"],
    ["dev/null", CREAT | TRUNC, ALL, "open"],
    ["dev/null", DIRECTORY, READ, "NOTDIR"],
    ["dev/new", CREAT, ALL, "ROFS"],
  ];
  for (const [path, oflags, rights, expected] of rows) {
    const answer = furnished().open(path, oflags, rights);
    assert.equal(typeof answer === "string" ? answer : "open", expected, `${path} ${oflags} ${rights}`);
  }
});

test("directories and files are made, removed and moved as POSIX has it", () => {
  const make = "path_create_directory";
  const rmdir = "path_remove_directory";
  const unlink = "path_unlink_file";
  const rename = "path_rename";
  const rows: readonly (readonly [call: string, path: string, expected: string, to?: string])[] = [
    [make, "tmp/new", "SUCCESS"],
    [make, "tmp/new/", "SUCCESS"],
    [make, "tmp/full", "EXIST"],
    [make, "tmp/file", "EXIST"],
    [make, "tmp", "EXIST"],
    [make, ".", "EXIST"],
    [make, "tmp/none/new", "NOENT"],
    [make, "tmp/file/new", "NOTDIR"],
    [make, "new", "ROFS"],
    [make, "app/new", "ROFS"],
    [rmdir, "tmp/empty", "SUCCESS"],
    [rmdir, "tmp/empty/", "SUCCESS"],
    [rmdir, "tmp/empty/.", "INVAL"],
    [rmdir, "tmp/full", "NOTEMPTY"],
    [rmdir, "tmp/file", "NOTDIR"],
    [rmdir, "tmp/none", "NOENT"],
    [rmdir, "tmp", "BUSY"],
    [rmdir, "..", "INVAL"],
    [rmdir, "app", "ROFS"],
    [unlink, "tmp/file", "SUCCESS"],
    [unlink, "tmp/file/", "NOTDIR"],
    [unlink, "tmp/full", "ISDIR"],
    [unlink, "tmp/none", "NOENT"],
    [unlink, "app/main.py", "ROFS"],
    [unlink, "dev/null", "ROFS"],
    [unlink, LIBRARY, "ROFS"],
    [rename, "tmp/file", "SUCCESS", "tmp/new"],
    [rename, "tmp/file", "SUCCESS", "tmp/full/inner"],
    [rename, "tmp/file", "SUCCESS", "tmp/file"],
    [rename, "tmp/file", "NOTDIR", "tmp/new/"],
    [rename, "tmp/file", "ISDIR", "tmp/empty"],
    [rename, "tmp/file", "NOENT", "tmp/none/new"],
    [rename, "tmp/none", "NOENT", "tmp/new"],
    [rename, "tmp/full", "SUCCESS", "tmp/new"],
    [rename, "tmp/full", "SUCCESS", "tmp/new/"],
    [rename, "tmp/full", "SUCCESS", "tmp/empty"],
    [rename, "tmp/full", "SUCCESS", "tmp/full"],
    [rename, "tmp/empty", "NOTEMPTY", "tmp/full"],
    [rename, "tmp/full", "NOTDIR", "tmp/file"],
    [rename, "tmp/full", "INVAL", "tmp/full/new"],
    [rename, "tmp/full", "INVAL", "tmp/empty/../full/new"],
    [rename, "tmp/full", "BUSY", "tmp/."],
    [rename, "tmp/..", "BUSY", "tmp/new"],
    [rename, "tmp", "ROFS", "tmp2"],
    [rename, "tmp/file", "ROFS", "app/file"],
    [rename, "tmp/file", "ROFS", "app/main.py"],
    [rename, "app/main.py", "ROFS", "tmp/main.py"],
    ["path_readlink", "tmp/file", "INVAL"],
    ["path_readlink", "tmp/none", "NOENT"],
  ];
  for (const [call, path, expected, to] of rows) {
    const guest = furnished();
    const more = to === undefined ? [] : [3, ...guest.path(to)];
    const args = call === "path_readlink" ? [0, 0, 0] : more;
    if (to !== undefined) {
      // `path` has to be in the other place of memory than `to`.
      assert.equal(guest.call(call, 3, ...guest.path(path), ...more), expected, `${path} to ${to}`);
    } else assert.equal(guest.call(call, 3, ...guest.path(path), ...args), expected, `${call} ${path}`);
    assert.deepEqual(guest.doomed, []);
  }
});

test("a moved directory takes what is in it along, and knows where it is", () => {
  const guest = furnished();
  const inside = guest.mustOpen("tmp/full", DIRECTORY);
  assert.equal(
    guest.call("path_rename", 3, ...guest.path("tmp/full"), 3, ...guest.path("tmp/empty")),
    "SUCCESS",
  );
  assert.equal(guest.stat("tmp/full"), "NOENT");
  assert.notEqual(typeof guest.stat("tmp/empty/inner"), "string");
  assert.equal(guest.open("../file", 0, READ, 0, inside), 5);
  guest.call("path_create_directory", 3, ...guest.path("tmp/deep"));
  assert.equal(
    guest.call("path_rename", 3, ...guest.path("tmp/empty"), 3, ...guest.path("tmp/deep/empty")),
    "SUCCESS",
  );
  assert.equal(guest.open("../file", 0, READ, 0, inside), "NOENT");
  assert.equal(guest.open("../../file", 0, READ, 0, inside), 6);
});

test("a removed directory that is still open is empty, and nothing can be made in it", () => {
  const guest = furnished();
  const fd = guest.mustOpen("tmp/empty", DIRECTORY);
  assert.equal(guest.call("path_remove_directory", 3, ...guest.path("tmp/empty")), "SUCCESS");
  assert.deepEqual(guest.readdir(fd).names, [".", ".."]);
  assert.equal(guest.open("new", CREAT, ALL, 0, fd), "NOENT");
  assert.equal(guest.open("..", 0, READ, 0, fd), "NOENT");
  assert.equal(guest.call("path_create_directory", fd, ...guest.path("new")), "NOENT");
});

test("there are no links", () => {
  const guest = furnished();
  const link = (from: number, to: number): string =>
    guest.call("path_link", from, 0, ...guest.path("tmp/file"), to, ...guest.path("tmp/link"));
  assert.equal(link(3, 3), "PERM");
  assert.equal(link(99, 3), "BADF");
  assert.equal(link(3, 1), "NOTDIR");
  const symlink = (fd: number): string =>
    guest.call("path_symlink", ...guest.path("tmp/file"), fd, ...guest.path("tmp/link"));
  assert.equal(symlink(3), "PERM");
  assert.equal(symlink(99), "BADF");
});

test("times are set where something can be changed", () => {
  const guest = furnished();
  const set = (path: string, flags: number): string =>
    guest.call("path_filestat_set_times", 3, 1, ...guest.path(path), 11n, 22n, flags);
  assert.equal(set("tmp/file", 1 | 4), "SUCCESS");
  const changed = guest.stat("tmp/file");
  assert.ok(typeof changed !== "string");
  assert.deepEqual([changed.accessed, changed.modified], [11n, 22n]);
  guest.now += 5n;
  assert.equal(set("tmp/file", 2 | 8), "SUCCESS");
  const now = guest.stat("tmp/file");
  assert.ok(typeof now !== "string");
  assert.deepEqual([now.accessed, now.modified], [guest.now, guest.now]);
  assert.equal(set("tmp/file", 1 | 2), "INVAL");
  assert.equal(set("tmp/file", 4 | 8), "INVAL");
  assert.equal(set("tmp/file", 16), "INVAL");
  assert.equal(set("app/main.py", 1), "ROFS");
  assert.equal(set("dev/null", 1), "ROFS");
  assert.equal(set("tmp/none", 1), "NOENT");
});

test("lists go on where they stopped, whatever the room", () => {
  const guest = furnished();
  const names = Array.from({ length: 200 }, (_, i) => `file${i}`);
  for (const name of names) guest.put(`tmp/full/${name}`);
  for (const room of [40, 100, 1000, 100_000])
    assert.deepEqual(guest.list("tmp/full", room), [".", "..", "inner", ...names]);
  assert.deepEqual(guest.list("app"), [".", "..", "main.py", "pkg"]);
  assert.deepEqual(guest.list(".").sort(), [".", "..", "app", "dev", "site-packages", "tmp", "usr"]);
});

test("entries that are removed or moved while a list goes on hide no others", () => {
  const guest = furnished();
  const names = Array.from({ length: 100 }, (_, i) => `file${i}`);
  for (const name of names) guest.put(`tmp/empty/${name}`);
  const fd = guest.mustOpen("tmp/empty", DIRECTORY);
  const seen: string[] = [];
  for (let cookie = 0n; ; ) {
    const { names: some, cookie: next } = guest.readdir(fd, cookie, 200);
    if (some.length === 0) break;
    for (const name of some.filter((each) => !each.startsWith("."))) {
      seen.push(name);
      guest.call("path_unlink_file", 3, ...guest.path(`tmp/empty/${name}`));
    }
    cookie = next;
  }
  assert.deepEqual(seen, names);
  assert.deepEqual(guest.list("tmp/empty"), [".", ".."]);
});

test("cookies from anywhere are harmless", () => {
  const guest = furnished();
  const fd = guest.mustOpen("tmp/full", DIRECTORY);
  for (const cookie of [3n, 4n, 2n ** 53n, 2n ** 63n - 1n, -1n, -(2n ** 63n)])
    assert.deepEqual(guest.readdir(fd, cookie).names, []);
  assert.equal(guest.call("fd_readdir", 1, 0, 100, 0n, 0), "NOTDIR");
  assert.equal(guest.call("fd_readdir", 99, 0, 100, 0n, 0), "BADF");
});
