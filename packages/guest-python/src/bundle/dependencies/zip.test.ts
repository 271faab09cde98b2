import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readZip, writeZip, ZipError } from "./zip.ts";

const FILES = [
  ["a.py", "x = 1\n"],
  ["pkg/ünï.txt", "ä".repeat(1000)],
  ["empty", ""],
] as const;

test("what is written is read", () => {
  const entries = readZip(writeZip(FILES));
  assert.deepEqual(
    entries.map((entry) => [entry.name, Buffer.from(entry.read()).toString()]),
    FILES.map((file) => [...file]),
  );
});

test("Python reads what is written, and the reverse", () => {
  const folder = mkdtempSync(join(tmpdir(), "capsule-zip-"));
  try {
    const ours = join(folder, "ours.zip");
    const theirs = join(folder, "theirs.zip");
    writeFileSync(ours, writeZip(FILES));
    const script = `import sys, zipfile
a = zipfile.ZipFile(sys.argv[1])
assert a.testzip() is None
with zipfile.ZipFile(sys.argv[2], "w", zipfile.ZIP_DEFLATED) as b:
    b.mkdir("folder") if hasattr(b, "mkdir") else None
    for name in a.namelist():
        b.writestr(name, a.read(name))
`;
    execFileSync("python3", ["-c", script, ours, theirs]);
    const entries = readZip(readFileSync(theirs));
    assert.deepEqual(
      entries.map((entry) => [entry.name, Buffer.from(entry.read()).toString()]),
      FILES.map((file) => [...file]),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("broken archives are refused, and nothing else happens", () => {
  const whole = Buffer.from(writeZip(FILES));
  for (let at = 0; at < whole.length; at++)
    for (const value of [0, 0xff]) {
      const broken = Buffer.from(whole);
      broken[at] = value;
      try {
        for (const entry of readZip(broken)) entry.read();
      } catch (error) {
        assert.ok(error instanceof ZipError, String(error));
      }
    }
  for (let length = 0; length < whole.length; length++)
    assert.throws(() => readZip(whole.subarray(0, length)).map((entry) => entry.read()), ZipError);
});
