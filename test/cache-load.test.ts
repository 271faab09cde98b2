/** The cache holds whatever happens to it: many at once, deleted, no room, nothing that may be written. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { CAPSULE, capsule, type Ended, folder, program, start } from "./support/capsule.ts";

/** A program of each language that gives back its argument with its own name. */
const PROGRAMS = {
  ts: (name: string) => program(`export const main = task({ name: "main" }, (x: number) => "${name} " + x);`),
  py: (name: string) =>
    `from capsule import task\n\n\n@task\ndef main(x: int) -> str:\n    return f"${name} {x}"\n`,
} as const;
type Extension = keyof typeof PROGRAMS;
const LANGUAGES = Object.keys(PROGRAMS) as Extension[];

/** A project of programs named `p0`, `p1` and so on. */
const project = (extension: Extension, count: number): string =>
  folder(
    Object.fromEntries(
      Array.from({ length: count }, (_, n) => [`p${n}.${extension}`, PROGRAMS[extension](`p${n}`)]),
    ),
  );

const run = (cwd: string, file: string, x: number, extra: NodeJS.ProcessEnv = {}): Promise<Ended> =>
  capsule(["run", file, String(x)], { cwd, extra });

function assertRan({ code, stdout, stderr }: Ended, expected: string): void {
  assert.equal(code, 0, stderr);
  assert.equal(stdout, `${expected}\n`);
}

const CANT_WRITE = /can't be written/g;
const warnings = (stderr: string): number => stderr.match(/^warning:/gm)?.length ?? 0;

/** The cache has no leftovers, and what is in it is used. */
async function assertWhole(cwd: string, files: readonly string[]): Promise<void> {
  const names = readdirSync(join(cwd, ".capsule"), { recursive: true, encoding: "utf8" });
  assert.deepEqual(
    names.filter((name) => name.endsWith(".tmp")),
    [],
  );
  for (const file of files) {
    const { stdout, stderr } = await capsule(["build", "--json", file], { cwd });
    assert.equal((JSON.parse(stdout) as { cached: boolean }).cached, true, file);
    assert.equal(warnings(stderr), 0, stderr);
  }
}

for (const extension of LANGUAGES)
  describe(`twenty runs at once on an empty cache (${extension})`, () => {
    test("of one program", async () => {
      const cwd = project(extension, 1);
      const all = Array.from({ length: 20 }, (_, n) => run(cwd, `p0.${extension}`, n));
      for (const [n, ended] of (await Promise.all(all)).entries()) {
        assertRan(ended, `p0 ${n}`);
        assert.equal(warnings(ended.stderr), 0, ended.stderr);
      }
      await assertWhole(cwd, [`p0.${extension}`]);
    });

    test("of twenty programs", async () => {
      const cwd = project(extension, 20);
      const all = Array.from({ length: 20 }, (_, n) => run(cwd, `p${n}.${extension}`, n));
      for (const [n, ended] of (await Promise.all(all)).entries()) {
        assertRan(ended, `p${n} ${n}`);
        assert.equal(warnings(ended.stderr), 0, ended.stderr);
      }
      await assertWhole(
        cwd,
        [0, 19].map((n) => `p${n}.${extension}`),
      );
    });
  });

test("`.capsule` may be deleted again and again while programs run", async () => {
  const cwd = folder({ "a.ts": PROGRAMS.ts("a"), "b.py": PROGRAMS.py("b") });
  const remove = (): void => {
    try {
      rmSync(join(cwd, ".capsule"), { recursive: true, force: true });
    } catch {
      // Filled again while it was emptied.
    }
  };
  const deleting = setInterval(remove, 10);
  try {
    const files = Array.from({ length: 12 }, (_, n) => (n % 3 === 0 ? "b.py" : "a.ts"));
    const all = await Promise.all(files.map((file, n) => run(cwd, file, n)));
    for (const [n, ended] of all.entries()) {
      assertRan(ended, `${files[n]?.charAt(0)} ${n}`);
      assert.ok(warnings(ended.stderr) <= 1, ended.stderr);
    }
  } finally {
    clearInterval(deleting);
  }
  remove();
  for (const file of ["a.ts", "b.py"]) assertRan(await run(cwd, file, 1), `${file.charAt(0)} 1`);
  await assertWhole(cwd, ["a.ts", "b.py"]);
});

const IN_THE_WAY: Readonly<Record<string, (path: string) => void>> = {
  "a file": (path) => writeFileSync(path, "mine"),
  "a link to nowhere": (path) => symlinkSync(join(path, "..", "nowhere", "at all"), path),
  "a link to itself": (path) => symlinkSync(path, path),
};

for (const [what, put] of Object.entries(IN_THE_WAY))
  test(`${what} in the place of \`.capsule\`: one warning, and a run as ever`, async () => {
    const cwd = folder({ "a.ts": PROGRAMS.ts("a"), "b.py": PROGRAMS.py("b") });
    put(join(cwd, ".capsule"));
    const before = readdirSync(cwd).sort();
    for (const file of ["a.ts", "b.py"]) {
      const ended = await run(cwd, file, 1);
      assertRan(ended, `${file.charAt(0)} 1`);
      assert.equal(ended.stderr.match(CANT_WRITE)?.length, 1, ended.stderr);
      assert.equal(warnings(ended.stderr), 1, ended.stderr);
    }
    assert.deepEqual(readdirSync(cwd).sort(), before);
  });

test("not even a temporary cache: the same", async () => {
  const cwd = folder({ "a.ts": PROGRAMS.ts("a"), "b.py": PROGRAMS.py("b"), ".capsule": "a file" });
  for (const file of ["a.ts", "b.py"]) {
    const ended = await run(cwd, file, 1, { TMPDIR: join(cwd, "nowhere") });
    assertRan(ended, `${file.charAt(0)} 1`);
    assert.equal(warnings(ended.stderr), 1, ended.stderr);
  }
});

test("a link from `.capsule` to another folder is followed", async () => {
  const cwd = folder({ "a.ts": PROGRAMS.ts("a"), "b.py": PROGRAMS.py("b") });
  const elsewhere = folder();
  symlinkSync(elsewhere, join(cwd, ".capsule"));
  for (const file of ["a.ts", "b.py"]) {
    const ended = await run(cwd, file, 1);
    assertRan(ended, `${file.charAt(0)} 1`);
    assert.equal(warnings(ended.stderr), 0, ended.stderr);
  }
  assert.ok(existsSync(join(elsewhere, "cache", "programs")));
  await assertWhole(cwd, ["a.ts", "b.py"]);
});

test("files whose times are in the future are cached all the same", async () => {
  const cwd = folder({ "a.ts": PROGRAMS.ts("a"), "b.py": PROGRAMS.py("b") });
  const future = Date.now() / 1000 + 1e8;
  for (const file of ["a.ts", "b.py"]) {
    utimesSync(join(cwd, file), future, future);
    assertRan(await run(cwd, file, 1), `${file.charAt(0)} 1`);
  }
  await assertWhole(cwd, ["a.ts", "b.py"]);
});

/** Namespaces of Linux let a command have file systems of its own, which end with it. */
const canMount = spawnSync("unshare", ["-rm", "mount", "-t", "tmpfs", "none", tmpdir()]).status === 0;

/** Runs lines of a shell that may mount; `capsule` is the one under test. */
const withMounts = (script: string, cwd: string): Promise<Ended> =>
  start("unshare", ["-rm", "bash", "-ec", `capsule() { "$NODE" "$LAUNCHER" "$@"; }; ${script}`], {
    cwd,
    extra: { NODE: process.execPath, LAUNCHER: CAPSULE },
  }).ended;

describe("a project on a file system of its own", { skip: !canMount }, () => {
  for (const [file, name] of [
    ["a.ts", "a"],
    ["b.py", "b"],
  ] as const) {
    test(`that has no room: one warning each time, and the cache is used when there is (${file})`, async () => {
      const cwd = folder({ [file]: PROGRAMS[file.slice(2) as Extension](name) });
      mkdirSync(join(cwd, ".capsule"));
      for (const size of [4, 16]) {
        const { code, stdout, stderr } = await withMounts(
          `mount -t tmpfs -o size=${size}k none .capsule
           capsule run ${file} 1
           echo --- >&2; find .capsule -name '*.tmp' >&2; find .capsule/cache -type f -empty >&2 || true; echo --- >&2
           mount -o remount,size=64m .capsule
           capsule run ${file} 2
           capsule build --json ${file}`,
          cwd,
        );
        assert.equal(code, 0, stderr);
        const [first, second, built = ""] = stdout.split("\n");
        assert.deepEqual([first, second], [`${name} 1`, `${name} 2`]);
        assert.equal((JSON.parse(built) as { cached: boolean }).cached, true);
        const [before = "", left = "", after = ""] = stderr.split("---\n");
        assert.equal(warnings(before), 1, before);
        assert.match(before, /ENOSPC/);
        assert.equal(left.replace(/^find: .*\n/gm, ""), "", "nothing unfinished is left");
        assert.equal(warnings(after), 0, after);
      }
    });

    test(`that is read-only: one warning, nothing written (${file})`, async () => {
      const cwd = folder({ [file]: PROGRAMS[file.slice(2) as Extension](name) });
      const { code, stdout, stderr } = await withMounts(
        `mount --bind "$PWD" "$PWD"; cd "$PWD"; mount -o remount,ro,bind "$PWD"
         if touch x 2> /dev/null; then exit 9; fi
         capsule run ${file} 1`,
        cwd,
      );
      assert.equal(code, 0, stderr);
      assert.equal(stdout, `${name} 1\n`);
      assert.equal(warnings(stderr), 1, stderr);
      assert.match(stderr, /can't be written/);
      assert.deepEqual(readdirSync(cwd), [file]);
    });
  }
});
