import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { look } from "./programs/files-cases.ts";
import { folder, runFile } from "./support/capsule.ts";

/** In memory, where the system has that: for many files. */
const SHARED_MEMORY = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/** A project with the programs, `work` to write in and `fixed` to read. */
function project(): string {
  const root = folder({}, SHARED_MEMORY);
  for (const name of ["files.ts", "files-cases.ts"])
    cpSync(new URL(`programs/${name}`, import.meta.url), join(root, name));
  mkdirSync(join(root, "work"));
  mkdirSync(join(root, "fixed"));
  writeFileSync(join(root, "fixed/a.txt"), "stays");
  writeFileSync(join(root, "capsule.toml"), "");
  return root;
}

describe("files in a TypeScript task", () => {
  let results: readonly (readonly unknown[])[] = [];
  let root = "";
  before(async () => {
    root = project();
    mkdirSync(join(root, "work/many"));
    for (let i = 0; i < 100_000; i++) writeFileSync(join(root, `work/many/${i}`), "");
    symlinkSync("/etc/passwd", join(root, "work/out"));
    const { envelope, stderr } = await runFile<typeof results>(root, "files.ts");
    assert.ok(envelope.success, stderr);
    results = envelope.result;
  });

  test("read-only folders stay as they are", () => {
    const refused = (call: string, path: string) => `EROFS: read-only file system, ${call} '${path}'`;
    assert.deepEqual(results[0], [
      "stays",
      refused("open", "fixed/a.txt"),
      refused("open", "fixed/new.txt"),
      refused("unlink", "fixed/a.txt"),
      refused("mkdir", "fixed/d"),
      "EROFS: read-only file system, rename 'fixed/a.txt' -> 'fixed/b.txt'",
      refused("open", "fixed/a.txt"),
      refused("utime", "fixed/a.txt"),
      refused("access", "fixed/a.txt"),
      "EPERM: operation not permitted, chmod 'work'",
      "EPERM: operation not permitted, symlink 'work' -> 'work/link'",
      "EPERM: operation not permitted, link 'fixed/a.txt' -> 'work/link'",
      "files can't be watched inside a sandbox; look at fs.stat(path).mtimeMs from time to time instead",
    ]);
    assert.equal(readFileSync(join(root, "fixed/a.txt"), "utf8"), "stays");
  });

  test("nothing outside of a task's folders is there", () => {
    const [top, app, here, ...others] = results[1] ?? [];
    assert.deepEqual(
      [top, app, here],
      [
        ["app", "tmp"],
        ["fixed", "work"],
        ["fixed", "work"],
      ],
    );
    for (const [i, message] of others.entries())
      assert.match(message as string, /^E(NOENT|ACCES|BUSY): /, `${i}`);
    for (const message of others) assert.doesNotMatch(message as string, /root:|\/home|capsule-e2e/);
  });

  test("/tmp is each attempt's own, in memory, and has an end", () => {
    const ends = (name: string) => [
      [],
      name,
      "ENOSPC: no space left on device, write",
      `EXDEV: cross-device link not permitted, rename '/tmp/${name}' -> 'work/x'`,
    ];
    assert.deepEqual(results.slice(2, 4), [ends("a"), ends("b")]);
  });

  test("a folder of 100,000 files is listed", () => {
    assert.deepEqual(results[4], [true, "0", "99999"]);
  });

  test("files larger than memory are read and written at any place", () => {
    const [count, text, size, whole] = results[5] ?? [];
    assert.deepEqual([count, text, size], [5, "\0\0end", "3000000000"]);
    assert.match(whole as string, /^File size \(3000000000\) is greater than 2 GiB$/);
  });
});

test("node:fs does in a sandbox what it does in Node, in folders and in /tmp", async () => {
  const root = project();
  writeFileSync(
    join(root, "main.ts"),
    `import { task } from "@capsule-run/sdk"; import { look } from "./files-cases.ts";
     export const main = task({ name: "main", allowedFiles: ["./work"], compute: "HIGH" }, async () => [await look("/app/work"), await look("/tmp")]);`,
  );
  const node = JSON.parse(JSON.stringify(await look(folder()))) as unknown[];
  const { envelope, stderr } = await runFile<readonly unknown[][]>(root, "main.ts");
  assert.ok(envelope.success, stderr);
  for (const seen of envelope.result)
    for (const [i, each] of seen.entries()) assert.deepEqual(each, node[i], `step ${i}`);
});

test("process.env is what a task declares", async () => {
  const root = folder({
    ".env": "FROM_FILE=file\nBOTH=file\n",
    "main.ts": `import { task } from "@capsule-run/sdk";
      const early = process.env.BOTH;
      export const bare = task({ name: "bare" }, () => ({ ...process.env }));
      export const main = task({ name: "main", envVariables: ["FROM_FILE", "BOTH", "NOWHERE"] }, () => [
        early, { ...process.env }, "NOWHERE" in process.env, process.env.HIDDEN ?? null, bare().result,
      ]);`,
  });
  const { envelope, stderr } = await runFile<unknown[]>(root, "main.ts", [], {
    extra: { BOTH: "process", HIDDEN: "x" },
  });
  assert.ok(envelope.success, stderr);
  assert.deepEqual(envelope.result, ["process", { FROM_FILE: "file", BOTH: "process" }, false, null, {}]);
});
