// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts of programs
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ErrorReport } from "@capsule-run/protocol";
import { runInEngine, type TestProject, testProject } from "../bundle/testing.ts";
import { translatePlaces, translateReport } from "./index.ts";

/** Runs a program that throws at its top level; gives what a user gets to read. */
async function tracedIn(project: TestProject, file = "main.ts") {
  const { code, sourceMap } = await project.bundle(file);
  const { error } = await runInEngine(code);
  assert.ok(error, "it did not throw");
  return translateReport(error, sourceMap, { root: project.root });
}

async function traceOf(files: Record<string, string>, file = "main.ts") {
  using project = testProject(files);
  return await tracedIn(project, file);
}

/** Line and column (from 1) of a text in a source, plus an offset: what the engine should say. */
function at(source: string, text: string, offset = 0): string {
  const index = source.indexOf(text);
  assert.ok(index >= 0, `no ${text}`);
  const before = source.slice(0, index + offset);
  return `${before.split("\n").length}:${before.length - before.lastIndexOf("\n")}`;
}

test("frames are the user's functions, files and lines, through types, JSX and imports", async () => {
  const main = `import { parse } from "./lib/parse.ts";
interface Options {
  readonly deep: boolean;
}
type Fn<T> = (x: T) => T;

const run: Fn<Options> = (options) => {
  const list = [options].map((each) => parse(each as never));
  return list[0] as Options;
};
run({ deep: true });
`;
  const parse = `// A comment that bundling drops.
export function parse(text: string): never {
  const value = JSON.parse('{"a": null}') as { a: { b: string } };
  throw new TypeError(\`no \${text.length} \${value.a === null}\`);
}
`;
  const { message, place, excerpt } = await traceOf({ "main.ts": main, "lib/parse.ts": parse });
  assert.equal(
    message,
    [
      "TypeError: no undefined true",
      `    at parse (lib/parse.ts:${at(parse, "new TypeError")})`,
      `    at main.ts:${at(main, "parse(each")}`,
      "    at map (native)",
      `    at run (main.ts:${at(main, ".map(", 1)})`,
      `    at main.ts:${at(main, "run({")}`,
    ].join("\n"),
  );
  assert.deepEqual(place, { file: "lib/parse.ts", line: 4, column: 9 });
  assert.equal(
    excerpt,
    `  2 | export function parse(text: string): never {
  3 |   const value = JSON.parse('{"a": null}') as { a: { b: string } };
> 4 |   throw new TypeError(\`no \${text.length} \${value.a === null}\`);
    |         ^
  5 | }`,
  );
});

/** A source with one call of `boom` at a place marked by «», which the first frame in it has to name. */
const MARKED: readonly [what: string, source: string, file?: string][] = [
  ["a function call", "function f(boom: any) {\n  const x: number = 1;\n  return «boom(x);\n}\nf(undefined)"],
  [
    "behind letters of several bytes in the same line",
    'const ü = "日本語😀"; const é: string = ü + «boom(é);',
  ],
  [
    "behind letters of several bytes in one function and a regular expression",
    'const f = (s: string) => { if (/^ä+😀$/u.test("ää😀")) «boom(s); };\nf("ñ");',
  ],
  [
    "an async function after an await",
    "const f = async (x: string) => {\n  await null;\n\n  «boom(x);\n};\nawait f('');",
  ],
  [
    "a method",
    "class A<T> {\n  private x: T | undefined;\n  m() { «boom(this.x); }\n}\nnew A<string>().m();",
  ],
  ["a getter", "const o = { get x(): never { return «boom(1); } };\no.x;"],
  ["a static block", "class A {\n  static { «boom(1); }\n}"],
  ["a generator", "function* g() {\n  yield 1;\n  «boom(2);\n}\n[...g()];"],
  ["a multi-line expression", "const list = [\n  1,\n  2,\n  «boom(\n    3,\n  ),\n];"],
  [
    "JSX",
    "const React = { createElement: () => 1 };\nconst a = (\n  <b>\n    {«boom(1)}\n  </b>\n);",
    "main.tsx",
  ],
  ["lines that end in CR LF", "const a: number = 1;\r\n\r\n  «boom(a);\r\n"],
  [
    "a file that asks where it is",
    "interface A {\n  b: number;\n}\nconst here: string = import.meta.url;\nconst a: A = { b: 1 };\n  «boom(here, a as A);",
  ],
  ["CommonJS", "exports.f = () => {\n  «boom(1);\n};\nexports.f();", "main.cjs"],
];

for (const [what, marked, file = "main.ts"] of MARKED)
  test(`the place in ${what}`, async () => {
    const source = marked.replace("«", "");
    const [line, column] = at(marked, "«").split(":").map(Number);
    const { place, message } = await traceOf({ [file]: source }, file);
    assert.match(message, /^(ReferenceError: boom is not defined|TypeError: not a function)\n/);
    assert.deepEqual(place, { file, line, column });
  });

/** Functions whose frame, the second, has to name the place marked by «»; `boom` throws. */
const CALLING: readonly [what: string, source: string][] = [
  ["a call", "const f = (x: number) => { «boom(x); }; f(1);"],
  ["a call whose result is returned", "const f = (x: number) => { return «boom(x); }; f(1);"],
  [
    "a call of several lines",
    "const f = (x: number) => {\n  return «boom(\n    x,\n    x + 1,\n  );\n}; f(1);",
  ],
  [
    "a call around another",
    "const id = (x: number) => x; const f = (x: number) => {\n  «boom(\n    id(x),\n    id(\n      x + 1));\n}; f(1);",
  ],
  [
    "a call inside another",
    "const id = (x: unknown) => x; const f = (x: number) => {\n  id(\n    «boom(x, x + 1));\n}; f(1);",
  ],
  [
    "a method",
    "const o = { boom }; const f = (x: number) => {\n  o\n    .«boom(\n      x,\n    );\n}; f(1);",
  ],
  [
    "a constructor",
    "class A { constructor(x: number) { boom(x); } }\nconst f = (x: number) => {\n  return «new A(\n    x,\n  );\n}; f(1);",
  ],
  ["a function of another name", "const f = (x: number, g = boom) => {\n  «g(\n    x);\n}; f(1);"],
  ["a callback", "const f = (x: number) => {\n  [x].«forEach(\n    boom,\n    x\n  );\n}; f(1);"],
  ["a tagged template", "const f = (x: number) => {\n  return «boom`a\n${x}`;\n}; f(1);"],
  [
    "a getter",
    "const o = { get x(): number { return boom(1); } }; const id = (x: number) => x; const f = () => {\n  id(\n    «o.x);\n}; f();",
  ],
  [
    "behind a template that looks like code",
    "const t = `\nconst x = 1;\n${1}\n`; const f = (x: string) => {\n  const u = `\nlet y;`; return «boom(\n    x, t + u);\n}; f('');",
  ],
  [
    "an imported function",
    'import { id } from "./id.ts";\nconst f = (x: number) => {\n  id(\n    «boom(\n      id(x),\n      x));\n}; f(1);',
  ],
];

for (const [what, marked] of CALLING)
  test(`the place of a frame that calls: ${what}`, async () => {
    const main = `function boom(...x: unknown[]): any { throw new Error("x") }\n${marked.replace("«", "")}\n`;
    const [line, column] = at(marked, "«").split(":").map(Number) as [number, number];
    const { message } = await traceOf({ "main.ts": main, "id.ts": "export const id = (x: unknown) => x;" });
    const frame = message.split("\n").find((text) => /at f \(/.test(text));
    const found = /main\.ts:(\d+):(\d+)/.exec(frame ?? "");
    assert.equal(found?.[1], String(line + 1), message);
    // Where a member is called the engine names the dot or the name.
    assert.ok(Math.abs(Number(found?.[2]) - column) <= 1, `${message}\nexpected column ${column}`);
  });

/** Errors made at the place marked by «». */
const MAKING: readonly [what: string, source: string][] = [
  ["in one line", 'const f = (x: string) => { throw «new Error("a" + x); }; f("");'],
  [
    "in several lines",
    'const f = (x: string) => {\n  throw «new Error(\n    `a ${x} ` +\n      x,\n  );\n}; f("");',
  ],
  [
    "with options",
    'const f = (x: string) => {\n  throw «new RangeError(\n    x, {\n    cause: x }\n  );\n}; f("");',
  ],
  ["without new", 'const f = (x: string) => {\n  throw «Error(\n    x\n  );\n}; f("");'],
  [
    "and thrown later",
    'const f = (x: string) => {\n  const e = «new TypeError(\n    x\n  );\n  throw e;\n}; f("");',
  ],
  [
    "by the engine among arguments",
    'const id = (...x: any[]) => x; const f = (x: any) => {\n  throw new Error(\n    id(x,\n      «x.a.b));\n}; f("");',
  ],
  [
    "in a template",
    'const f = (x: any) => {\n  return `\n${1}\n${(() => { throw «new Error(x) })()}`;\n}; f("");',
  ],
];

for (const [what, marked] of MAKING)
  test(`the place of an error made ${what}`, async () => {
    const { place, message } = await traceOf({ "main.ts": marked.replace("«", "") });
    const [line, column] = at(marked, "«").split(":").map(Number) as [number, number];
    assert.equal(place?.line, line, message);
    assert.ok(what.includes("engine") || place?.column === column, `${message}\nexpected column ${column}`);
  });

test("names that bundling had to change are the source's again; wrapped modules have none", async () => {
  const { message } = await traceOf({
    "main.ts":
      'import { run } from "./a"; import { run as other } from "./b"; run(() => other(() => require("./c.cjs")))',
    "a.ts": "export function run(f: () => void) { f() }",
    "b.ts": "export function run(f: () => void) { f() }",
    "c.cjs": 'throw new Error("in c")',
  });
  assert.match(message, /^Error: in c\n {4}at c\.cjs:1:\d+\n/);
  assert.match(message, /at run \(b\.ts:/);
  assert.match(message, /at run \(a\.ts:/);
  assert.doesNotMatch(message, /run2|__require|__init/);
});

test("frames of packages stay, but the place is in the user's own file", async () => {
  const { message, place } = await traceOf({
    "main.ts": 'import f from "pkg";\n\nf();',
    "node_modules/pkg/package.json": '{"name":"pkg","version":"1.0.0","main":"i.js"}',
    "node_modules/pkg/i.js": "module.exports = function inner() { undefined.x };",
  });
  assert.match(
    message,
    /^TypeError: .*\n {4}at inner \(node_modules\/pkg\/i\.js:1:\d+\)\n {4}at main\.ts:3:1$/,
  );
  assert.deepEqual(place, { file: "main.ts", line: 3, column: 1 });
});

test("frames of eval, of the SDK and of the engine are dropped", async () => {
  using project = testProject({
    "main.ts": 'import { task } from "@capsule-run/sdk";\ntask(() => { (0, eval)("throw new Error(1)") })',
  });
  const { writeFileSync } = await import("node:fs");
  writeFileSync(project.sdk, "export function task(f) { [1].forEach(() => f()) }");
  const { message } = await tracedIn(project);
  assert.equal(
    message,
    "Error: 1\n    at eval (native)\n    at main.ts:2:18\n    at forEach (native)\n    at main.ts:2:1",
  );
});

test("files are named from where the user stands", async () => {
  using project = testProject({ "src/a.ts": 'throw new Error("x")' });
  const { code, sourceMap } = await project.bundle("src/a.ts");
  const { error } = await runInEngine(code);
  assert.ok(error);
  const from = (cwd: string) => translateReport(error, sourceMap, { root: project.root, cwd }).place?.file;
  assert.equal(from(project.root), "src/a.ts");
  assert.equal(from(project.path("src")), "a.ts");
  assert.equal(from(project.path("lib")), "../src/a.ts");
});

const report = (name: string, message: string, more: object = {}): ErrorReport => ({
  name,
  message,
  stack: "",
  ...more,
});

const TEXTS: readonly [what: string, report: ErrorReport, text: string][] = [
  ["name and message", report("TypeError", "x is not a function"), "TypeError: x is not a function"],
  ["a name only", report("Error", ""), "Error"],
  ["a thrown string", report("", "just text"), "just text"],
  ["nothing at all", report("", ""), "Error"],
  ["several lines", report("Error", "a\n\tb"), "Error: a\n\tb"],
  [
    "an unhandled rejection",
    report("Error", "x", { via: "unhandled_rejection" }),
    "Uncaught (in promise) Error: x",
  ],
  [
    "causes",
    report("Error", "outer", {
      cause: report("RangeError", "two\nlines", { cause: report("", "a string") }),
    }),
    "Error: outer {\n  [cause]: RangeError: two\n  lines {\n    [cause]: a string\n  }\n}",
  ],
  [
    "what a terminal would obey",
    report("E\u001b[31m", "a\u001b]0;title\u0007b\u001b[2Jc\u0000d\u009be\u202ef\rg\r\nh\u0008"),
    "E: abcdef\ng\nh",
  ],
  ["lone surrogates", report("Error", "\ud800"), "Error: \ufffd"],
  ["a newline in the name", report("Err\nor", "x"), "Err or: x"],
  [
    "frames that are none",
    report("Error", "x", { stack: "    at f (capsule:program:99:1)\n at\nat x (capsule:program:1)" }),
    "Error: x",
  ],
];

for (const [what, given, text] of TEXTS)
  test(`prints ${what}`, () => {
    assert.equal(translateReport(given, "{}", { root: "/" }).message, text);
  });

test("hostile reports are cut and do not throw", async () => {
  using project = testProject({ "main.ts": "export const f = () => 1;" });
  const { sourceMap } = await project.bundle("main.ts");
  let deep: ErrorReport = report("Error", "end");
  for (let i = 0; i < 10_000; i++) deep = report("Error", "x", { cause: deep });
  const hostile: unknown[] = [
    report("N".repeat(1e6), "M".repeat(1e6)),
    deep,
    report("Error", "x", { stack: "    at f (capsule:program:2:9)\n".repeat(1e5) }),
    report("Error", "x", { stack: `    at ${"(".repeat(1e6)}:1:1` }),
    report("Error", "x", { stack: "at : :1:".repeat(1e5) }),
    report("Error", "x", { errors: Array.from({ length: 1e4 }, () => report("Error", "y".repeat(1e4))) }),
    { name: 1, message: {}, stack: [], cause: 5, errors: "x", via: null },
    {},
    report("Error", "x", { stack: "    at f (capsule:program:999999999:999999999)" }),
  ];
  const started = performance.now();
  for (const each of hostile) {
    const { message } = translateReport(each as ErrorReport, sourceMap, { root: "/" });
    assert.ok(message.length <= 65_537);
  }
  assert.ok(performance.now() - started < 2000, "too slow");
  assert.equal(
    translateReport(hostile[2] as ErrorReport, sourceMap, { root: "/" }).message.split("\n").length,
    17,
  );
  for (const map of ["", "null", "[]", '{"sources":5}', '{"sources":[],"mappings":"!!!"}'])
    assert.equal(
      translateReport(report("Error", "x", { stack: "    at f (capsule:program:1:1)" }), map, { root: "/" })
        .message,
      "Error: x",
    );
});

test("a text that is made to take long does not: a line of a bundle is not read anew for each place in it", async () => {
  using project = testProject({
    "main.ts": `export const long = ${JSON.stringify("ä".repeat(500_000))}; throw new Error(long.slice(0, 1));`,
  });
  const { code, sourceMap } = await project.bundle("main.ts");
  const line = code.split("\n").findIndex((text) => text.length > 100_000) + 1;
  const said = Array.from({ length: 100_000 }, (_, n) => `capsule:program:${line}:${n + 1}`).join(" ");
  const shown = translatePlaces(said, sourceMap, { root: project.root });
  assert.match(shown, /^main\.ts:\d+:\d+ /);
  assert.ok(shown.endsWith(`capsule:program:${line}:100000`), "what is too much stays as it is");
});
