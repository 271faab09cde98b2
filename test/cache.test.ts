/** The cache makes runs fast and changes nothing else: never stale, never in the way, safe beside others. */
import assert from "node:assert/strict";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { capsule, type Ended, folder, program, runFile, startCapsule } from "./support/capsule.ts";

const returns = (text: string): string =>
  program(`export const main = task({ name: "main" }, () => "${text}");`);

async function result(cwd: string, file = "a.ts"): Promise<unknown> {
  const { envelope } = await runFile(cwd, file);
  assert.ok(envelope.success, envelope.error?.message ?? "");
  return envelope.result;
}

async function wasCached(cwd: string, file = "a.ts"): Promise<boolean> {
  const { stdout, stderr, code } = await capsule(["build", "--json", file], { cwd });
  assert.equal(code, 0, stderr);
  return (JSON.parse(stdout) as { cached: boolean }).cached;
}

describe("editing", () => {
  test("a program, its imports or its configuration never runs what was before", async () => {
    const cwd = folder({
      "a.ts": `import { task } from "@capsule-run/sdk";\nimport { text } from "./b.ts";\nexport const main = task({ name: "main" }, () => text);\n`,
      "b.ts": `import data from "./data.json" with { type: "json" };\nexport const text = "one " + data.n;\n`,
      "data.json": '{ "n": 1 }',
    });
    assert.equal(await result(cwd), "one 1");
    assert.equal(await result(cwd), "one 1");
    writeFileSync(join(cwd, "b.ts"), readFileSync(join(cwd, "b.ts"), "utf8").replace("one", "two"));
    assert.equal(await result(cwd), "two 1");
    writeFileSync(join(cwd, "data.json"), '{ "n": 2 }');
    assert.equal(await result(cwd), "two 2");
    writeFileSync(
      join(cwd, "a.ts"),
      readFileSync(join(cwd, "a.ts"), "utf8").replace("=> text", '=> text + "!"'),
    );
    assert.equal(await result(cwd), "two 2!");
  });

  test("what leaves no trace in the compiled code is seen as well: whether a parameter is optional", async () => {
    const text = (mark: string): string =>
      program(`export const main = task({ name: "main" }, (a${mark}: string) => a ?? "none");`);
    const cwd = folder({ "a.ts": text("?") });
    assert.equal(await result(cwd), "none");
    writeFileSync(join(cwd, "a.ts"), text(""));
    const { envelope } = await runFile(cwd, "a.ts");
    assert.equal(envelope.error?.error_type, "invalid_arguments");
  });

  test("with the same size and the same time is seen as well", async () => {
    const cwd = folder({ "a.ts": returns("one") });
    assert.equal(await result(cwd), "one");
    const time = new Date("2024-01-01T00:00:00Z");
    utimesSync(join(cwd, "a.ts"), time, time);
    assert.equal(await result(cwd), "one");
    writeFileSync(join(cwd, "a.ts"), returns("two"));
    utimesSync(join(cwd, "a.ts"), time, time);
    assert.equal(await result(cwd), "two");
  });

  test("back and forth gives each its own", async () => {
    const cwd = folder({ "a.ts": returns("one") });
    for (const text of ["one", "two", "one", "three", "two", "one"]) {
      writeFileSync(join(cwd, "a.ts"), returns(text));
      assert.equal(await result(cwd), text);
    }
  });

  test("a file that was missing, now there, is found", async () => {
    const cwd = folder({
      "a.ts": `import { task } from "@capsule-run/sdk";\nimport { text } from "./late";\nexport const main = task({ name: "main" }, () => text);\n`,
    });
    assert.equal((await capsule(["run", "a.ts"], { cwd })).code, 2);
    writeFileSync(join(cwd, "late.js"), 'export const text = "from js";\n');
    assert.equal(await result(cwd), "from js");
    // What resolution prefers appears beside it.
    writeFileSync(join(cwd, "late.ts"), 'export const text = "from ts";\n');
    assert.equal(await result(cwd), "from ts");
    rmSync(join(cwd, "late.ts"));
    assert.equal(await result(cwd), "from js");
  });

  test("a file into one that doesn't compile fails, and back runs", async () => {
    const cwd = folder({ "a.ts": returns("fine") });
    assert.equal(await result(cwd), "fine");
    writeFileSync(join(cwd, "a.ts"), "export const = ;\n");
    const { code, stderr } = await capsule(["run", "a.ts"], { cwd });
    assert.equal(code, 2);
    assert.match(stderr, /a\.ts:1:14/);
    writeFileSync(join(cwd, "a.ts"), returns("fine"));
    assert.equal(await result(cwd), "fine");
  });
});

test("programs in one folder stay apart", async () => {
  const cwd = folder({ "a.ts": returns("a"), "b.ts": returns("b"), "sub/a.ts": returns("sub/a") });
  for (let i = 0; i < 2; i++)
    assert.deepEqual(
      [await result(cwd), await result(cwd, "b.ts"), await result(cwd, "sub/a.ts")],
      ["a", "b", "sub/a"],
    );
  writeFileSync(join(cwd, "b.ts"), returns("b2"));
  assert.deepEqual([await result(cwd), await result(cwd, "b.ts")], ["a", "b2"]);
  assert.ok(await wasCached(cwd));
});

test("the same file by another path, from another folder, is the same program", async () => {
  const cwd = folder({
    "capsule.toml": '[workflow]\nname = "x"\n',
    "sub/a.ts": returns("a"),
    "other/.keep": "",
  });
  assert.equal(await result(cwd, "sub/a.ts"), "a");
  assert.equal(await result(join(cwd, "sub"), "./a.ts"), "a");
  assert.equal(await result(join(cwd, "other"), "../sub/a.ts"), "a");
  assert.equal(await result(cwd, join(cwd, "sub/a.ts")), "a");
  assert.deepEqual(readdirSync(join(cwd, "sub")), ["a.ts"], "one cache, in the project's root");
});

describe("a cache", () => {
  test("that is deleted between runs is made again", async () => {
    const cwd = folder({ "a.ts": returns("a") });
    for (let i = 0; i < 2; i++) {
      assert.equal(await result(cwd), "a");
      assert.ok(await wasCached(cwd));
      rmSync(join(cwd, ".capsule"), { recursive: true });
    }
    assert.ok(!(await wasCached(cwd)));
  });

  test("that is deleted during a run does not disturb it", async () => {
    const cwd = folder({
      "a.ts":
        program(`const child = task({ name: "child" }, (i: number) => { if (i > 5) throw new Error("late"); return i; });
        export const main = task({ name: "main" }, async () => {
          console.error("started");
          await new Promise((resolve) => setTimeout(resolve, 700));
          return [child(1).result, child(9).error!.message];
        });`),
    });
    const started = startCapsule(["run", "a.ts"], { cwd });
    await started.printed("started");
    rmSync(join(cwd, ".capsule"), { recursive: true });
    const { code, stdout, stderr } = await started.ended;
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^\[1,"Error: late\\n/);
  });

  test("that was cut off or overwritten is made again, without a word", async () => {
    const cwd = folder({ "a.ts": returns("a") });
    assert.equal(await result(cwd), "a");
    const cache = join(cwd, ".capsule", "cache");
    const files = readdirSync(cache, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    assert.ok(files.length > 0);
    for (const damage of ["", "{}", "\0".repeat(100), '{"file":1,"tasks":null}']) {
      for (const { parentPath, name } of files) writeFileSync(join(parentPath, name), damage);
      const { code, stdout, stderr } = await capsule(["run", "a.ts"], { cwd });
      assert.equal(code, 0, stderr);
      assert.equal(stdout, "a\n");
    }
    for (const { parentPath, name } of files)
      try {
        const path = join(parentPath, name);
        truncateSync(path, Math.floor(readFileSync(path).length / 2));
      } catch {}
    assert.equal(await result(cwd), "a");
  });

  test("that can't be written is replaced by a temporary one, with one warning", async () => {
    const cwd = folder({ "a.ts": returns("a"), ".capsule": "a file in the way" });
    for (let i = 0; i < 2; i++) {
      const { code, stdout, stderr } = await capsule(["run", "a.ts"], { cwd });
      assert.equal(code, 0, stderr);
      assert.equal(stdout, "a\n");
      assert.equal(stderr.match(/warning:/g)?.length, 1, stderr);
      assert.match(stderr, /\.capsule.*can't be written.*temporary cache/);
    }
    assert.equal(readFileSync(join(cwd, ".capsule"), "utf8"), "a file in the way");
  });

  test("with folders where files should be works all the same", async () => {
    const cwd = folder({ "a.ts": returns("a") });
    assert.equal(await result(cwd), "a");
    const cache = join(cwd, ".capsule", "cache");
    for (const entry of readdirSync(cache, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      rmSync(path);
      mkdirSync(path);
    }
    const { code, stdout, stderr } = await capsule(["run", "a.ts"], { cwd });
    assert.equal(code, 0, stderr);
    assert.equal(stdout, "a\n");
  });
});

test("ten runs at once on an empty cache all work", async () => {
  const cwd = folder({ "a.ts": returns("a"), "b.ts": returns("b") });
  const all: Ended[] = await Promise.all(
    Array.from({ length: 10 }, (_, i) => capsule(["run", i % 3 ? "a.ts" : "b.ts"], { cwd })),
  );
  for (const [i, { code, stdout, stderr }] of all.entries()) {
    assert.equal(code, 0, stderr);
    assert.equal(stdout, i % 3 ? "a\n" : "b\n");
    assert.doesNotMatch(stderr, /warning|error/);
  }
  assert.ok(await wasCached(cwd));
});

test("an artifact knows nothing of who compiled it", async () => {
  const secret = "hunter2-in-the-environment";
  const cwd = folder({ "a.ts": returns("a") });
  await capsule(["run", "a.ts", "an-argument-of-the-run"], { cwd, extra: { CAPSULE_TEST_SECRET: secret } });
  await capsule(["run", "a.ts"], { cwd, extra: { CAPSULE_TEST_SECRET: secret } });
  for (const entry of readdirSync(join(cwd, ".capsule"), { recursive: true, withFileTypes: true }))
    if (entry.isFile())
      assert.ok(!readFileSync(join(entry.parentPath, entry.name)).includes(secret), entry.name);
});
