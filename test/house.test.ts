/** The walls of the house: which package may import which. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { HOUSE, importsOf, violations } from "./support/imports.ts";

const folder = mkdtempSync(join(tmpdir(), "capsule-house-"));
after(() => rmSync(folder, { recursive: true }));

test("packages import each other in one direction only", () => {
  assert.deepEqual(violations(fileURLToPath(new URL("../packages", import.meta.url))), []);
});

const ARCHITECTURE = readFileSync(new URL("../docs/architecture.md", import.meta.url), "utf8");

test("the docs have a row for each package", () => {
  const [, table = ""] = ARCHITECTURE.split("## Packages\n");
  const rows = [...(table.split("\n\n")[0] ?? "").matchAll(/^\| `([a-z-]+)`/gm)].map(([, name]) => name);
  assert.deepEqual(rows.sort(), readdirSync(new URL("../packages", import.meta.url)).sort());
});

test("a part never allows one that allows it", () => {
  const top = (part: string): string => part.split("/")[0] as string;
  for (const [part, allowed] of Object.entries(HOUSE))
    for (const other of allowed.map(top))
      if (other !== top(part)) assert.ok(!HOUSE[other]?.map(top).includes(top(part)), `${part} and ${other}`);
});

test("imports of every form are seen, and none in comments and strings", () => {
  const source = [
    'import a, { type B } from "one";',
    "import {\n  c,\n  d,\n} from 'two';",
    'import type { E } from "three";',
    'export * from "four";',
    'export { f } from "five";',
    'import "six";',
    'const g = await import("seven");',
    '// import "no";',
    '/* import "no"; */',
    `const h = \`\nimport "no";\n\`;`,
    'const i = "import";',
  ];
  assert.deepEqual(importsOf(source.join("\n")).sort(), [
    ...["five", "four", "one", "seven", "six", "three", "two"],
  ]);
});

test("each way over a wall is found", () => {
  const files: Readonly<Record<string, string>> = {
    "protocol/package.json": '{ "exports": { ".": "./src/index.ts" } }',
    "wasm/package.json": '{ "exports": { ".": "./src/index.ts", "./host": "./src/host/index.ts" } }',
    "guest-javascript/package.json": '{ "exports": { "./bundle": "./src/bundle/index.ts" } }',
    "protocol/src/index.ts": 'import { readFileSync } from "node:fs";\nimport { x } from "./own.ts";',
    "protocol/src/index.test.ts": 'import "@capsule-run/wasm";',
    "cell/src/javascript.ts": 'import "@capsule-run/wasm/host";\nimport "@capsule-run/wasm";',
    "cell/src/late.ts": 'export const f = () => import("@capsule-run/guest-javascript/bundle");',
    "guest-javascript/src/drive/a.ts": 'import "../bundle/index.ts";\nimport "../door.ts";',
    "guest-javascript/src/trace/a.ts": 'import "../bundle/index.ts";',
    "scheduler/src/a.ts": 'import type { Runtime } from "../../runtime/src/api.ts";',
    "cli/src/a.ts": 'import "../../../scripts/build.ts";',
    "attic/src/a.ts": "",
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const found = violations(folder).map((line) => line.split(/[:,(]/)[0]?.trim());
  assert.deepEqual(found.sort(), [
    "attic/src/a.ts",
    "cell/src/javascript.ts imports @capsule-run/wasm",
    "cell/src/late.ts imports @capsule-run/guest-javascript/bundle",
    "cli/src/a.ts imports ../../../scripts/build.ts",
    "guest-javascript/src/drive/a.ts imports ../bundle/index.ts",
    "protocol/src/index.ts imports node",
    "scheduler/src/a.ts imports ../../runtime/src/api.ts",
  ]);
});
