import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { crc32, deflateRawSync, inflateRawSync } from "node:zlib";
import { createWasi, engineTree, IMPORTS, WASI_MODULE } from "./index.ts";
import { inMemory } from "./nodes.ts";
import { ALL, AT, CREAT, DIRECTORY, programOf, TestGuest } from "./testing/guest.ts";
import { traced } from "./testing/strace.ts";
import { zipContent, zipEntries } from "./zip.ts";

test("each attempt begins with a fresh system, and sees its own program only", () => {
  const guest = new TestGuest({ program: programOf({ "/app/one.py": "1", "/site-packages/dep.py": "" }) });
  guest.put("tmp/left", "secret");
  guest.mustOpen("app/one.py");
  guest.call("fd_close", 1);
  assert.deepEqual(guest.wasi.snapshotState(), [
    "files left open",
    "standard streams closed",
    "files written to /tmp",
  ]);
  guest.wasi.reset(programOf({ "/app/two.py": "2" }));
  assert.deepEqual(guest.wasi.snapshotState(), []);
  assert.deepEqual(guest.list("app"), [".", "..", "two.py"]);
  assert.deepEqual(guest.list("tmp"), [".", ".."]);
  assert.equal(guest.stat("site-packages"), "NOENT");
  assert.equal(guest.read(5), "BADF");
  assert.equal(guest.write(1, "x"), 1);
  guest.wasi.reset(null);
  assert.equal(guest.stat("app"), "NOENT");
});

test("a file that came and went leaves nothing a snapshot would lack", () => {
  const guest = new TestGuest();
  guest.put("tmp/a", "x");
  guest.call("path_unlink_file", 3, ...guest.path("tmp/a"));
  assert.deepEqual(guest.wasi.snapshotState(), []);
  guest.call("path_create_directory", 3, ...guest.path("tmp/a"));
  assert.deepEqual(guest.wasi.snapshotState(), ["files written to /tmp"]);
});

test("programs and the library are shared by all who read them, and changed by nobody", () => {
  const program = programOf({ "/app/main.py": "text" });
  const [one, other] = [new TestGuest({ program }), new TestGuest({ program })];
  assert.equal(one.open("app/main.py", CREAT, ALL), "ROFS");
  const stats = [one, other].map((guest) => guest.stat("app/main.py"));
  assert.deepEqual(stats[0], stats[1]);
  const inodes = ["app", "app/main.py", "usr", "usr/local", "dev/null", "tmp", "."].map((path) => {
    const stat = one.stat(path);
    assert.ok(typeof stat !== "string");
    return `${stat.device}:${stat.inode}`;
  });
  assert.equal(new Set(inodes).size, inodes.length);
  one.bytes.fill(0xff, AT.data, AT.data + 10);
  assert.equal(other.read(other.mustOpen("app/main.py")), "text");
});

test("a reset is cheap, however often the program was seen before", () => {
  const files = Array.from({ length: 200 }, (_, i) => [`/app/f${i}.py`, "x"] as const);
  const program = programOf(Object.fromEntries(files));
  const guest = new TestGuest({ program });
  const start = performance.now();
  for (let i = 0; i < 1000; i++) guest.wasi.reset(program);
  assert.ok(performance.now() - start < 200, "less than 200 µs each, with room for slow machines");
});

/** An archive of these files. */
function zipOf(files: Readonly<Record<string, Uint8Array>>, method: 0 | 8): Uint8Array {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const [name, bytes] of Object.entries(files)) {
    const packed = method === 0 ? Buffer.from(bytes) : deflateRawSync(bytes);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(method, 4);
    fields.writeUInt32LE(crc32(bytes), 10);
    fields.writeUInt32LE(packed.length, 14);
    fields.writeUInt32LE(bytes.length, 18);
    fields.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04"), fields, Buffer.from(name), packed]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(at, 10);
    directory.push(Buffer.concat([Buffer.from("PK\x01\x02\x14\0"), fields, tail, Buffer.from(name)]));
    parts.push(local);
    at += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06");
  end.writeUInt16LE(directory.length, 8);
  end.writeUInt16LE(directory.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...parts, central, end]);
}

const inflate = (packed: Uint8Array, size: number): Uint8Array =>
  inflateRawSync(packed, { maxOutputLength: Math.max(1, size) });

test("archives are read by their directory", () => {
  const files = { "a/b.txt": Buffer.from("hello".repeat(100)), empty: Buffer.alloc(0) };
  for (const method of [0, 8] as const) {
    const archive = inMemory(zipOf(files, method));
    const entries = zipEntries(archive);
    assert.deepEqual(
      entries.map(({ name, size }) => [name, size]),
      [
        ["a/b.txt", 500],
        ["empty", 0],
      ],
    );
    for (const entry of entries)
      assert.deepEqual(
        Buffer.from(zipContent(archive, entry, inflate)),
        files[entry.name as keyof typeof files],
      );
  }
});

test("damaged archives are refused", () => {
  const archive = zipOf({ a: Buffer.from("hello hello hello") }, 8);
  for (let length = 0; length < archive.length; length++)
    assert.throws(() => zipEntries(inMemory(archive.subarray(0, length))), TypeError);
  for (let at = 0; at < archive.length; at++) {
    const damaged = archive.slice();
    damaged[at] = (damaged[at] as number) ^ 0xff;
    try {
      for (const entry of zipEntries(inMemory(damaged))) zipContent(inMemory(damaged), entry, inflate);
    } catch (cause) {
      assert.ok(cause instanceof Error);
    }
  }
});

/** A library with matplotlib's data in it, and how often it was read. */
function library(): { size: number; read(position: number, into: Uint8Array): number; reads: number } {
  const inner = zipOf({ matplotlibrc: Buffer.from("rc"), "fonts/a.ttf": Buffer.from("font") }, 0);
  const bytes = inMemory(
    zipOf({ "json/__init__.pyc": Buffer.from("x"), "matplotlib/mpl-data.zip": inner }, 8),
  );
  return {
    size: bytes.size,
    reads: 0,
    read(position, into) {
      this.reads++;
      return bytes.read(position, into);
    },
  };
}

test("a package's data in the library is a folder, made when it is first wanted, and leads nowhere else", () => {
  const source = library();
  const zip = "usr/local/lib/python315.zip";
  const memory = new WebAssembly.Memory({ initial: 32 });
  const never = (): never => assert.fail();
  const host = {
    clock: () => 1n,
    random: never,
    output: never,
    sleep: never,
    exit: never,
    charge() {},
    doom: never,
  };
  const wasi = createWasi({ engine: engineTree(source, inflate), host });
  const guest = new TestGuest();
  Object.assign(guest, { imports: wasi.imports(() => guest.memory, "plain") });
  assert.equal(guest.stat(`${zip}/matplotlib`), "NOTDIR");
  assert.equal(guest.stat(`${zip}/json`), "NOTDIR");
  assert.notEqual(typeof guest.stat(`${zip}/matplotlib/mpl-data`), "string");
  assert.equal(source.reads, 0);
  assert.deepEqual(guest.list(`${zip}/matplotlib/mpl-data`), [".", "..", "matplotlibrc", "fonts"]);
  assert.ok(source.reads > 0);
  assert.equal(guest.read(guest.mustOpen(`${zip}/matplotlib/mpl-data/fonts/../fonts/a.ttf`)), "font");
  assert.equal(guest.open(`${zip}/matplotlib/mpl-data/new`, CREAT, ALL), "ROFS");
  assert.equal(guest.open(`${zip}/matplotlib`, DIRECTORY), "NOTDIR");
  assert.equal(guest.open(zip, DIRECTORY), "NOTDIR");
  assert.equal(memory.buffer.byteLength, 32 * 65_536);
});

test("calls can be traced", () => {
  const lines: string[] = [];
  const guest = new TestGuest();
  Object.assign(guest, { imports: traced(guest.imports, (line) => lines.push(line)) });
  guest.call("fd_close", 99);
  guest.call("clock_res_get", 0, 64);
  assert.deepEqual(lines, ["fd_close(99) = BADF", "clock_res_get(0, 64) = SUCCESS"]);
});

/** What the pinned `python.wasm` imports of WASI. */
const PINNED = [
  ...["args_get", "args_sizes_get", "environ_get", "environ_sizes_get", "clock_res_get", "clock_time_get"],
  ...["fd_advise", "fd_close", "fd_datasync", "fd_fdstat_get", "fd_fdstat_set_flags", "fd_filestat_get"],
  ...["fd_filestat_set_size", "fd_filestat_set_times", "fd_pread", "fd_prestat_get", "fd_prestat_dir_name"],
  ...["fd_pwrite", "fd_read", "fd_readdir", "fd_seek", "fd_sync", "fd_tell", "fd_write"],
  ...["path_create_directory", "path_filestat_get", "path_filestat_set_times", "path_link", "path_open"],
  ...["path_readlink", "path_remove_directory", "path_rename", "path_symlink", "path_unlink_file"],
  ...["poll_oneoff", "proc_exit", "sched_yield", "random_get"],
  ...["sock_accept", "sock_recv", "sock_send", "sock_shutdown"],
];

test("the table knows every import of the pinned engine", () => {
  const unknown = PINNED.filter((name) => !Object.hasOwn(IMPORTS, `${WASI_MODULE}.${name}`));
  assert.deepEqual(unknown, []);
});

/** `python.wasm` or a rewritten engine, by a path in the environment: also of another release than the pinned one. */
const ENGINE = process.env.CAPSULE_TEST_PYTHON_WASM;

test("the table knows every import of the engine at hand", { skip: ENGINE === undefined }, () => {
  const module = new WebAssembly.Module(readFileSync(ENGINE as string));
  const imports = WebAssembly.Module.imports(module).map(({ module: from, name }) => `${from}.${name}`);
  assert.deepEqual(
    imports.filter((name) => !Object.hasOwn(IMPORTS, name)),
    [],
  );
  assert.deepEqual(imports.sort(), ["host.call", ...PINNED.map((name) => `${WASI_MODULE}.${name}`)].sort());
});

test("the table is what there is", () => {
  const names = Object.keys(new TestGuest().imports).map((name) => `${WASI_MODULE}.${name}`);
  assert.deepEqual(["host.call", ...names], Object.keys(IMPORTS));
});
