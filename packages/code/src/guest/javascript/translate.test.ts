import assert from "node:assert/strict";
import { start } from "node:repl";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { createContext, runInContext } from "node:vm";
import { asItIs, translate } from "./translate.ts";

/** What a sandbox does with pieces, in a context of Node's. */
function ours(): (code: string) => Promise<unknown> {
  const context = createContext({
    __capsule_import__: Object.assign(imported, { now }),
    globalThis: undefined,
  });
  runInContext("globalThis = this", context);
  return async (code) => {
    const { names, functions, source } = asItIs(code) ?? translate(code);
    for (const name of names)
      runInContext(`if (!(${JSON.stringify(name)} in globalThis)) globalThis.${name} = void 0`, context);
    if (functions !== null) runInContext(functions, context);
    return runInContext(source, context);
  };
}

const imported = async (name: string): Promise<object> => import(name);
const now = (name: string, member?: string): unknown => {
  const module = process.getBuiltinModule(name) as unknown as Record<string, unknown>;
  return member === undefined ? module : member === "default" ? module : module[member];
};

/** Node's own REPL. */
function nodes(): (code: string) => Promise<unknown> {
  const repl = start({
    input: new PassThrough(),
    output: new PassThrough(),
    useGlobal: false,
    terminal: false,
  });
  return (code) =>
    new Promise((resolve, reject) =>
      repl.eval.call(repl, `${code}\n`, repl.context, "repl", (error, value: unknown) =>
        error ? reject(error) : resolve(value),
      ),
    );
}

/** Sequences of pieces. What is in braces is shown by both alike. */
const SEQUENCES: readonly (readonly string[])[] = [
  ["1 + 1", "x = 5", "x * 2", "var y = x", "y", "typeof nothing"],
  ["let a = 1", "a + 1", "a = 7", "a"],
  ["const f = (n) => n + 1", "f(1)", "f.name"],
  ["function g() { return h() }", "function h() { return 2 }", "g()"],
  ["class A { one() { return 1 } }", "new A().one()", "class B extends A {}", "new B().one()", "B.name"],
  ["const { p, q: [r, ...s], t = 9 } = { p: 1, q: [2, 3, 4] }", "[p, r, s, t]"],
  ["{ a: 1 }", "{ a: 1, b: { c: [2] } }", "{ a: 1 };", "{}", "({}).a", "{ let z = 3; z }"],
  ["if (true) { 5 }", "for (let i = 0; i < 3; i++) i", "5; let after = 1", "after"],
  ["let u", "u === undefined", "let v, w = 2", "[v, w]"],
  ["await 5", "let n = await 6", "n", "const { m } = await { m: 8 }", "m", "await 1; n + m"],
  ["await 0; function k() { return 3 }", "k()", "await 1; class C { v = 1 }", "new C().v"],
  ["for (var i = 0; i < 3; i++) await i", "i", "for await (const j of [1, 2]) var l = j", "l"],
  ["let c = 0; const inc = () => ++c", "inc(); inc()", "c"],
  [
    "function* count() { let n = 0; while (true) yield n++ }",
    "const it = count()",
    "it.next().value",
    "it.next().value",
  ],
  ["'use strict'", "`a` + 2", "/x/.test('x')", "[...'ab'].length"],
  [
    "label: for (;;) { break label }",
    "try { null.x } catch ({ name }) { name }",
    "(() => { throw new RangeError('r') })",
    "1",
  ],
];

test("pieces mean what they mean to Node's REPL", async () => {
  for (const pieces of SEQUENCES) {
    const [mine, theirs] = [ours(), nodes()];
    for (const code of pieces) {
      const [got, expected] = [await mine(code), await theirs(code)];
      const shown = typeof got === "function" ? String(got) : JSON.stringify(got);
      assert.equal(shown, typeof expected === "function" ? String(expected) : JSON.stringify(expected), code);
    }
  }
});

test("what Node's REPL refuses: the top level is declared again, and imports", async () => {
  const run = ours();
  for (const code of ["let x = 1", "let x = 2", "const x = 3", "class x {}", "const x = 4"]) await run(code);
  assert.equal(await run("x"), 4);
  assert.equal(await run("let x; x"), undefined);
  assert.equal(
    await run(
      "import { sep } from 'node:path'\nimport os, * as all from 'node:os'\nsep + typeof os.cpus + typeof all",
    ),
    "/functionobject",
  );
  assert.equal(await run("const { join } = await import('node:path'); join('a', 'b')"), "a/b");
  assert.equal(
    await run("async function load() { return (await import('node:path')).sep }\nawait load()"),
    "/",
  );
  assert.equal(await run("export const e = 1; export default function d() { return e }"), undefined);
  assert.equal(await run("d()"), 1);
  assert.equal(await run("await 1\nconst foo = 2\nfoo\nlet { bar } = { bar: 3 }\nfoo + bar"), 5);
  assert.equal(await run("await 1; if (true) var deep = 4; else var other\ndeep"), 4);
  assert.equal(await run("await 1; var { one, two: [two] } = { one: 1, two: [2] }\none + two"), 3);
});

test("lines stay where they are, one further down", async () => {
  for (const code of ["let a = 1\n\nthrow new Error()", "await 1\nfunction f() {}\nthrow new Error()"]) {
    const { source } = translate(code);
    assert.equal(
      source.split("\n").findIndex((line) => line.includes("throw")),
      3,
      source,
    );
  }
  assert.match(
    translate("await 1\n\nfunction f() {\n  return 1\n}").functions ?? "",
    /^\n {7}\n\nfunction f/,
  );
});

test("what is wrong is told with its place", () => {
  for (const [code, line, column] of [
    ["let x = ", 1, 8],
    ["let a = 1\nlet a = 2", 2, 4],
    ["const", 1, 5],
    ["await 1\n}", 2, 0],
    ["{ a: 1, }, }", 1, 8],
    ["return 1", 1, 0],
  ] as const)
    assert.throws(
      () => translate(code),
      (error: unknown) => {
        const { loc } = error as { loc: { line: number; column: number } };
        assert.deepEqual([loc.line, loc.column], [line, column], code);
        return error instanceof SyntaxError;
      },
    );
});

test("the longest code that the host parses takes it a moment only", () => {
  const longest = 4 * 1024;
  const attacks = [
    Array.from({ length: 2000 }, (_, i) => `let a${i}`).join("\n"),
    `/${"(?<a>x)|".repeat(2000)}/`,
    `/${Array.from({ length: 1500 }, (_, i) => `(?<g${i}>)`).join("")}/; let x`,
    `let x = ${"(".repeat(8000)}`,
    `let x = ${"[".repeat(8000)}`,
    `let x = ${"a=>".repeat(5000)}1`,
    `let x = \`${"${`".repeat(4000)}`,
    `await 1; ${"if(1)".repeat(3000)};`,
    `let ${"{a:".repeat(5000)}`,
    `let x = "${"\\u{1}".repeat(3000)}"`,
    `let x = ${"/*".repeat(8000)}`,
    `{${"(a,".repeat(5000)}`,
    `let x; ${Array.from({ length: 1000 }, (_, i) => `l${i.toString(36)}:`).join("")}1`,
    `await 1; ${"for(var a of b)".repeat(1000)}`,
    `let x = /${"(?<a>)|".repeat(1000)}/`,
  ];
  for (const attack of attacks) {
    const code = attack.slice(0, longest);
    const begun = process.threadCpuUsage().user;
    try {
      translate(code);
    } catch {
      // As it may.
    }
    // Microseconds; a few milliseconds once the parser is warm.
    assert.ok(process.threadCpuUsage().user - begun < 60_000, code.slice(0, 40));
  }
});
