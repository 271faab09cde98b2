import assert from "node:assert/strict";
import { test } from "node:test";
import { commonText, declarationsOf, type Manifest, publishedManifest } from "./manifest.ts";

const MANIFEST: Manifest = {
  name: "@capsule-run/x",
  version: "1.0.0",
  description: "x",
  license: "Apache-2.0",
  engines: { node: ">=24" },
  files: ["dist"],
  exports: {
    ".": { types: "./dist/index.d.ts", default: "./dist/index.js" },
    "./package.json": "./package.json",
  },
};
const RELEASED = new Set(["@capsule-run/x", "@capsule-run/y"]);

test("a manifest loses what only developers need, and gets types for both kinds of modules", () => {
  const published = publishedManifest(
    {
      ...MANIFEST,
      scripts: {},
      devDependencies: { a: "1" },
      dependencies: { "@capsule-run/y": "1.0.0", z: "^2" },
    } as Manifest,
    RELEASED,
  );
  assert.deepEqual(published, {
    ...MANIFEST,
    dependencies: { "@capsule-run/y": "1.0.0", z: "^2" },
    exports: {
      ".": {
        import: { types: "./dist/index.d.ts", default: "./dist/index.js" },
        require: { types: "./dist/index.d.cts", default: "./dist/index.js" },
        default: "./dist/index.js",
      },
      "./package.json": "./package.json",
    },
  });
});

test("publishConfig takes the place of what the workspace uses", () => {
  const { exports, publishConfig } = publishedManifest(
    {
      ...MANIFEST,
      exports: { ".": "./src/index.ts" },
      publishConfig: { exports: { ".": "./dist/index.js" } },
    },
    RELEASED,
  );
  assert.deepEqual([exports, publishConfig], [{ ".": "./dist/index.js" }, undefined]);
});

test("what would not work at the user's is refused", () => {
  const refused = (more: object): void => void publishedManifest({ ...MANIFEST, ...more }, RELEASED);
  assert.throws(
    () => refused({ dependencies: { "@capsule-run/private": "1.0.0" } }),
    /which is not published/,
  );
  assert.throws(() => refused({ peerDependencies: { "@capsule-run/y": "1.0.1" } }), /but this is 1\.0\.0/);
  assert.throws(() => refused({ license: undefined }), /no field "license"/);
  assert.throws(() => refused({ engines: undefined }), /no field "engines"/);
});

test("copies of declarations name copies", () => {
  assert.equal(
    commonText('export { a } from "./a.js"; import("../b/c.js"); import { x } from "x.js"; import "ai";'),
    'export { a } from "./a.cjs"; import("../b/c.cjs"); import { x } from "x.js"; import "ai";',
  );
});

test("only declarations that entries lead to are kept", () => {
  const files: Readonly<Record<string, string>> = {
    "dist/index.d.ts": 'export * from "./a/b.js"; import type { X } from "other";',
    "dist/a/b.d.ts": 'export { c } from "../c.js"; export type { i } from "../index.js";',
    "dist/c.d.ts": "",
    "dist/unused.d.ts": "",
  };
  const kept = declarationsOf(MANIFEST, (path) => files[path] as string);
  assert.deepEqual([...kept], ["dist/index.d.ts", "dist/a/b.d.ts", "dist/c.d.ts"]);
});
