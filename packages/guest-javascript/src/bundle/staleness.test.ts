import assert from "node:assert/strict";
import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync } from "node:fs";
import { test } from "node:test";
import { type Entry, observe, openCache } from "@capsule-run/artifact";
import type { ProgramManifest } from "@capsule-run/protocol";
import { type TestProject, testProject } from "./testing.ts";

/**
 * The promise: whatever happens to the files of a project, a program that would be bundled differently now is not
 * found in the cache. The oracle is bundling it again.
 */
const PKG = (name: string, more: object = {}) =>
  JSON.stringify({ name, version: "1.0.0", main: "i.js", ...more });

const FILES: Readonly<Record<string, string>> = {
  "a.ts": `import { task } from "@capsule-run/sdk"; import { b } from "./b"; import { c } from "./lib"; import pkg from "pkg";
    import { p } from "@/paths"; import data from "./data.json"; export const main = task({}, () => [b, c, pkg, p, data]);`,
  "b.js": "export const b = 1",
  "lib/index.ts": 'export { c } from "../c.ts"; export class C { x = 1 }; globalThis.C = C',
  "c.ts": "export const c = 1; try { require('./maybe') } catch {}",
  "data.json": '{ "x": 1 }',
  "src/first/other.ts": "",
  "src/second/paths.ts": "export const p = 1",
  "other.ts": "export const main = 1",
  "tsconfig.json": '{ "extends": "./tsconfig.base" }',
  "tsconfig.base.json": `{ "compilerOptions": { "paths": { "@/*": ["./src/first/*", "./src/second/*"] } } }`,
  "package.json": '{ "name": "project" }',
  "node_modules/pkg/package.json": PKG("pkg"),
  "node_modules/pkg/i.js": 'exports.x = require("dep")',
  "node_modules/dep/package.json": PKG("dep"),
  "node_modules/dep/i.js": "module.exports = 1",
  "node_modules/.package-lock.json": '{ "packages": {} }',
};

const KEY = "0".repeat(64);

/** Bundles a program and puts it in a cache; gives a look-up. */
async function cached(project: TestProject, file: string) {
  const entry: Entry = { file: project.path(file), version: "1", engine: "e" };
  const cache = openCache(project.path(".capsule/cache"));
  const bundle = await project.bundle(file);
  const inputs = await observe(bundle.inputs, bundle.readAt);
  assert.ok(inputs, "changed while it was bundled");
  const manifest = {} as ProgramManifest;
  const none = new Uint8Array(0);
  const { sourceMap } = bundle;
  const written = await cache.write(entry, inputs, {
    key: KEY,
    manifest,
    globals: [],
    pages: none,
    bundle: none,
    sourceMap,
  });
  assert.deepEqual(written, { ok: true });
  assert.equal(await cache.lookUp(entry), KEY);
  return { found: async () => (await cache.lookUp(entry)) !== null, code: bundle.code };
}

type Change = (project: TestProject) => void;
const write =
  (files: Record<string, string>): Change =>
  (project) =>
    project.write(files);
const remove =
  (...names: string[]): Change =>
  (project) => {
    for (const name of names) rmSync(project.path(name), { recursive: true });
  };

const CHANGES: readonly [what: string, change: Change][] = [
  ["the program itself", write({ "a.ts": `${FILES["a.ts"]} globalThis.x = 1` })],
  ["an imported file", write({ "b.js": "export const b = 2" })],
  [
    "an imported file, with its old time and size",
    (project) => {
      project.write({ "b.js": "export const b = 3" });
      utimesSync(project.path("b.js"), 1, 1);
    },
  ],
  ["a file behind an index file", write({ "c.ts": "export const c = 2" })],
  ["JSON", write({ "data.json": '{ "x": 2 }' })],
  ["an imported file is gone", remove("b.js")],
  ["the program is gone", remove("a.ts")],
  ["a TypeScript file beside the JavaScript file", write({ "b.ts": "export const b = 4" })],
  ["a file beside the folder of the same name", write({ "lib.ts": "export const c = 5" })],
  ["another kind of index file", write({ "lib/index.tsx": "export const c = 6" })],
  [
    "a package.json in the folder",
    write({ "lib/package.json": '{ "main": "main.js" }', "lib/main.js": "export const c = 7" }),
  ],
  ["a file that was looked for in vain", write({ "maybe.ts": "globalThis.maybe = 1" })],
  ["a file for an earlier path of tsconfig.json", write({ "src/first/paths.ts": "export const p = 2" })],
  [
    "a folder for an earlier path of tsconfig.json",
    write({ "src/first/paths/index.ts": "export const p = 3" }),
  ],
  [
    "tsconfig.json: other paths",
    write({
      "tsconfig.json": '{ "compilerOptions": { "paths": { "@/*": ["./src/third/*"] } } }',
      "src/third/paths.ts": "export const p = 4",
    }),
  ],
  [
    "what tsconfig.json extends",
    write({
      "tsconfig.base.json":
        '{ "compilerOptions": { "paths": { "@/*": ["./src/second/*"] }, "useDefineForClassFields": false } }',
    }),
  ],
  ["tsconfig.json is gone", remove("tsconfig.json")],
  [
    "a tsconfig.json in a folder",
    write({
      "lib/tsconfig.json": '{ "compilerOptions": { "useDefineForClassFields": false, "target": "es2015" } }',
    }),
  ],
  [
    "package.json: imports without effects",
    write({
      "package.json": '{ "name": "project", "sideEffects": false }',
      "a.ts": 'import "./b"; import "./c"',
    }),
  ],
  ["a package's file", write({ "node_modules/pkg/i.js": "exports.x = 2" })],
  [
    "a package's package.json",
    write({
      "node_modules/pkg/package.json": PKG("pkg", { main: "other.js" }),
      "node_modules/pkg/other.js": "exports.x = 3",
    }),
  ],
  ["a package of a package", write({ "node_modules/dep/i.js": "module.exports = 2" })],
  [
    "a package of a package in a nearer place, as the package manager records it",
    write({
      "node_modules/pkg/node_modules/dep/package.json": PKG("dep"),
      "node_modules/pkg/node_modules/dep/i.js": "module.exports = 3",
      "node_modules/.package-lock.json": '{ "packages": { "node_modules/pkg/node_modules/dep": {} } }',
    }),
  ],
  ["a package is gone", remove("node_modules/pkg")],
  ["node_modules is gone", remove("node_modules")],
  [
    "a package that is a link elsewhere now",
    (project) => {
      project.write({ "packages/pkg/package.json": PKG("pkg"), "packages/pkg/i.js": "exports.x = 4" });
      rmSync(project.path("node_modules/pkg"), { recursive: true });
      symlinkSync(project.path("packages/pkg"), project.path("node_modules/pkg"), "dir");
    },
  ],
  [
    "a folder that is a link elsewhere now",
    (project) => {
      project.write({ "lib2/index.ts": "export const c = 8" });
      renameSync(project.path("lib"), project.path("lib1"));
      symlinkSync(project.path("lib2"), project.path("lib"), "dir");
    },
  ],
  [
    "the program is a link elsewhere now",
    (project) => {
      rmSync(project.path("a.ts"));
      symlinkSync(project.path("other.ts"), project.path("a.ts"));
    },
  ],
  ["the SDK", (project) => project.write({ "../sdk/guest.ts": "export const task = (a, b) => 2" })],
];

for (const [what, change] of CHANGES)
  test(`stale: ${what}`, async () => {
    using project = testProject(FILES);
    const { found, code } = await cached(project, "a.ts");
    change(project);
    const now = await project.bundle("a.ts").then(
      (bundle) => bundle.code,
      () => "an error",
    );
    assert.notEqual(now, code, "the case is no case: bundling gives the same");
    assert.equal(await found(), false);
  });

const HARMLESS: readonly [what: string, change: Change][] = [
  ["nothing", () => {}],
  ["another program", write({ "other.ts": "export const main = 2" })],
  ["new files", write({ "new.ts": "1", "b2.ts": "2", "out/result.json": "3", "lib/indexes.ts": "4" })],
  ["files that are gone", remove("other.ts")],
  ["a time of change", (project) => utimesSync(project.path("b.js"), 1, 1)],
  ["the same content again", write({ "b.js": FILES["b.js"] as string })],
  ["a package that is not used", write({ "node_modules/unused/package.json": PKG("unused") })],
];

for (const [what, change] of HARMLESS)
  test(`still fresh: ${what}`, async () => {
    using project = testProject(FILES);
    const { found } = await cached(project, "a.ts");
    change(project);
    assert.equal(await found(), true);
  });

test("a new node_modules nearer to the program", async () => {
  using project = testProject({ "x/y/a.ts": 'import pkg from "pkg"; pkg()', ...FILES });
  const { found } = await cached(project, "x/y/a.ts");
  project.write({
    "x/node_modules/pkg/package.json": PKG("pkg"),
    "x/node_modules/pkg/i.js": "module.exports = 1",
  });
  assert.equal(await found(), false);
});

test("packages without any record of a package manager: their names count", async () => {
  using project = testProject(FILES);
  rmSync(project.path("node_modules/.package-lock.json"));
  const { found } = await cached(project, "a.ts");
  project.write({ "node_modules/new/package.json": PKG("new") });
  assert.equal(await found(), false);
});

test("links inside the project: to a file, through a folder", async () => {
  using project = testProject({
    "a.ts": 'import { v } from "./current"; import { w } from "./dir/w"; globalThis.out = [v, w]',
    "v1.ts": "export const v = 1",
    "v2.ts": "export const v = 2",
    "d1/w.ts": "export const w = 1",
    "d2/w.ts": "export const w = 2",
  });
  const link = (name: string, to: string) => {
    rmSync(project.path(name), { force: true });
    symlinkSync(project.path(to), project.path(name));
  };
  link("current.ts", "v1.ts");
  link("dir", "d1");
  let { found } = await cached(project, "a.ts");
  link("current.ts", "v2.ts");
  assert.equal(await found(), false);
  ({ found } = await cached(project, "a.ts"));
  link("dir", "d2");
  assert.equal(await found(), false);
});

test("programs in one folder do not disturb one another", async () => {
  using project = testProject({
    "a.ts": 'import "./shared"; 1',
    "b.ts": 'import "./shared"; 2',
    "shared.ts": "3",
  });
  const a = await cached(project, "a.ts");
  const b = await cached(project, "b.ts");
  project.write({ "b.ts": "4" });
  assert.deepEqual([await a.found(), await b.found()], [true, false]);
  project.write({ "shared.ts": "5" });
  assert.equal(await a.found(), false);
});

test("what changed after the bundling is not taken for what was bundled", async () => {
  using project = testProject({ "a.ts": 'import "./b"', "b.ts": "1" });
  const bundle = await project.bundle("a.ts");
  project.write({ "b.ts": "2" });
  assert.equal(await observe(bundle.inputs, bundle.readAt), null);
  mkdirSync(project.path("empty"));
});
