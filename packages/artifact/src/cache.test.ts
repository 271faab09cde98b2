import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type ProgramManifest, UNDECLARED } from "@capsule-run/protocol";
import { fingerprint } from "./fingerprint.ts";
import { type Artifact, artifactKey, type Entry, type Input, observe, openCache } from "./index.ts";
import { prune } from "./prune.ts";

/** Whether a process can have file systems of its own. */
const canMount = spawnSync("unshare", ["-rm", "mount", "-t", "tmpfs", "none", tmpdir()]).status === 0;

interface Folder extends Disposable {
  readonly root: string;
  readonly dir: string;
  readonly entry: Entry;
  readonly inputs: readonly Input[];
}

/** A project with one program, and the folder of its cache. */
async function folder(): Promise<Folder> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "capsule-test-")));
  const file = join(root, "a.ts");
  writeFileSync(file, "1");
  const inputs = await observe([{ kind: "file", path: file }], Date.now() + 60_000);
  assert.ok(inputs);
  return {
    root,
    dir: join(root, ".capsule", "cache"),
    entry: { file, version: "1.0.0", engine: "abc" },
    inputs,
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}

const MANIFEST: ProgramManifest = {
  language: "javascript",
  variant: "full",
  needs: [],
  entry: "main",
  engine: "abc",
  source: "",
  snapshot: "after",
  reasons: [],
  tasks: [
    {
      name: "größe",
      policy: { ...UNDECLARED, fuel: 1, ram: null, timeoutMs: null, maxRetries: 0 },
      async: true,
      parameters: null,
    },
  ],
  output: [],
};

async function artifact(code: string, size = 100_000): Promise<Artifact> {
  const pages = new Uint8Array(size).map((_, n) => n * 7);
  const key = await artifactKey({
    code: Buffer.from(code),
    sourceMap: "{}",
    engine: "abc",
    version: "1.0.0",
    rules: "1",
  });
  return {
    key,
    manifest: MANIFEST,
    globals: [1, -2, 3],
    pages,
    bundle: Buffer.from("é"),
    sourceMap: '{"version":3}',
  };
}

const programFile = (dir: string, key: string) => join(dir, "programs", `${key}.capsule`);

test("gives back what was written", async () => {
  using at = await folder();
  const cache = openCache(at.dir);
  for (const size of [0, 1, 4, 1000, 65_535, 65_536, 3_000_001]) {
    const given = await artifact(`x${size}`, size);
    assert.equal(await cache.read(given.key), null);
    assert.deepEqual(await cache.write(at.entry, at.inputs, given), { ok: true });
    assert.equal(await cache.lookUp(at.entry), given.key);
    const { sourceMap, ...stored } = given;
    const read = await cache.read(given.key);
    assert.deepEqual(
      read && { ...read, pages: new Uint8Array(read.pages), bundle: Buffer.from(read.bundle) },
      stored,
    );
    assert.equal(await cache.readSourceMap(given.key), sourceMap);
  }
  assert.equal(readFileSync(join(at.root, ".capsule", ".gitignore"), "utf8"), "*\n");
  assert.deepEqual(
    readdirSync(join(at.dir, "programs")).filter((name) => name.endsWith(".tmp")),
    [],
  );
});

test("a cache that is open goes on knowing what it read, until an input changes", async () => {
  using at = await folder();
  const cache = openCache(at.dir);
  await cache.write(at.entry, at.inputs, await artifact("x"));
  assert.equal(await cache.lookUp(at.entry), (await artifact("x")).key);
  rmSync(at.dir, { recursive: true });
  assert.equal(await cache.lookUp(at.entry), (await artifact("x")).key);
  const input = at.inputs.find(({ kind, answer }) => kind === "file" && answer !== "absent");
  assert.ok(input);
  writeFileSync(input.path, "something else");
  assert.equal(await cache.lookUp(at.entry), null);
});

test("another version, engine or file is another entry", async () => {
  using at = await folder();
  const cache = openCache(at.dir);
  await cache.write(at.entry, at.inputs, await artifact("x"));
  for (const other of [{ version: "1.0.1" }, { engine: "abd" }, { file: join(at.root, "b.ts") }])
    assert.equal(await cache.lookUp({ ...at.entry, ...other }), null);
});

test("an artifact of unsure inputs is kept, but not found by its file", async () => {
  using at = await folder();
  const cache = openCache(at.dir);
  const given = await artifact("x");
  assert.deepEqual(await cache.write(at.entry, null, given), { ok: true });
  assert.equal(await cache.lookUp(at.entry), null);
  assert.ok(await cache.read(given.key));
});

test("keys differ when any part differs, and parts can't be confused", async () => {
  const parts = { code: Buffer.from("a"), sourceMap: "m", engine: "b", version: "c", rules: "d" };
  const key = await artifactKey(parts);
  assert.match(key, /^[0-9a-f]{64}$/);
  assert.equal(await artifactKey({ ...parts }), key);
  const given = [
    ...["sourceMap", "engine", "version", "rules"].map((part) => ({ ...parts, [part]: "x" })),
    { ...parts, code: Buffer.from("x") },
    { ...parts, engine: "bc", version: "" },
    { ...parts, engine: "", version: "bc" },
  ];
  const others = await Promise.all(given.map(artifactKey));
  assert.equal(new Set([key, ...others]).size, others.length + 1);
});

test("an artifact with any byte changed, or cut anywhere, is absent", async () => {
  using at = await folder();
  const cache = openCache(at.dir);
  for (const size of [300, 100_000]) {
    const given = await artifact("x", size);
    await cache.write(at.entry, at.inputs, given);
    const path = programFile(at.dir, given.key);
    const whole = readFileSync(path);
    const places =
      whole.length < 2000 ? [...whole.keys()] : [0, 8, 12, 20, 40, 900, 50_000, whole.length - 1];
    for (const place of places) {
      const broken = Buffer.from(whole);
      broken[place] = (broken[place] as number) ^ 1;
      writeFileSync(path, broken);
      assert.equal(await cache.read(given.key), null, `byte ${place}`);
      writeFileSync(path, whole.subarray(0, place));
      assert.equal(await cache.read(given.key), null, `cut at ${place}`);
    }
    writeFileSync(path, Buffer.concat([whole, Buffer.from([0])]));
    assert.equal(await cache.read(given.key), null, "longer");
    writeFileSync(path, Buffer.alloc(whole.length));
    assert.equal(await cache.read(given.key), null, "zeros");
    writeFileSync(path, whole);
    assert.ok(await cache.read(given.key));
    writeFileSync(programFile(at.dir, "1".repeat(64)), whole);
    assert.equal(await cache.read("1".repeat(64)), null, "under another name");
  }
});

test("a broken index or source map is absent", async () => {
  using at = await folder();
  const cache = openCache(at.dir);
  const given = await artifact("x");
  await cache.write(at.entry, at.inputs, given);
  const index = join(at.dir, "index", readdirSync(join(at.dir, "index"))[0] as string);
  const map = join(at.dir, "programs", `${given.key}.map`);
  for (const [path, read] of [
    [index, () => openCache(at.dir).lookUp(at.entry)],
    [map, () => cache.readSourceMap(given.key)],
  ] as const) {
    const whole = readFileSync(path);
    assert.notEqual(await read(), null);
    for (let place = 0; place < whole.length; place++) {
      const broken = Buffer.from(whole);
      broken[place] = (broken[place] as number) ^ 1;
      writeFileSync(path, broken);
      assert.equal(await read(), null, `byte ${place}`);
      writeFileSync(path, whole.subarray(0, place));
      assert.equal(await read(), null, `cut at ${place}`);
    }
    for (const text of ["", "null", "[]", "{}", `${fingerprint(Buffer.from("null"))}\nnull`]) {
      writeFileSync(path, text);
      assert.ok(path === map || (await read()) === null, text);
    }
    rmSync(path);
    mkdirSync(path);
    assert.equal(await read(), null, "a folder");
  }
});

test("a cache that can't be written says so and why", async () => {
  using at = await folder();
  writeFileSync(join(at.root, ".capsule"), "a file");
  const cache = openCache(at.dir);
  const written = await cache.write(at.entry, at.inputs, await artifact("x"));
  assert.equal(written.ok, false);
  assert.ok(!written.ok && /^E[A-Z]+$/.test(written.code) && written.message !== "");
  assert.equal(await cache.lookUp(at.entry), null);
  assert.equal(await cache.read("0".repeat(64)), null);
  assert.equal(await cache.readSourceMap("0".repeat(64)), null);
});

test("a cache elsewhere gets no .gitignore", async () => {
  using at = await folder();
  const dir = join(at.root, "elsewhere", "cache");
  assert.deepEqual(await openCache(dir).write(at.entry, at.inputs, await artifact("x")), { ok: true });
  assert.equal(existsSync(join(at.root, "elsewhere", ".gitignore")), false);
});

test("the most recently used artifacts are kept", async () => {
  using at = await folder();
  const cache = openCache(at.dir);
  const keys = await Array.fromAsync({ length: 6 }, async (_, n) => {
    const given = await artifact(`x${n}`, 10);
    await cache.write({ ...at.entry, file: join(at.root, `${n}.ts`) }, at.inputs, given);
    utimesSync(programFile(at.dir, given.key), 1000 + n * 1000, 1000 + n * 1000);
    return given.key;
  });
  assert.ok(await cache.read(keys[0] as string), "used: it is young again");
  writeFileSync(join(at.dir, "programs", "left.tmp"), "");
  utimesSync(join(at.dir, "programs", "left.tmp"), 1, 1);
  writeFileSync(join(at.dir, "programs", "now.tmp"), "");
  prune(at.dir, { programs: 3, index: 2, bytes: 1e9 });
  assert.deepEqual(
    keys.map((key) => existsSync(programFile(at.dir, key))),
    [true, false, false, false, true, true],
  );
  assert.deepEqual(await Promise.all(keys.map(async (key) => (await cache.readSourceMap(key)) !== null)), [
    true,
    false,
    false,
    false,
    true,
    true,
  ]);
  assert.equal(readdirSync(join(at.dir, "index")).length, 2);
  assert.equal(existsSync(join(at.dir, "programs", "left.tmp")), false);
  assert.equal(existsSync(join(at.dir, "programs", "now.tmp")), true);
});

test("artifacts are kept up to a number of bytes, the newest one whatever it has", async () => {
  using at = await folder();
  const cache = openCache(at.dir);
  const keys = await Array.fromAsync({ length: 4 }, async (_, n) => {
    const given = await artifact(`x${n}`, 10_000);
    await cache.write({ ...at.entry, file: join(at.root, `${n}.ts`) }, at.inputs, given);
    utimesSync(programFile(at.dir, given.key), 1000 + n * 1000, 1000 + n * 1000);
    return given.key;
  });
  const kept = (): boolean[] => keys.map((key) => existsSync(programFile(at.dir, key)));
  prune(at.dir, { programs: 10, index: 10, bytes: 25_000 });
  assert.deepEqual(kept(), [false, false, true, true]);
  prune(at.dir, { programs: 10, index: 10, bytes: 1 });
  assert.deepEqual(kept(), [false, false, false, true]);
});

test("times in the future keep nothing out, and nothing for ever", async () => {
  using at = await folder();
  const future = Date.now() / 1000 + 3e8;
  utimesSync(at.entry.file, future, future);
  const inputs = await observe([{ kind: "file", path: at.entry.file }], Date.now() + 1000);
  assert.ok(inputs, "a file may claim to be of tomorrow");
  const cache = openCache(at.dir);
  const keys = await Array.fromAsync({ length: 3 }, async (_, n) => {
    const given = await artifact(`x${n}`, 10);
    await cache.write({ ...at.entry, file: join(at.root, `${n}.ts`) }, inputs, given);
    utimesSync(programFile(at.dir, given.key), future + n, future + n);
    assert.ok(await cache.read(given.key));
    return given.key;
  });
  prune(at.dir, { programs: 1, index: 1, bytes: 1e9 });
  assert.deepEqual(
    keys.map((key) => existsSync(programFile(at.dir, key))),
    [false, false, true],
  );
});

test("what could not be written leaves nothing, and works when it can be", { skip: !canMount }, async () => {
  using at = await folder();
  // A file system of its own, of a few kilobytes, for a process of its own.
  const script = `
    import { observe, openCache } from ${JSON.stringify(new URL("./index.ts", import.meta.url).href)};
    import { spawnSync } from "node:child_process";
    import { existsSync, readdirSync, statSync } from "node:fs";
    const [root, file] = process.argv.slice(1);
    const entry = { file, version: "1", engine: "e" };
    const inputs = await observe([{ kind: "file", path: file }], Date.now() + 60000);
    const artifact = { key: "7".repeat(64), manifest: {}, globals: [], pages: new Uint8Array(30000), bundle: new Uint8Array(0), sourceMap: "m".repeat(9000) };
    const seen = [];
    for (let size = 4; size <= 80; size += 4) {
      spawnSync("mount", ["-t", "tmpfs", "-o", "size=" + size + "k", "none", root + "/.capsule"]);
      const cache = openCache(root + "/.capsule/cache");
      const first = await cache.write(entry, inputs, artifact);
      const files = readdirSync(root + "/.capsule", { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
      const left = files.filter(({ name }) => name.endsWith(".tmp")).length;
      const empty = files.filter(({ parentPath, name }) => statSync(parentPath + "/" + name).size === 0).length;
      const other = openCache(root + "/.capsule/cache");
      const found = await other.lookUp(entry);
      const wrong = found !== null && (await other.read(found)) === null;
      spawnSync("mount", ["-o", "remount,size=1m", root + "/.capsule"]);
      const second = await cache.write(entry, inputs, artifact);
      const again = openCache(root + "/.capsule/cache");
      const whole = (await again.read((await again.lookUp(entry)) ?? "")) !== null && (await again.readSourceMap(artifact.key)) !== null;
      seen.push({ first: first.ok || first.code, left, empty, wrong, second: second.ok, whole });
      spawnSync("umount", [root + "/.capsule"]);
    }
    console.log(JSON.stringify(seen));`;
  mkdirSync(join(at.root, ".capsule"));
  const node = [process.execPath, "--input-type=module", "--eval", script, at.root, at.entry.file];
  const { stdout, stderr } = spawnSync("unshare", ["-rm", ...node], { encoding: "utf8" });
  const seen = JSON.parse(stdout || `"${stderr}"`) as { first: unknown }[];
  assert.deepEqual([...new Set(seen.map(({ first }) => first))].sort(), ["ENOSPC", true]);
  for (const { first, ...rest } of seen)
    assert.deepEqual(rest, { left: 0, empty: 0, wrong: false, second: true, whole: true }, String(first));
});

/** Writes and reads for a while; ends with 1 when it reads something wrong. Prints how many reads and writes did well. */
const WORKER = `
import { observe, openCache } from ${JSON.stringify(new URL("./index.ts", import.meta.url).href)};
const [dir, file, key, n] = process.argv.slice(1);
const cache = openCache(dir);
const entry = { file, version: "1", engine: "e" };
const inputs = await observe([{ kind: "file", path: file }], Date.now() + 60000);
const pages = new Uint8Array(200000).fill(Number(n));
let reads = 0, writes = 0;
for (const end = Date.now() + 400; Date.now() < end; ) {
  const written = await cache.write(entry, inputs, { key, manifest: {}, globals: [Number(n)], pages, bundle: new Uint8Array(0), sourceMap: "{}" });
  if (written.ok) writes++; else if (written.code !== "ENOENT") { console.error(written); process.exit(1); }
  const found = await cache.lookUp(entry);
  if (found !== null && found !== key) { console.error("another key", found); process.exit(1); }
  const artifact = found && (await cache.read(found));
  if (!artifact) continue;
  reads++;
  if (artifact.pages.length !== 200000 || artifact.pages.some((byte) => byte !== artifact.globals[0])) { console.error("mixed"); process.exit(1); }
}
console.log(reads + " " + writes);
`;

async function race(at: Folder, meanwhile?: () => void): Promise<{ reads: number; writes: number }> {
  const timer = meanwhile && setInterval(meanwhile, 5);
  const workers = Array.from({ length: 10 }, async (_, n) => {
    const args = ["--input-type=module", "--eval", WORKER, at.dir, at.entry.file, "7".repeat(64), String(n)];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    child.stdout.on("data", (chunk) => {
      text += chunk;
    });
    child.stderr.on("data", (chunk) => {
      text += chunk;
    });
    const code = await new Promise((done) => child.on("close", done));
    assert.equal(code, 0, text);
    const [reads = 0, writes = 0] = text.trim().split(" ").map(Number);
    return { reads, writes };
  });
  const counts = await Promise.all(workers).finally(() => clearInterval(timer));
  const sum = (of: "reads" | "writes") => counts.reduce((all, each) => all + each[of], 0);
  return { reads: sum("reads"), writes: sum("writes") };
}

test("ten processes at once read and write whole artifacts only", async () => {
  using at = await folder();
  const { reads, writes } = await race(at);
  assert.ok(reads >= 10 && writes >= 10, `${reads} reads, ${writes} writes`);
  assert.deepEqual(
    readdirSync(join(at.dir, "programs")).filter((name) => name.endsWith(".tmp")),
    [],
  );
});

test("it may be deleted at any time", async () => {
  using at = await folder();
  const { writes } = await race(at, () => {
    try {
      rmSync(join(at.root, ".capsule"), { recursive: true, force: true });
    } catch {
      // Filled again while it was emptied.
    }
  });
  assert.ok(writes >= 10, `${writes} writes`);
});

test("it may be pruned while others read", async () => {
  using at = await folder();
  const { reads, writes } = await race(at, () => prune(at.dir, { programs: 0, index: 0, bytes: 0 }));
  assert.ok(writes >= 10, `${reads} reads, ${writes} writes`);
});
