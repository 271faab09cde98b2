import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { build, type Metafile } from "esbuild";
import {
  bundledPackages,
  collectLicences,
  LICENCES_FILE,
  mcpComponents,
  quickJsVersion,
  readComponent,
  shippedComponents,
  sorted,
  writeLicences,
} from "./licences.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** The bundles that run on the host, made as the build makes them, as far as it matters for what is in them. */
async function hostMetafile(): Promise<Metafile> {
  const { metafile } = await build({
    entryPoints: [
      ...["packages/cli/src/entry.ts", "packages/cli/src/main.ts", "packages/runtime/src/prepare-python.ts"],
      ...["packages/cell/src/javascript.ts", "packages/cell/src/python.ts"],
    ],
    absWorkingDir: root,
    outdir: "out",
    bundle: true,
    write: false,
    metafile: true,
    platform: "node",
    format: "esm",
    splitting: true,
    external: ["esbuild"],
    logLevel: "silent",
  });
  return metafile;
}

/** An installed package in a folder of its own; removed at the end of the test. */
function installed(files: Readonly<Record<string, string>>): { folder: string } & Disposable {
  const top = mkdtempSync(join(tmpdir(), "capsule-licences-"));
  const folder = join(top, "node_modules", "some");
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return { folder, [Symbol.dispose]: () => rmSync(top, { recursive: true }) };
}

const MANIFEST = JSON.stringify({ name: "some", version: "1.2.3", license: "MIT" });

test("every package whose code is shipped brings its licence", async () => {
  const components = await shippedComponents([await hostMetafile()], root);
  const names = components.map(({ name }) => name);
  for (const expected of ["acorn", "smol-toml", "whatwg-url", "quickjs-wasi", "QuickJS-NG (in quickjs-wasi)"])
    assert.ok(names.includes(expected), `${expected} among ${names.join(", ")}`);
  for (const tool of ["typescript", "esbuild", "wabt", "node"]) assert.ok(!names.includes(tool), tool);
  for (const { name, text } of components) assert.ok(text.length > 200, `the licence of ${name}`);
});

test("of all that the SDK of MCP has within its files, we ship what we name and no more", async () => {
  const folder = join(root, "node_modules/@modelcontextprotocol/server/dist");
  const files = readdirSync(folder).filter((name) => /^(?:src|mcp|stdio|listenRouter)\b.*\.mjs$/.test(name));
  const inside = files.flatMap((name) =>
    [...readFileSync(join(folder, name), "utf8").matchAll(/^\/\/#region .*\.pnpm\/([^/]+)\//gm)].map(
      (match) => match[1],
    ),
  );
  assert.deepEqual(
    [...new Set(inside)],
    mcpComponents().map(({ name, version }) => `${name.replace(/ .*/, "")}@${version}`),
  );
});

test("NOTICE names every component", async () => {
  const notice = readFileSync(join(root, "NOTICE"), "utf8");
  for (const { name } of await shippedComponents([await hostMetafile()], root)) {
    const plain = name.replace(/ \(in .*| by way of .*|,.*/g, "");
    assert.ok(notice.includes(plain), `${plain} in NOTICE`);
  }
});

test("finds packages by what is left of them in the outputs", () => {
  const metafile = {
    inputs: {},
    outputs: {
      "out.js": {
        inputs: {
          "src/a.ts": { bytesInOutput: 10 },
          "node_modules/one/lib/a.js": { bytesInOutput: 10 },
          "node_modules/shaken/a.js": { bytesInOutput: 0 },
          "node_modules/@scope/two/a.js": { bytesInOutput: 1 },
          "../up/node_modules/one/node_modules/three/a.js": { bytesInOutput: 1 },
        },
      },
    },
  } as unknown as Metafile;
  assert.deepEqual(bundledPackages([metafile], "/at/here"), [
    "/at/here/node_modules/@scope/two",
    "/at/here/node_modules/one",
    "/at/up/node_modules/one/node_modules/three",
  ]);
});

test("a package without a licence text can't be shipped", () => {
  using without = installed({ "package.json": MANIFEST, NOTICE: "something" });
  assert.throws(() => readComponent(without.folder), /some 1\.2\.3 is bundled but brings no licence text/);
  using nameless = installed({ "package.json": JSON.stringify({ name: "some", version: "1.2.3" }) });
  assert.throws(() => readComponent(nameless.folder), /names no licence/);
});

test("takes licence and notice, under the names packages give them", () => {
  for (const name of ["LICENSE", "LICENCE.md", "license.txt", "LICENSE-MIT.txt", "COPYING"]) {
    using some = installed({ "package.json": MANIFEST, [name]: "the licence\n", "NOTICE.txt": "the notice" });
    assert.deepEqual(readComponent(some.folder), {
      name: "some",
      version: "1.2.3",
      licence: "MIT",
      text: "the licence\n\nthe notice",
    });
  }
});

test("writes all of it into one file", async () => {
  using some = installed({});
  mkdirSync(join(some.folder, "engine-javascript"));
  await writeLicences(some.folder, [await hostMetafile()], root);
  const text = readFileSync(join(some.folder, LICENCES_FILE), "utf8");
  assert.ok(text.includes(`QuickJS-NG (in quickjs-wasi)\nVersion: ${quickJsVersion()}\nLicence: MIT`));
  assert.match(text, /Fabrice Bellard/);
  const engine = readFileSync(join(some.folder, "engine-javascript", "LICENSES.txt"), "utf8");
  assert.match(engine, /Fabrice Bellard/);
  assert.doesNotMatch(engine, /^esbuild/m);
});

test("lists a component once", () => {
  const one = { name: "one", version: "1.0.0", licence: "MIT", text: "text" };
  const two = { ...one, name: "a" };
  assert.deepEqual(sorted([one, two, { ...one }]), [two, one]);
  assert.match(collectLicences([one]), /^- one 1\.0\.0: MIT$/m);
});
