import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { LIMITS, UsageError } from "@capsule-run/protocol";
import { makePlace, removeAbandoned } from "./place.ts";
import { scan, written } from "./scan.ts";
import { exportWritten, targetOf } from "./take-out.ts";
import { workspaceAt } from "./workspace.ts";

const host = realpathSync(mkdtempSync(join(tmpdir(), "capsule-workspace-test-")));
const place = await makePlace(1024 ** 3);
const workspace = workspaceAt(place);
after(async () => {
  rmSync(host, { recursive: true, force: true });
  await place.remove();
  assert.ok(!existsSync(place.root));
});

const refused = (work: Promise<unknown>, expected: RegExp): Promise<void> =>
  assert.rejects(work, (error: unknown) => {
    assert.ok(error instanceof UsageError && error.slug === "workspace", String(error));
    assert.match(error.message, expected);
    // Names are the caller's, never those of the folder behind them.
    assert.ok(!error.message.includes(place.root), error.message);
    return true;
  });

test("files are written, read, listed and deleted", async () => {
  assert.deepEqual(await workspace.writeFile("a/b/c.txt", "héllo"), { path: "a/b/c.txt", size: 6 });
  await workspace.writeFile("./z.bin", new Uint8Array([0, 255]));
  assert.equal(Buffer.from(await workspace.readFile("a/b/../b/c.txt")).toString(), "héllo");
  assert.deepEqual(await workspace.listFiles(), [
    { path: "a/b/c.txt", size: 6 },
    { path: "z.bin", size: 2 },
  ]);
  assert.deepEqual(await workspace.listFiles("a"), [{ path: "a/b/c.txt", size: 6 }]);
  await workspace.writeFile("z.bin", "");
  assert.equal((await workspace.readFile("z.bin")).length, 0);
  await workspace.deleteFile("z.bin");
  await workspace.deleteFile("a");
  assert.deepEqual(await workspace.listFiles(), []);
});

test("files and folders come in and go out; large ones in pieces", async () => {
  const large = Buffer.alloc(9 * 1024 * 1024 + 1, 7);
  mkdirSync(join(host, "in/deep/empty"), { recursive: true });
  writeFileSync(join(host, "in/large"), large);
  writeFileSync(join(host, "in/deep/b"), "b");
  symlinkSync("/etc/passwd", join(host, "in/deep/link"));
  for (const kept of [".env", ".capsule"]) writeFileSync(join(host, "in/deep", kept), "kept");
  const taken = await workspace.importFile(join(host, "in"), "data/got");
  assert.deepEqual(taken, [
    { path: "data/got/deep/b", size: 1 },
    { path: "data/got/large", size: large.length },
  ]);
  assert.deepEqual(await workspace.importFile(join(host, "in/deep/b")), [{ path: "b", size: 1 }]);
  await workspace.exportFile("data/got", join(host, "out"));
  assert.ok(readFileSync(join(host, "out/large")).equals(large));
  assert.ok(existsSync(join(host, "out/deep/empty")));
  await workspace.exportFile("b", join(host, "new/folder/c"));
  await workspace.exportFile("b", host);
  assert.equal(
    readFileSync(join(host, "new/folder/c"), "utf8") + readFileSync(join(host, "b"), "utf8"),
    "bb",
  );
  for (const name of ["data", "b"]) await workspace.deleteFile(name);
  const missing = /there is no workspace\/data/;
  await refused(workspace.readFile("data/b"), missing);
  await refused(workspace.listFiles("data"), missing);
  await refused(workspace.deleteFile("data"), missing);
  await refused(workspace.exportFile("data", host), missing);
});

test("nothing leads out of the workspace", async () => {
  writeFileSync(join(host, "secret"), "secret");
  writeFileSync(join(place.root, "beside"), "beside");
  symlinkSync(join(host, "secret"), join(place.workspace, "file-link"));
  symlinkSync(host, join(place.workspace, "folder-link"));
  symlinkSync("../beside", join(place.workspace, "up"));
  for (const name of [
    "",
    ".",
    "..",
    "../beside",
    "a/../../beside",
    "/etc/passwd",
    "a\0b",
    "\ud800",
    5 as never,
  ])
    for (const work of [
      workspace.readFile(name),
      workspace.writeFile(name, "x"),
      workspace.deleteFile(name),
      workspace.exportFile(name, join(host, "stolen")),
      workspace.importFile(join(host, "secret"), name),
    ])
      await refused(work, /workspace/);
  for (const name of ["file-link", "folder-link/secret", "up"]) {
    await refused(workspace.readFile(name), /ELOOP|EACCES|ENOTDIR/);
    await refused(workspace.writeFile(name, "over"), /ELOOP|EACCES|ENOTDIR|no folder/);
  }
  for (const name of ["file-link", "folder-link", "folder-link/secret"])
    await refused(workspace.exportFile(name, join(host, "stolen")), /no file|EACCES|there is no/);
  assert.equal(readFileSync(join(host, "secret"), "utf8"), "secret");
  assert.equal(readFileSync(join(place.root, "beside"), "utf8"), "beside");
  assert.ok(!existsSync(join(host, "stolen")));
  assert.deepEqual(await workspace.listFiles(), []);
  assert.equal((await scan(place.workspace)).files.size, 0);
  // A link itself can be deleted; what it leads to stays.
  for (const name of ["file-link", "folder-link", "up"]) await workspace.deleteFile(name);
  assert.ok(existsSync(join(host, "secret")));
  await refused(workspace.writeFile(".env", "A=1"), /kept from sandboxes/);
  await refused(workspace.writeFile("sub/capsule.toml", ""), /kept from sandboxes/);
  await workspace.deleteFile("sub");
});

test("files that were written are copied to a folder, and nowhere else", async () => {
  await workspace.writeFile("new/deep/a", "a");
  await workspace.writeFile("b", "bb");
  const all = await workspace.listFiles();
  const out = join(host, "exported");
  const refusedAt = async (expected: RegExp): Promise<void> => {
    await refused(exportWritten(place, all, out), expected);
    assert.equal(readFileSync(join(host, "secret"), "utf8"), "secret");
  };
  await exportWritten(place, [], out);
  assert.ok(!existsSync(out), "nothing is made for nothing");
  await exportWritten(place, all, out);
  assert.equal(readFileSync(join(out, "new/deep/a"), "utf8") + readFileSync(join(out, "b"), "utf8"), "abb");
  // What is there is written over, unless it leads elsewhere or is something else.
  await workspace.writeFile("b", "c");
  await exportWritten(place, all, out);
  assert.equal(readFileSync(join(out, "b"), "utf8"), "c");
  rmSync(join(out, "b"));
  symlinkSync(join(host, "secret"), join(out, "b"));
  await refusedAt(/exported\/b is a symlink, and not written through/);
  rmSync(join(out, "b"));
  mkdirSync(join(out, "b"));
  await refusedAt(/exported\/b is there, and no file/);
  rmSync(join(out, "b"), { recursive: true });
  rmSync(join(out, "new"), { recursive: true });
  symlinkSync(host, join(out, "new"));
  await refusedAt(/exported\/new is a symlink, and not written through/);
  rmSync(join(out, "new"));
  writeFileSync(join(out, "new"), "");
  await refusedAt(/exported\/new is there, and no folder/);
  await refused(targetOf(join(host, "secret")), /secret is no folder/);
  for (const wrong of ["", "a\0b", 5]) await refused(targetOf(wrong), /can't be a path of the host/);
  // The same of a whole folder of a session.
  const given = join(host, "given");
  mkdirSync(join(given, "new/deep"), { recursive: true });
  symlinkSync(join(host, "secret"), join(given, "new/deep/a"));
  await refused(workspace.exportFile("new", given), /deep\/a is a symlink, and not written through/);
  assert.equal(readFileSync(join(host, "secret"), "utf8"), "secret");
  for (const { path } of all) await workspace.deleteFile(path);
});

test("what is wrong with the host's side is said in words", async () => {
  await refused(workspace.importFile(join(host, "nothing")), /there is no .*nothing to import/);
  for (const wrong of ["", "a\0b", 5 as never]) {
    await refused(workspace.importFile(wrong, "a"), /can't be a path of the host/);
    await refused(workspace.exportFile("a", wrong), /can't be a path of the host/);
  }
  for (const wrong of [5, null, new ArrayBuffer(1), {}])
    await refused(workspace.writeFile("a", wrong as never), /no text and no bytes/);
  await workspace.writeFile("a", "a");
  await refused(workspace.exportFile("a", join(host, "secret/below/a")), /secret\/below can't be made/);
  if (process.platform === "linux")
    await refused(workspace.exportFile("a", "/proc/none/below/a"), /\/proc\/none can't be made/);
  await workspace.deleteFile("a");
});

test("what the host puts in counts, and no longer when it is gone", async () => {
  const small = await makePlace(100_000);
  const { writeFile, deleteFile, importFile, listFiles } = workspaceAt(small);
  writeFileSync(join(host, "big"), "x".repeat(60_000));
  await importFile(join(host, "big"), "a");
  await refused(writeFile("b", "x".repeat(60_000)), /ENOSPC: no space left on device/);
  await deleteFile("b");
  await deleteFile("a");
  await writeFile("c", "x".repeat(90_000));
  await refused(importFile(join(host, "big")), /ENOSPC/);
  assert.equal((await listFiles()).find(({ path }) => path === "c")?.size, 90_000);
  await small.remove();
});

test("many files are looked at and removed beside all else", async () => {
  const large = await makePlace(1024 ** 3);
  for (let i = 0; i < LIMITS.workspaceFiles + 100; i++) writeFileSync(join(large.workspace, `${i}`), "");
  let last = performance.now();
  let worst = 0;
  const timer = setInterval(() => {
    worst = Math.max(worst, performance.now() - last);
    last = performance.now();
  }, 2);
  const { files, cut } = await scan(large.workspace);
  assert.deepEqual([files.size, cut], [LIMITS.workspaceFiles, true]);
  await large.remove();
  clearInterval(timer);
  assert.ok(!existsSync(large.root));
  assert.ok(worst < 500, `${worst} ms`);
});

test("what was written is told by what changed", async () => {
  await workspace.writeFile("same", "1");
  await workspace.writeFile("rewritten", "1");
  await workspace.writeFile("gone", "1");
  const before = await scan(place.workspace);
  // Clocks of file systems tick every few milliseconds.
  await new Promise((resolve) => setTimeout(resolve, 20));
  await workspace.writeFile("rewritten", "2");
  await workspace.writeFile("sub/new", "12");
  await workspace.deleteFile("gone");
  assert.deepEqual(written(before, await scan(place.workspace)), [
    { path: "rewritten", size: 1 },
    { path: "sub/new", size: 2 },
  ]);
});

test("what a killed process left is removed, and nothing of one that runs", async () => {
  const ended = spawnSync(process.execPath, ["-e", ""]).pid;
  const left = place.root.replace(`-${process.pid}-`, `-${ended}-`);
  const elsewhere = join(tmpdir(), `capsule-code-1-${ended}-test`);
  for (const folder of [left, elsewhere]) mkdirSync(join(folder, "workspace"), { recursive: true });
  // Such as others may have laid there: what they lead to stays, and they keep nothing from being removed.
  const links = ["a", "b", "nothing"].map((name) => `${left}-${name}`);
  for (const link of links) symlinkSync(link.endsWith("nothing") ? join(host, "nothing") : host, link);
  await removeAbandoned();
  assert.deepEqual([left, elsewhere, place.root].map(existsSync), [false, true, true]);
  assert.ok(links.every((link) => lstatSync(link).isSymbolicLink()));
  for (const made of [elsewhere, ...links]) rmSync(made, { recursive: true });
});

test("a file that code made too large to read is not read", async () => {
  writeFileSync(join(place.workspace, "sparse"), "");
  truncateSync(join(place.workspace, "sparse"), 2 ** 40);
  const before = process.memoryUsage().arrayBuffers;
  await refused(workspace.readFile("sparse"), /sparse has more than the 268,435,456 bytes that can be read/);
  await refused(workspace.readFile("sparse", 5), /more than the 5 bytes/);
  await refused(workspace.readFile("sparse", 2 ** 50), /more than the 268,435,456 bytes/);
  assert.ok(process.memoryUsage().arrayBuffers - before < 64 * 1024 * 1024, "nothing of it was read");
  assert.equal((await workspace.listFiles()).find(({ path }) => path === "sparse")?.size, 2 ** 40);
  await workspace.deleteFile("sparse");
});

test("folders in each other are few enough to be walked", async () => {
  const deep = (levels: number): string => Array(levels).fill("d").join("/");
  await refused(workspace.writeFile(`${deep(50)}/f`, ""), /at most 50 names/);
  await workspace.writeFile(`${deep(49)}/f`, "");
  assert.ok((await workspace.listFiles()).some(({ path }) => path === `${deep(49)}/f`));
  mkdirSync(join(place.workspace, deep(200)), { recursive: true });
  await refused(workspace.listFiles(), /more than 50 folders in each other/);
  rmSync(join(place.workspace, "d"), { recursive: true });
});

test("a workspace is removed however deep code made it", async () => {
  const { root, workspace: folder, remove } = await makePlace(1024 ** 3);
  const name = "d".repeat(250);
  /** Makes folders in each other, and gives the innermost that has a path. */
  const chain = (top: string): string => {
    let at = top;
    while (at.length + name.length < 4000) {
      at = join(at, name);
      mkdirSync(at);
    }
    writeFileSync(join(at, "file"), "");
    return at;
  };
  for (const each of ["a", "b", "c"]) mkdirSync(join(folder, each));
  chain(join(folder, "a"));
  renameSync(join(folder, "a"), join(chain(join(folder, "b")), "a"));
  renameSync(join(folder, "b"), join(chain(join(folder, "c")), "b"));
  // As far as a process had come that was killed meanwhile.
  mkdirSync(join(root, ".removing", "0123abcd-0"), { recursive: true });
  await remove();
  assert.ok(!existsSync(root));
});
