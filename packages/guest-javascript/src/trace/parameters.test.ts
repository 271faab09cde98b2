// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts of programs
import assert from "node:assert/strict";
import { test } from "node:test";
import { runInEngine, testProject } from "../bundle/testing.ts";
import { parametersOf } from "./index.ts";

const TABLE: readonly [source: string, names: string[], required: number, rest?: boolean][] = [
  ["() => 1", [], 0],
  ["a => a", ["a"], 1],
  ["(a) => a", ["a"], 1],
  ["(a, b) => { return a + b }", ["a", "b"], 2],
  ["async () => 1", [], 0],
  ["async a => a", ["a"], 1],
  ["async (a, b) => await a", ["a", "b"], 2],
  ["function () {}", [], 0],
  ["function f(a, b) { return a }", ["a", "b"], 2],
  ["async function f(a) { await a }", ["a"], 1],
  ["function* g(a) { yield a }", ["a"], 1],
  ["async function* g(a) { yield a }", ["a"], 1],
  ["f(a) { return a }", ["a"], 1],
  ["async f(a, b) { return await a }", ["a", "b"], 2],
  ["*f(a) { yield a }", ["a"], 1],
  ["async *f(a) { yield a }", ["a"], 1],
  ["'quoted name'(a) {}", ["a"], 1],
  ["[computed](a) {}", ["a"], 1],
  ["async(a) { return a }", ["a"], 1],
  ["get(a) { return super.get(a) }", ["a"], 1],
  ["(a = 1) => a", ["a"], 0],
  ["(a, b = {}) => a", ["a", "b"], 1],
  ["(a = 1, b) => b", ["a", "b"], 2],
  ["(a, b = a => a, c = () => {}) => b", ["a", "b", "c"], 1],
  ["(...rest) => rest", ["rest"], 0, true],
  ["(a, ...rest) => rest", ["a", "rest"], 1, true],
  ["function (a, b = 2, ...c) {}", ["a", "b", "c"], 1, true],
  ["({ a, b }) => a", ["{ a, b }"], 1],
  ["({ a, b } = {}) => a", ["{ a, b }"], 0],
  ["({ a: x, b: { c }, ...others }) => x", ["{ a, b, ...others }"], 1],
  ["({ 'a b': x, 1: y, [z]: w }) => x", ["{ a b, 1, … }"], 1],
  ["([a, , b, ...c]) => a", ["[a, , b, ...c]"], 1],
  ["([a = 1, { b }]) => a", ["[a, { b }]"], 1],
  ["(...[a, b]) => a", ["[a, b]"], 0, true],
  ["(größe, $x, _y, 名前) => 1", ["größe", "$x", "_y", "名前"], 4],
  ["(\\u0061b) => 1", ["ab"], 1],
  ["async /* (x) => 2 */ (a /* b, c */, // d\n e) => 1", ["a", "e"], 2],
  ["(a) => { /* ) => */ return `}` + '}' + /[}]/ }", ["a"], 1],
  ["a => b => c => 1", ["a"], 1],
  ["function f(a, b,) {}", ["a", "b"], 2],
  ["(a) => a // at the end", ["a"], 1],
];

for (const [source, names, required, rest = false] of TABLE)
  test(`parameters of ${source}`, async () => {
    assert.deepEqual(parametersOf(source), { names, required, rest });
  });

const NONE: readonly string[] = [
  "",
  "42",
  "class A { constructor(a) {} }",
  "function bound() { [native code] }",
  "function () {\n    [native code]\n}",
  "(a) => 1, (b) => 2",
  "(a) => 1) || ((b) => 2",
  "a() {}, b() {}",
  "get x() { return 1 }",
  "...x",
  "x: (a) => 1",
  "(a",
  `(${"[".repeat(30_000)}`,
  `${"a => ".repeat(13_000)}1`,
  `(${"a,".repeat(200)}) => 1`,
  `() => "${"x".repeat(70_000)}"`,
];

for (const source of NONE)
  test(`no parameters: ${source.slice(0, 40)}`, async () => {
    assert.equal(parametersOf(source), null);
  });

test("anything but text has no parameters", async () => {
  for (const source of [undefined, null, 1, {}, []])
    assert.equal(parametersOf(source as unknown as string), null);
});

test("long names are cut", async () => {
  const parameters = parametersOf(`({ ${Array.from({ length: 50 }, (_, n) => `name${n}`)} }) => 1`);
  assert.equal(parameters?.names[0]?.length, 80);
});

test("optional parameters of TypeScript are optional, as the engine tells the function", async () => {
  using project = testProject({
    "main.ts": `import { other } from "./other.ts"; const ü = "ä"; const f = (name: string, ü?: number, last ? : Date) => ü;
export function g(this: void, a?: string, b: string | undefined = undefined, { c }: { c?: number } = {}) {}
const same = async (x: string, y?: string) => { await g(x); };
globalThis.out = [f, g, same, other].map(String);`,
    "other.ts": "export const other = async function (\n  a: string,\n  b?: string,\n  ...c: string[]\n) {};",
  });
  const bundle = await project.bundle("main.ts");
  const { out } = await runInEngine(bundle.code);
  const found = (out as string[]).map((source) => parametersOf(source, bundle));
  assert.deepEqual(found, [
    { names: ["name", "ü", "last"], required: 1, rest: false },
    { names: ["a", "b", "{ c }"], required: 0, rest: false },
    { names: ["x", "y"], required: 1, rest: false },
    { names: ["a", "b", "c"], required: 1, rest: true },
  ]);
});
