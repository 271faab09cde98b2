import assert from "node:assert/strict";
import { test } from "node:test";
import { MOST_DESCRIPTORS } from "./descriptors.ts";
import { ALL, APPEND, AT, CREAT, DIRECTORY, programOf, READ, TestGuest, TRUNC } from "./testing/guest.ts";

const RDWR = CREAT;

test("files are written, read, moved about in and appended to", () => {
  const guest = new TestGuest();
  const fd = guest.mustOpen("tmp/a", RDWR, ALL);
  assert.equal(guest.write(fd, "hello"), 5);
  assert.equal(guest.read(fd), "");
  assert.equal(guest.seek(fd, 1n, 0), 1n);
  assert.equal(guest.read(fd, 2), "el");
  assert.equal(guest.seek(fd, -1n, 1), 2n);
  assert.equal(guest.seek(fd, -2n, 2), 3n);
  assert.equal(guest.read(fd), "lo");
  assert.equal(guest.pread(fd, 1n, 3), "ell");
  assert.equal(guest.pwrite(fd, "E", 1n), 1);
  assert.equal(guest.call("fd_tell", fd, AT.out), "SUCCESS");
  assert.equal(guest.view.getBigUint64(AT.out, true), 5n);
  const appended = guest.mustOpen("tmp/a", 0, ALL, APPEND);
  assert.equal(guest.write(appended, "!"), 1);
  assert.equal(guest.pread(fd, 0n), "hEllo!");
  assert.equal(guest.call("fd_fdstat_set_flags", appended, 0), "SUCCESS");
  guest.seek(appended, 0n, 0);
  guest.write(appended, "H");
  assert.equal(guest.pread(fd, 0n), "HEllo!");
  guest.mustOpen("tmp/a", TRUNC, ALL);
  assert.equal(guest.pread(fd, 0n), "");
});

test("what was cut off comes back as zeros", () => {
  const guest = new TestGuest();
  const fd = guest.mustOpen("tmp/a", RDWR, ALL);
  guest.write(fd, "secret");
  assert.equal(guest.call("fd_filestat_set_size", fd, 2n), "SUCCESS");
  assert.equal(guest.call("fd_filestat_set_size", fd, 4n), "SUCCESS");
  assert.equal(guest.pread(fd, 0n), "se\0\0");
  assert.equal(guest.pwrite(fd, "x", 7n), 1);
  assert.equal(guest.pread(fd, 0n), "se\0\0\0\0\0x");
  assert.equal(guest.call("fd_filestat_set_size", fd, 100_000n), "SUCCESS");
  assert.equal(guest.call("fd_filestat_set_size", fd, 1n), "SUCCESS");
  assert.equal(guest.call("fd_allocate", fd, 0n, 3n), "SUCCESS");
  assert.equal(guest.call("fd_allocate", fd, 0n, 2n), "SUCCESS");
  assert.equal(guest.pread(fd, 0n), "s\0\0");
});

test("scattered buffers are filled in turn, and gathered in turn", () => {
  const guest = new TestGuest();
  const fd = guest.mustOpen("tmp/a", RDWR, ALL);
  guest.bytes.set([1, 2, 3, 4, 5, 6], AT.data);
  const gathered = guest.buffers([AT.data, 2], [AT.data, 0], [AT.data + 4, 2]);
  assert.equal(guest.call("fd_write", fd, ...gathered, AT.out), "SUCCESS");
  assert.equal(guest.view.getUint32(AT.out, true), 4);
  guest.bytes.fill(0, AT.data, AT.data + 100);
  const scattered = guest.buffers([AT.data, 1], [AT.data + 10, 2], [AT.data + 20, 50], [AT.data + 80, 5]);
  assert.equal(guest.call("fd_pread", fd, ...scattered, 0n, AT.out), "SUCCESS");
  assert.equal(guest.view.getUint32(AT.out, true), 4);
  assert.deepEqual([...guest.bytes.subarray(AT.data, AT.data + 21)].filter(Boolean), [1, 2, 5, 6]);
  assert.equal(guest.bytes[AT.data + 20], 6);
});

test("what a descriptor is not for is refused, each with its error", () => {
  const guest = new TestGuest({ program: programOf({ "/app/main.py": "x = 1" }) });
  guest.put("tmp/file", "text");
  const folder = guest.mustOpen("tmp", DIRECTORY);
  const reading = guest.mustOpen("tmp/file", 0, READ);
  const writing = guest.mustOpen("tmp/file", 0, ALL & ~(1n << 1n));
  const fixed = guest.mustOpen("app/main.py", 0, READ);
  const device = guest.mustOpen("dev/null", 0, ALL);
  const buffers = [AT.buffers, 0] as const;
  const rows: readonly (readonly [call: string, args: readonly (number | bigint)[], expected: string])[] = [
    ["fd_read", [99, ...buffers, AT.out], "BADF"],
    ["fd_read", [-1, ...buffers, AT.out], "BADF"],
    ["fd_read", [1, ...buffers, AT.out], "BADF"],
    ["fd_read", [folder, ...buffers, AT.out], "ISDIR"],
    ["fd_read", [writing, ...buffers, AT.out], "BADF"],
    ["fd_read", [0, ...buffers, AT.out], "SUCCESS"],
    ["fd_pread", [0, ...buffers, 0n, AT.out], "SPIPE"],
    ["fd_pread", [reading, ...buffers, -1n, AT.out], "INVAL"],
    ["fd_pread", [reading, ...buffers, 2n ** 53n, AT.out], "INVAL"],
    ["fd_write", [0, ...buffers, AT.out], "BADF"],
    ["fd_write", [reading, ...buffers, AT.out], "BADF"],
    ["fd_write", [folder, ...buffers, AT.out], "BADF"],
    ["fd_write", [99, ...buffers, AT.out], "BADF"],
    ["fd_pwrite", [1, ...buffers, 0n, AT.out], "SPIPE"],
    ["fd_pwrite", [writing, ...buffers, -1n, AT.out], "INVAL"],
    ["fd_seek", [0, 0n, 0, AT.out], "SPIPE"],
    ["fd_seek", [1, 0n, 0, AT.out], "SPIPE"],
    ["fd_seek", [folder, 0n, 0, AT.out], "BADF"],
    ["fd_seek", [99, 0n, 0, AT.out], "BADF"],
    ["fd_seek", [reading, 0n, 3, AT.out], "INVAL"],
    ["fd_seek", [reading, -1n, 0, AT.out], "INVAL"],
    ["fd_seek", [reading, 2n ** 63n - 1n, 2, AT.out], "INVAL"],
    ["fd_seek", [device, 5n, 0, AT.out], "SUCCESS"],
    ["fd_tell", [1, AT.out], "SPIPE"],
    ["fd_advise", [reading, 0n, 0n, 5], "SUCCESS"],
    ["fd_advise", [reading, 0n, 0n, 6], "INVAL"],
    ["fd_advise", [folder, 0n, 0n, 0], "BADF"],
    ["fd_allocate", [writing, 0n, 0n], "INVAL"],
    ["fd_allocate", [writing, -1n, 1n], "INVAL"],
    ["fd_allocate", [writing, 2n ** 63n - 1n, 1n], "FBIG"],
    ["fd_allocate", [writing, 0n, 2n ** 53n - 1n], "NOSPC"],
    ["fd_allocate", [reading, 0n, 1n], "BADF"],
    ["fd_allocate", [device, 0n, 1n], "INVAL"],
    ["fd_filestat_set_size", [reading, 0n], "INVAL"],
    ["fd_filestat_set_size", [writing, -1n], "INVAL"],
    ["fd_filestat_set_size", [writing, 2n ** 53n], "FBIG"],
    ["fd_filestat_set_size", [writing, 2n ** 40n], "NOSPC"],
    ["fd_filestat_set_size", [device, 0n], "INVAL"],
    ["fd_filestat_set_size", [folder, 0n], "INVAL"],
    ["fd_filestat_set_times", [1, 0n, 0n, 0], "NOTCAPABLE"],
    ["fd_filestat_get", [99, AT.out], "BADF"],
    ["fd_fdstat_get", [99, AT.out], "BADF"],
    ["fd_fdstat_set_flags", [reading, 32], "INVAL"],
    ["fd_fdstat_set_flags", [99, 0], "BADF"],
    ["fd_prestat_get", [0, AT.out], "BADF"],
    ["fd_prestat_get", [4, AT.out], "BADF"],
    ["fd_prestat_get", [99, AT.out], "BADF"],
    ["fd_prestat_dir_name", [3, AT.out, 0], "NAMETOOLONG"],
    ["fd_prestat_dir_name", [folder, AT.out, 9], "BADF"],
    ["fd_sync", [99], "BADF"],
    ["fd_sync", [folder], "SUCCESS"],
    ["fd_datasync", [folder], "SUCCESS"],
    ["fd_datasync", [1], "SUCCESS"],
    ["fd_close", [99], "BADF"],
    ["fd_close", [3], "NOTSUP"],
    ["fd_renumber", [3, folder], "NOTSUP"],
    ["fd_renumber", [folder, 3], "NOTSUP"],
    ["fd_renumber", [folder, 99], "BADF"],
    ["fd_renumber", [99, folder], "BADF"],
    ["path_open", [reading, 1, 0, 1, 0, 0n, 0n, 0, AT.out], "NOTDIR"],
    ["path_open", [99, 1, 0, 1, 0, 0n, 0n, 0, AT.out], "BADF"],
    ["path_open", [3, 2, 0, 1, 0, 0n, 0n, 0, AT.out], "INVAL"],
    ["path_open", [3, 1, 0, 1, 0, 0n, 0n, 32, AT.out], "INVAL"],
    ["sock_recv", [0, 0, 0, 0, AT.out, AT.out], "NOTSOCK"],
    ["sock_send", [99, 0, 0, 0, AT.out], "BADF"],
    ["sock_accept", [fixed, 0, AT.out], "NOTSOCK"],
    ["sock_shutdown", [1, 3], "NOTSOCK"],
    ["proc_raise", [9], "NOSYS"],
    ["clock_time_get", [4, 0n, AT.out], "INVAL"],
    ["clock_res_get", [-1, AT.out], "INVAL"],
    ["random_get", [AT.data, 1024 * 1024 + 1], "INVAL"],
    ["sched_yield", [], "SUCCESS"],
  ];
  for (const [call, args, expected] of rows)
    assert.equal(guest.call(call, ...args), expected, `${call}(${args})`);
  assert.deepEqual(guest.doomed, []);
});

test("a deleted file lives while it is open, and its room comes back after", () => {
  const guest = new TestGuest({ scratch: { bytes: 10, nodes: 2 } });
  const fd = guest.mustOpen("tmp/a", RDWR, ALL);
  assert.equal(guest.write(fd, "0123456789"), 10);
  assert.equal(guest.call("path_unlink_file", 3, ...guest.path("tmp/a")), "SUCCESS");
  assert.equal(guest.pread(fd, 8n), "89");
  const gone = guest.fstat(fd);
  assert.ok(typeof gone !== "string");
  assert.equal(gone.links, 0n);
  guest.put("tmp/b");
  const other = guest.mustOpen("tmp/b", 0, ALL);
  assert.equal(guest.write(other, "x"), "NOSPC");
  assert.equal(guest.open("tmp/c", RDWR, ALL), "NOSPC");
  guest.call("fd_close", fd);
  assert.equal(guest.write(other, "0123456789"), 10);
  assert.notEqual(typeof guest.open("tmp/c", RDWR, ALL), "string");
});

test("what is replaced by a move gives its room back", () => {
  const guest = new TestGuest({ scratch: { bytes: 10, nodes: 3 } });
  guest.put("tmp/a", "01234");
  guest.put("tmp/b", "56789");
  assert.equal(guest.call("path_rename", 3, ...guest.path("tmp/a"), 3, ...guest.path("tmp/b")), "SUCCESS");
  guest.put("tmp/c", "xxxxx");
  const fd = guest.mustOpen("tmp/c", 0, READ);
  assert.equal(guest.read(fd), "xxxxx");
});

test("a write takes what there is room for", () => {
  const guest = new TestGuest({ scratch: { bytes: 8, nodes: 3 } });
  const fd = guest.mustOpen("tmp/a", RDWR, ALL);
  assert.equal(guest.write(fd, "0123456789"), 8);
  assert.equal(guest.write(fd, "x"), "NOSPC");
  assert.equal(guest.pwrite(fd, "abc", 6n), 2);
  assert.equal(guest.pread(fd, 0n), "012345ab");
  assert.equal(guest.pwrite(fd, "x", 2n ** 53n - 2n), "NOSPC");
  assert.equal(guest.pwrite(fd, "xx", 2n ** 53n - 2n), "FBIG");
  const gathered = guest.buffers([AT.data, 6], [AT.data, 6]);
  assert.equal(guest.call("fd_pwrite", fd, ...gathered, 0n, AT.out), "SUCCESS");
  assert.equal(guest.view.getUint32(AT.out, true), 8);
});

test("numbers are given lowest first, and there are only so many", () => {
  const guest = new TestGuest();
  guest.put("tmp/a");
  const opened = Array.from({ length: MOST_DESCRIPTORS - 4 }, () => guest.mustOpen("tmp/a"));
  assert.deepEqual(opened.slice(0, 3), [4, 5, 6]);
  assert.equal(guest.open("tmp/a"), "MFILE");
  assert.equal(guest.open("tmp/new", CREAT, ALL), "MFILE");
  assert.equal(guest.stat("tmp/new"), "NOENT");
  guest.call("fd_close", 500);
  guest.call("fd_close", 7);
  guest.call("fd_close", 0);
  assert.equal(guest.open("tmp/a"), 7);
  assert.equal(guest.open("tmp/a"), 500);
  assert.equal(guest.open("tmp/a"), "MFILE");
});

test("a descriptor is moved over another", () => {
  const guest = new TestGuest();
  guest.put("tmp/a", "a");
  guest.put("tmp/b", "b");
  const [a, b] = [guest.mustOpen("tmp/a"), guest.mustOpen("tmp/b")];
  assert.equal(guest.call("fd_renumber", a, b), "SUCCESS");
  assert.equal(guest.read(b), "a");
  assert.equal(guest.read(a), "BADF");
  assert.equal(guest.call("fd_renumber", b, b), "SUCCESS");
  assert.equal(guest.open("tmp/b"), a);
});

test("rights can be given up and not taken", () => {
  const guest = new TestGuest();
  const fd = guest.mustOpen("tmp/a", RDWR, ALL);
  assert.equal(guest.call("fd_fdstat_set_rights", fd, -1n, 0n), "NOTCAPABLE");
  assert.equal(guest.call("fd_fdstat_set_rights", fd, 1n << 1n, 0n), "SUCCESS");
  assert.equal(guest.write(fd, "x"), "BADF");
  assert.equal(guest.seek(fd, 0n, 0), "NOTCAPABLE");
  assert.equal(guest.call("fd_sync", fd), "NOTCAPABLE");
  assert.equal(guest.call("fd_fdstat_set_rights", fd, 1n << 6n, 0n), "NOTCAPABLE");
  const folder = guest.mustOpen("tmp", DIRECTORY);
  assert.equal(guest.call("fd_fdstat_set_rights", folder, 1n << 13n, 0n), "SUCCESS");
  assert.equal(guest.open("a", 0, 0n, 0, folder), "NOTCAPABLE");
  assert.equal(guest.call("path_filestat_get", folder, 1, ...guest.path("a"), AT.out), "NOTCAPABLE");
});

test("standard streams print, are no terminals, and end", () => {
  const guest = new TestGuest();
  assert.equal(guest.write(1, "out"), 3);
  assert.equal(guest.write(2, "err"), 3);
  assert.deepEqual(guest.printed, [
    [1, "out"],
    [2, "err"],
  ]);
  for (const fd of [0, 1, 2]) {
    assert.equal(guest.call("fd_fdstat_get", fd, AT.out), "SUCCESS");
    assert.equal(guest.view.getUint8(AT.out), 2);
    assert.notEqual(guest.view.getBigUint64(AT.out + 8, true) & ((1n << 2n) | (1n << 5n)), 0n);
    const stat = guest.fstat(fd);
    assert.ok(typeof stat !== "string");
    assert.equal(stat.type, 2);
  }
  assert.equal(guest.read(0), "");
  guest.bytes.fill(65, AT.data, AT.size);
  const gathered = guest.buffers(...Array.from({ length: 1024 }, () => [AT.data, 1_500_000] as const));
  assert.equal(guest.call("fd_write", 1, ...gathered, AT.out), "SUCCESS");
  assert.equal(guest.view.getUint32(AT.out, true), 1024 * 1024);
  assert.equal(guest.printed.at(-1)?.[1].length, 1024 * 1024);
});

test("devices are what they are called", () => {
  const guest = new TestGuest();
  const [empty, random] = [guest.mustOpen("dev/null", 0, ALL), guest.mustOpen("dev/urandom", 0, ALL)];
  assert.equal(guest.read(empty), "");
  assert.equal(guest.write(empty, "gone"), 4);
  assert.equal(guest.pwrite(empty, "gone", 9n), 4);
  assert.equal(guest.read(random, 3), "\x07\x07\x07");
  assert.equal(guest.pread(random, 99n, 2), "\x07\x07");
  const most = guest.buffers(...Array.from({ length: 1024 }, () => [0, AT.size] as const));
  assert.equal(guest.call("fd_write", empty, ...most, AT.out), "SUCCESS");
  assert.equal(guest.view.getUint32(AT.out, true), 0x7fff_ffff);
  const stat = guest.stat("dev/random");
  assert.ok(typeof stat !== "string");
  assert.deepEqual([stat.type, stat.size], [2, 0n]);
});

test("the start of a process finds what it asks for", () => {
  const guest = new TestGuest();
  const two = (name: string): [number, number] => {
    assert.equal(guest.call(name, AT.out, AT.out + 4), "SUCCESS");
    return [guest.view.getUint32(AT.out, true), guest.view.getUint32(AT.out + 4, true)];
  };
  assert.deepEqual(two("args_sizes_get"), [1, 7]);
  assert.equal(guest.call("args_get", AT.out, AT.data), "SUCCESS");
  assert.equal(guest.view.getUint32(AT.out, true), AT.data);
  assert.equal(Buffer.from(guest.bytes.subarray(AT.data, AT.data + 7)).toString(), "python\0");
  const [count, size] = two("environ_sizes_get");
  assert.equal(guest.call("environ_get", AT.out, AT.data), "SUCCESS");
  const text = Buffer.from(guest.bytes.subarray(AT.data, AT.data + size)).toString();
  assert.equal(text.split("\0").length - 1, count);
  assert.match(text, /\0TMPDIR=\/tmp\0/);
  assert.equal(guest.call("fd_prestat_get", 3, AT.out), "SUCCESS");
  assert.equal(guest.view.getUint32(AT.out + 4, true), 1);
  assert.equal(guest.call("fd_prestat_dir_name", 3, AT.out, 1), "SUCCESS");
  assert.equal(guest.bytes[AT.out], 0x2f);
  for (const clock of [0, 1, 2, 3]) {
    assert.equal(guest.call("clock_time_get", clock, 0n, AT.out), "SUCCESS");
    assert.equal(guest.view.getBigUint64(AT.out, true), guest.now);
    assert.equal(guest.call("clock_res_get", clock, AT.out), "SUCCESS");
  }
  guest.call("proc_exit", -3);
  assert.deepEqual(guest.exits, [0xffff_fffd]);
});
