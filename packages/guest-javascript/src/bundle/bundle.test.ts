import assert from "node:assert/strict";
import { test } from "node:test";
import { UsageError } from "@capsule-run/protocol";
import { runInEngine, type TestProject, testProject } from "./testing.ts";

/** Bundles `main.ts` (or another file), runs it, gives what it left in `globalThis.out`. */
async function outOf(project: TestProject, file = "main.ts"): Promise<unknown> {
  const { code } = await project.bundle(file);
  const { out, error } = await runInEngine(code);
  assert.equal(error, null, JSON.stringify(error));
  return out;
}

async function failureOf(project: TestProject, file = "main.ts"): Promise<UsageError> {
  try {
    await project.bundle(file);
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error));
    return error;
  }
  assert.fail("bundled without an error");
}

const PACKAGE = (fields: object) => JSON.stringify({ name: "pkg", version: "1.0.0", ...fields });

const PROGRAMS: readonly [what: string, files: Record<string, string>, out: unknown, entry?: string][] = [
  [
    "TypeScript with the SDK",
    {
      "main.ts": `import { task, type TaskResult } from "@capsule-run/sdk";
        enum Color { Red, Green }
        export const main = task({ name: "main" }, (x: number): number => x + Color.Green);
        globalThis.out = main(1) satisfies number;`,
    },
    2,
  ],
  ["plain JavaScript", { "main.js": "globalThis.out = 1 + 1" }, 2, "main.js"],
  [
    "a .mjs",
    { "main.mjs": 'import { x } from "./x.mjs"; globalThis.out = x', "x.mjs": "export const x = 3" },
    3,
    "main.mjs",
  ],
  [
    "a .cjs",
    { "main.cjs": 'const { x } = require("./x.cjs"); globalThis.out = x', "x.cjs": "exports.x = 4" },
    4,
    "main.cjs",
  ],
  ["a .mts", { "main.mts": "const x: number = 5; globalThis.out = x; export {}" }, 5, "main.mts"],
  [
    "a .cts",
    { "main.cts": "const x: number = 6; globalThis.out = x; module.exports = { x }" },
    6,
    "main.cts",
  ],
  [
    "JSX, classic by default",
    { "main.jsx": "const React = { createElement: (...a) => a }; globalThis.out = <b id='x'>é</b>" },
    ["b", { id: "x" }, "é"],
    "main.jsx",
  ],
  [
    "TSX as the project's tsconfig.json says",
    {
      "tsconfig.json": `{ // comments are allowed
        "compilerOptions": { "jsx": "react-jsx", "jsxImportSource": "./jsx", } }`,
      "main.tsx": "const x: string = 'y'; globalThis.out = <b>{x}</b>",
      "jsx/jsx-runtime.ts": "export const jsx = (tag: string, props: object) => ({ tag, props })",
    },
    { tag: "b", props: { children: "y" } },
    "main.tsx",
  ],
  [
    "JSON, with and without an import attribute, and text",
    {
      "main.ts": `import a from "./a.json" with { type: "json" }; import { b } from "./a.json"; import t from "./t.txt";
        import md from "./t.md"; globalThis.out = [a.b, b, t, md];`,
      "a.json": '{ "b": 7 }',
      "t.txt": "text",
      "t.md": "# é",
    },
    [7, 7, "text", "# é"],
  ],
  [
    "cycles",
    {
      "main.ts": 'import { even } from "./even.ts"; globalThis.out = even(10)',
      "even.ts":
        'import { odd } from "./odd.ts"; export const even = (n: number): boolean => n === 0 || odd(n - 1)',
      "odd.ts":
        'import { even } from "./even.ts"; export const odd = (n: number): boolean => n !== 0 && even(n - 1)',
    },
    true,
  ],
  [
    "dynamic import, evaluated when first imported, and top-level await",
    {
      "main.ts": `globalThis.log = []; log.push("before"); const { x } = await import("./x.ts");
        log.push(x); globalThis.out = log`,
      "x.ts": 'globalThis.log.push("x"); export const x = await Promise.resolve(8)',
    },
    ["before", "x", 8],
  ],
  [
    "a package: browser build before main, conditions, sub-path exports",
    {
      "main.ts":
        'import a from "a"; import b from "b"; import sub from "b/sub"; globalThis.out = [a, b, sub]',
      "node_modules/a/package.json": PACKAGE({ main: "node.js", browser: "browser.js" }),
      "node_modules/a/node.js": 'module.exports = require("fs").readFileSync("x")',
      "node_modules/a/browser.js": 'module.exports = "browser"',
      "node_modules/b/package.json": PACKAGE({
        exports: {
          ".": { node: "./node.js", worker: "./worker.js", default: "./node.js" },
          "./sub": "./sub.mjs",
        },
      }),
      "node_modules/b/node.js": "throw 1",
      "node_modules/b/worker.js": 'exports.default = "worker"; exports.__esModule = true',
      "node_modules/b/sub.mjs": 'export default "sub"',
    },
    ["browser", "worker", "sub"],
  ],
  [
    "names that are not ASCII",
    {
      "größe ü/мейн.ts":
        'import { ñ } from "./日本.ts"; const größe = "😀"; globalThis.out = ñ + größe + /é+/.exec("ééé")![0]',
      "größe ü/日本.ts": 'export const ñ = "ß"',
    },
    "ß😀ééé",
    "größe ü/мейн.ts",
  ],
  [
    "syntax that QuickJS does not know itself, or knows since recently",
    {
      "main.ts": `const seen: string[] = []; const log = (v: unknown, c: { name: PropertyKey }) => { seen.push(String(c.name)); };
        class A { @log m() {} @log accessor x = 1; static { seen.push("static"); } #p = 2; has(o: object) { return #p in o; } }
        { using d = { [Symbol.dispose]() { seen.push("disposed"); } }; }
        globalThis.out = [seen, new A().has(new A()), /[\\p{L}--[a-z]]/v.test("A")];`,
    },
    [["m", "x", "static", "disposed"], true, true],
  ],
  [
    "process.env.NODE_ENV is production; global is globalThis",
    {
      "main.ts": `globalThis.out = [process.env.NODE_ENV, typeof global.setTimeout, __dirname]`,
    },
    ["production", "undefined", "/app"],
  ],
  [
    "Node's built-in modules can be imported, destructured, extended",
    {
      "main.ts": `import net, { connect } from "node:net"; import * as dns from "dns"; import { Socket } from "net";
        const { randomBytes } = require("crypto"); const { gzip } = require("node:zlib");
        class Mine extends Socket {} const bound = net.connect.bind(net);
        const say = (run: () => unknown) => { try { return run(); } catch (e) { return e.message; } };
        globalThis.out = [say(() => connect("x")), say(() => dns.lookup("a", "b")), say(() => new Mine()), say(() => dns.promises.lookup("x")),
          say(() => randomBytes(1)), say(() => String(net.constants)), typeof gzip, net instanceof Object, "then" in await import("node:net"), typeof bound];`,
    },
    [
      '"node:net" is not available inside a sandbox (connect): a sandbox has no sockets; use fetch or node:http',
      '"node:dns" is not available inside a sandbox (lookup): the host looks names up; use fetch',
      '"node:net" is not available inside a sandbox (Socket): a sandbox has no sockets; use fetch or node:http',
      '"node:dns" is not available inside a sandbox (promises.lookup): the host looks names up; use fetch',
      '"node:crypto" is not available inside a sandbox (randomBytes)',
      '"node:net" is not available inside a sandbox (constants): a sandbox has no sockets; use fetch or node:http',
      "function",
      true,
      false,
      "function",
    ],
  ],
  [
    "built-in modules: globals live on in them, packages of their name come first, browser: false is an empty module",
    {
      "main.ts": `globalThis.crypto = { randomUUID: () => "id" }; import { webcrypto, randomUUID } from "crypto"; import dns from "dns"; import events from "events";
        import pkg from "pkg"; globalThis.out = [webcrypto === crypto, randomUUID(), dns, events, pkg]`,
      "node_modules/events/package.json": PACKAGE({ main: "index.js" }),
      "node_modules/events/index.js": 'module.exports = "theirs"',
      "node_modules/dns/package.json": PACKAGE({ main: "index.js" }),
      "node_modules/dns/index.js": 'module.exports = "the package"',
      "node_modules/pkg/package.json": PACKAGE({ main: "index.js", browser: { fs: false } }),
      "node_modules/pkg/index.js": 'module.exports = Object.keys(require("fs"))',
    },
    [true, "id", "the package", "ours", []],
  ],
  [
    "the place of each of the program's own files; packages have the program's",
    {
      "src/main.ts": `import { at } from "./deep/x"; import { there } from "pkg"; const text = "import.meta.url";
        globalThis.out = [__dirname, import.meta.dirname, import.meta.url, ...at, there, text];`,
      "src/deep/x.ts":
        "export enum E { A = 5 }\nexport const at = [__filename, import.meta.filename, import.meta.url, E.A];",
      "node_modules/pkg/package.json": PACKAGE({ main: "index.js" }),
      "node_modules/pkg/index.js": "exports.there = __dirname",
    },
    [
      ...["/app/src", "/app/src", "file:///app/src/main.ts", "/app/src/deep/x.ts", "/app/src/deep/x.ts"],
      ...["file:///app/src/deep/x.ts", 5, "/", "import.meta.url"],
    ],
    "src/main.ts",
  ],
  [
    "native addons and what packages need of Node: named with package, module and reason, where they are reached",
    {
      "main.ts": `import { optional, needs, loader } from "pkg"; const say = (run) => { try { return run() } catch (e) { return e.message } };
        globalThis.out = [optional, say(needs), say(loader)];`,
      "node_modules/pkg/package.json": PACKAGE({ main: "index.js" }),
      "node_modules/pkg/index.js": `let optional = "slow"; try { optional = require("./build/Release/fast.node") } catch (e) { optional = e.message }
        const net = require("net"); const load = require("bindings");
        module.exports = { optional, needs: () => net.connect(1), loader: () => load("x") };`,
      "node_modules/pkg/build/Release/fast.node": "ELF",
    },
    [
      'The package "pkg" needs a native addon (fast.node), which can\'t be loaded inside a sandbox: only JavaScript runs there',
      '"node:net" is not available inside a sandbox (connect); the package "pkg" needs it: a sandbox has no sockets; use fetch or node:http',
      'The package "pkg" needs a native addon (bindings), which can\'t be loaded inside a sandbox: only JavaScript runs there',
    ],
  ],
  [
    "require that fails is caught as in Node",
    { "main.js": 'let x = "none"; try { x = require("not-installed") } catch {} globalThis.out = x' },
    "none",
    "main.js",
  ],
  [
    "paths of tsconfig.json and imports of package.json",
    {
      "tsconfig.json": '{ "extends": "./base.json" }',
      "base.json": '{ "compilerOptions": { "paths": { "@/*": ["./src/*"] } } }',
      "package.json": '{ "imports": { "#x": "./src/x.ts" } }',
      "main.ts": 'import { x } from "@/x"; import { x as y } from "#x"; globalThis.out = x + y',
      "src/x.ts": "export const x = 1",
    },
    2,
  ],
  [
    "a byte order mark, a hashbang, lines that end in CR LF",
    {
      "main.ts": '#!/usr/bin/env capsule\r\nimport { x } from "./x";\r\nglobalThis.out = x;\r\n',
      "x.ts": "\ufeffexport const x = 9",
    },
    9,
  ],
];

for (const [what, files, out, entry] of PROGRAMS)
  test(`bundles ${what}`, async () => {
    using project = testProject(files);
    assert.deepEqual(await outOf(project, entry), out);
  });

test("bundles papaparse", async () => {
  using project = testProject({
    "main.ts": 'import Papa from "papaparse"; globalThis.out = Papa.parse("a,b\\n1,2").data',
  });
  const { symlinkSync, mkdirSync } = await import("node:fs");
  const { dirname } = await import("node:path");
  const { fileURLToPath } = await import("node:url");
  mkdirSync(project.path("node_modules"));
  symlinkSync(
    dirname(fileURLToPath(import.meta.resolve("papaparse/package.json"))),
    project.path("node_modules/papaparse"),
  );
  assert.deepEqual(await outOf(project), [
    ["a", "b"],
    ["1", "2"],
  ]);
});

test("keeps names and async", async () => {
  using project = testProject({
    "main.ts":
      "export async function main(name?: string) { return await greet(name) } const greet = async (n) => n; globalThis.out = [main.name, greet.name, main.toString(), greet.constructor.name]",
  });
  assert.deepEqual(await outOf(project), [
    "main",
    "greet",
    "async function main(name) {\n  return await greet(name);\n}",
    "AsyncFunction",
  ]);
});

test("nothing in a bundle or its source map says where the machine keeps its files", async () => {
  using project = testProject({
    "src/main.ts":
      'import { task } from "@capsule-run/sdk"; import "x"; process.env; export const main = task({}, () => 1)',
    "node_modules/x/package.json": PACKAGE({ main: "x.js" }),
    "node_modules/x/x.js": "module.exports = require('fs')",
  });
  const { code, sourceMap } = await project.bundle("src/main.ts");
  const { sources, sourcesContent } = JSON.parse(sourceMap) as {
    sources: string[];
    sourcesContent: string[];
  };
  assert.deepEqual(sources, ["capsule:node:fs", "node_modules/x/x.js", "capsule:sdk", "src/main.ts"]);
  assert.equal(sourcesContent.length, sources.length);
  for (const text of [code, sourceMap]) assert.ok(!text.includes(project.root) && !text.includes("guest.ts"));
});

test("warns of an SDK of another major version in the project", async () => {
  const files = (version: string) => ({
    "main.ts": 'import { task } from "@capsule-run/sdk"; task({}, () => 1)',
    "node_modules/@capsule-run/sdk/package.json": JSON.stringify({ name: "@capsule-run/sdk", version }),
  });
  using other = testProject(files("2.0.0"));
  const { warnings } = await other.bundle("main.ts");
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] as string, /@capsule-run\/sdk 2\.0\.0 .* Capsule 1\.2\.3/);
  using same = testProject(files("1.0.0"));
  assert.deepEqual((await same.bundle("main.ts")).warnings, []);
});

test("warnings have a place; those about packages are left out", async () => {
  using project = testProject({
    "main.ts": 'import "x"; import * as b from "./b"; globalThis.out = b.nope',
    "b.ts": "export const yes = 1",
    "node_modules/x/package.json": PACKAGE({ main: "x.mjs" }),
    "node_modules/x/x.mjs": 'import * as y from "./y.mjs"; y.nope',
    "node_modules/x/y.mjs": "export {}",
  });
  const { warnings } = await project.bundle("main.ts");
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] as string, /^main\.ts:1:\d+: Import "nope" will always be undefined/);
});

const FAILURES: readonly [
  what: string,
  files: Record<string, string>,
  expected: { message: RegExp; line: number; column: number; excerpt: string; file?: string },
][] = [
  [
    "a syntax error",
    { "main.ts": "const a = 1;\nconst b = ;\nconst c = 2;\nconst d = 3;\n" },
    {
      message: /^Unexpected ";"$/,
      line: 2,
      column: 11,
      excerpt: "  1 | const a = 1;\n> 2 | const b = ;\n    |           ^\n  3 | const c = 2;",
    },
  ],
  [
    "a syntax error behind letters that take several bytes, and tabs",
    { "main.ts": '\tconst ü = "é😀日" + ;' },
    {
      message: /^Unexpected ";"$/,
      line: 1,
      column: 21,
      excerpt: '> 1 | \tconst ü = "é😀日" + ;\n    | \t                    ^',
    },
  ],
  [
    "an import that is not there, in another file",
    { "main.ts": 'import "./src/a"', "src/a.ts": '\n\nimport x from "./b";\nx()' },
    {
      message: /^Could not resolve "\.\/b": there is no such file$/,
      file: "src/a.ts",
      line: 3,
      column: 15,
      excerpt: '  1 |\n  2 |\n> 3 | import x from "./b";\n    |               ^\n  4 | x()',
    },
  ],
  [
    "a package that is not installed",
    { "main.ts": 'import x from "lodahs"; x()' },
    {
      message: /^Could not resolve "lodahs": is the package installed\?$/,
      line: 1,
      column: 15,
      excerpt: '> 1 | import x from "lodahs"; x()\n    |               ^',
    },
  ],
  [
    "a name that a file does not export",
    {
      "main.ts": 'import { nope } from "./b";\nnope()',
      "b.ts": "export const yes = 1; export default 2; export type T = 1",
    },
    {
      message: /^"nope" is not exported by "b\.ts": it exports default, yes$/,
      line: 1,
      column: 10,
      excerpt: '> 1 | import { nope } from "./b";\n    |          ^\n  2 | nope()',
    },
  ],
  [
    "a name that the SDK does not export",
    { "main.ts": 'import { task, tasks } from "@capsule-run/sdk";\ntasks.x()' },
    {
      message: /^"tasks" is not exported by "@capsule-run\/sdk": it exports task$/,
      line: 1,
      column: 16,
      excerpt:
        '> 1 | import { task, tasks } from "@capsule-run/sdk";\n    |                ^\n  2 | tasks.x()',
    },
  ],
  [
    "the SDK's part for host programs",
    { "main.ts": 'import { run } from "@capsule-run/sdk/runner"; run()' },
    {
      message: /^"@capsule-run\/sdk\/runner" is for programs outside of sandboxes/,
      line: 1,
      column: 21,
      excerpt: '> 1 | import { run } from "@capsule-run/sdk/runner"; run()\n    |                     ^',
    },
  ],
  [
    "a tsconfig.json that is broken",
    { "main.ts": "1", "tsconfig.json": '{ "compilerOptions": ' },
    {
      message: /./,
      file: "tsconfig.json",
      line: 1,
      column: 22,
      excerpt: '> 1 | { "compilerOptions":\n    |                      ^',
    },
  ],
];

for (const [what, files, expected] of FAILURES)
  test(`says where: ${what}`, async () => {
    using project = testProject(files);
    const error = await failureOf(project);
    const missing = /^(?:Could not resolve|"\w+" is not exported by) /.test(error.text);
    assert.equal(error.slug, missing ? "unresolved-import" : "compile");
    assert.match(error.text, expected.message);
    assert.deepEqual(error.place, {
      file: expected.file ?? "main.ts",
      line: expected.line,
      column: expected.column,
    });
    assert.equal(error.excerpt, expected.excerpt);
  });

test("lists several errors, ten at most", async () => {
  const imports = Array.from({ length: 14 }, (_, n) => `import x${n} from "./no${n}"; x${n}();`).join("\n");
  using project = testProject({ "main.ts": imports });
  const error = await failureOf(project);
  const lines = error.text.split("\n");
  assert.match(lines[0] as string, /^Could not resolve "\.\/no0"/);
  assert.equal(lines[1], "13 more:");
  assert.equal(lines[2], '  main.ts:2:16: Could not resolve "./no1": there is no such file');
  assert.equal(lines.length, 12);
  assert.equal(lines.at(-1), "  and 4 that are not shown");
});

test("files are named from where the user stands", async () => {
  const { bundleProgram } = await import("./index.ts");
  using project = testProject({ "src/deep/main.ts": "let x = ;", "lib/.keep": "" });
  const from = (cwd: string, file: string) =>
    bundleProgram({ file, root: project.root, sdk: project.sdk, cwd: project.path(cwd) }).then(
      () => assert.fail(),
      (error: UsageError) => error.place?.file,
    );
  assert.equal(await from(".", "src/deep/main.ts"), "src/deep/main.ts");
  assert.equal(await from("src", "deep/main.ts"), "deep/main.ts");
  assert.equal(await from("lib", project.path("src/deep/main.ts")), "../src/deep/main.ts");
});

const WRONG_FILES: readonly [file: string, slug: string, message: RegExp][] = [
  ["nothing.ts", "file-not-found", /^There is no file "nothing\.ts"$/],
  ["folder", "file-not-found", /^"folder" is not a file$/],
  ["main.rb", "not-a-program", /^"main\.rb" is no program .* \.ts \.mts \.cts \.tsx \.js \.mjs \.cjs \.jsx$/],
  ["main", "not-a-program", /^"main" is no program/],
];

for (const [file, slug, message] of WRONG_FILES)
  test(`refuses ${file}`, async () => {
    using project = testProject({ "folder/x.ts": "", "main.rb": "puts 1", main: "1" });
    const error = await failureOf(project, file);
    assert.equal(error.slug, slug);
    assert.match(error.text, message);
  });

test("a program that imports what a sandbox can't have is told when it is compiled", async () => {
  using project = testProject({
    "main.ts": 'import { spawn } from "node:child_process";\nspawn("ls");',
    "addon.ts": 'import Database from "sql";\nnew Database();',
    "fallback.ts": 'import x from "fast";\nx;',
    "node_modules/sql/package.json": PACKAGE({ main: "index.js" }),
    "node_modules/sql/index.js": "module.exports = class {}",
    "node_modules/sql/binding.gyp": "{}",
    "node_modules/fast/package.json": PACKAGE({ main: "index.js", browser: "index.js" }),
    "node_modules/fast/index.js": "module.exports = 1",
    "node_modules/fast/binding.gyp": "{}",
    "types.ts": 'import type { Worker } from "worker_threads"; export const x = (w: Worker) => w;',
  });
  await assert.rejects(project.bundle("main.ts"), (error: UsageError) => {
    assert.match(
      error.message,
      /^"node:child_process" is not available inside a sandbox: a sandbox can't start processes/,
    );
    assert.deepEqual(error.place, { file: "main.ts", line: 1, column: 23 });
    return true;
  });
  await project.bundle("types.ts");
  await project.bundle("fallback.ts");
  await assert.rejects(
    project.bundle("addon.ts"),
    /^UsageError: The package "sql" needs a native addon \(binding\.gyp\), which can't be loaded/,
  );
});

test("places of files that know where they are stay those of the source", async () => {
  using project = testProject({
    "main.ts":
      "interface A { b: number }\nconst here = import.meta.url;\nconst a: A = { b: 1 }; throw new Error(here + a.b);",
  });
  const { code, sourceMap } = await project.bundle("main.ts");
  const { error } = await runInEngine(code);
  const map = JSON.parse(sourceMap) as { sources: string[]; sourcesContent: string[] };
  assert.deepEqual(map.sources, ["main.ts"]);
  assert.match(map.sourcesContent[0] ?? "", /^interface A/);
  assert.match(error?.message ?? "", /^file:\/\/\/app\/main.ts1$/);
});
