import assert from "node:assert/strict";
import { test } from "node:test";
import { isProgramPath, type ProgramFiles, packFiles, readFiles } from "./files.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const program = (...paths: string[]): ProgramFiles => ({
  entry: paths[0] as string,
  variant: "core",
  files: paths.map((path) => ({ path, bytes: bytes(path) })),
});

test("what is packed is read back, sorted, and the same for every order", () => {
  const some = program("/app/main.py", "/site-packages/x/__init__.py", "/app/data/ü.txt");
  const packed = packFiles(some);
  const read = readFiles(packed);
  assert.equal(read.entry, "/app/main.py");
  assert.equal(read.variant, "core");
  assert.deepEqual(
    read.files.map(({ path }) => path),
    ["/app/data/ü.txt", "/app/main.py", "/site-packages/x/__init__.py"],
  );
  for (const file of read.files) assert.deepEqual(new Uint8Array(file.bytes), bytes(file.path));
  assert.deepEqual(packFiles({ ...some, files: some.files.toReversed() }), packed);
  assert.deepEqual(packFiles(read), packed);
});

test("a view in the middle of a buffer is read like any other", () => {
  const packed = packFiles(program("/app/a.py"));
  const larger = new Uint8Array(packed.length + 14);
  larger.set(packed, 7);
  assert.equal(readFiles(larger.subarray(7, 7 + packed.length)).entry, "/app/a.py");
});

test("paths outside the program's folders, or not canonical, are none", () => {
  for (const good of ["/app/a", "/app/a/b.py", "/site-packages/ü", `/app/${"a".repeat(255)}`])
    assert.ok(isProgramPath(good), good);
  const bad = [
    ...[
      "",
      "/",
      "/app",
      "/app/",
      "app/a",
      "/tmp/a",
      "/usr/local/lib/python315.zip",
      "/apple/a",
      "/app/../tmp/a",
    ],
    ...["/app//a", "/app/./a", "/app/a/", "/app/a\0b", "/app/\ud800", `/app/${"a".repeat(256)}`],
    ...[`/app/${"ü".repeat(128)}`, `/app${"/abc".repeat(1100)}`],
  ];
  for (const path of bad) assert.ok(!isProgramPath(path), path);
});

test("a program that could not be read is not packed", () => {
  assert.throws(() => packFiles(program("/etc/passwd")), /not a path/);
  assert.throws(() => packFiles(program("/app/a", "/app/a")), /out of order/);
  assert.throws(() => packFiles(program("/app/a", "/app/a/b")), /both a file and a folder/);
  assert.throws(() => packFiles({ ...program("/app/a"), entry: "/app/b" }), /entry/);
  assert.throws(() => packFiles({ ...program("/app/a"), variant: "odd" as "core" }), /variant/);
});

test("damaged bytes are refused, whatever is damaged", () => {
  const packed = packFiles(program("/app/a.py", "/app/b.py"));
  for (let length = 0; length < packed.length; length++)
    assert.throws(() => readFiles(packed.subarray(0, length)), TypeError);
  assert.throws(() => readFiles(new Uint8Array([...packed, 0])), /add up/);
  const heads = [
    "null",
    "[]",
    "{",
    '{"entry":"/app/a","variant":"core","files":[["/app/a",1.5]]}',
    '{"entry":"/app/a","variant":"core","files":[["/app/a",-1]]}',
    '{"entry":"/app/a","variant":"core","files":[["/app/a",9007199254740991],["/app/b",9007199254740991]]}',
    '{"entry":"/app/a","variant":"core","files":[["/app/a"]]}',
    '{"entry":"/app/a","variant":"core","files":["/app/a"]}',
    '{"entry":"/app/b","variant":"core","files":[["/app/b",0],["/app/a",0]]}',
    '{"entry":"__proto__","variant":"core","files":[]}',
  ];
  for (const head of heads) {
    const whole = new Uint8Array(4 + head.length);
    new DataView(whole.buffer).setUint32(0, head.length, true);
    whole.set(bytes(head), 4);
    assert.throws(() => readFiles(whole), TypeError, head);
  }
});
