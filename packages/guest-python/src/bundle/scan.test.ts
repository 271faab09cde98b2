import assert from "node:assert/strict";
import { test } from "node:test";
import { scanModule } from "./scan.ts";
import { stringValue, tokenize } from "./tokens.ts";

/** Imports as `when module.names`. */
function imports(text: string | Uint8Array): string[] {
  const bytes = typeof text === "string" ? Buffer.from(text) : text;
  return scanModule(bytes).imports.map(
    ({ module, level, names, when }) =>
      `${when === "load" ? "" : `${when} `}${".".repeat(level)}${module}${names.length > 0 ? ` ${names.join(",")}` : ""}`,
  );
}

for (const [text, found] of [
  ["import a", ["a"]],
  ["import a.b.c as d, e", ["a.b.c", "e"]],
  ["from a.b import c as d, e", ["a.b c,e"]],
  ["from . import x", [". x"]],
  ["from .. import x\nfrom ...a.b import (y,\n  # a comment\n  z,)", [".. x", "...a.b y,z"]],
  ["from a import *", ["a"]],
  ["import a; import b", ["a", "b"]],
  ["if x: import a\nelse: import b", ["a", "b"]],
  ["try:\n import a\nexcept ImportError:\n a = None", ["a"]],
  ["def f():\n  import a\nimport b", ["call a", "b"]],
  ["async def f(): import a", ["call a"]],
  ["class A:\n  import a\n  def f(self):\n    import b", ["a", "call b"]],
  ["if TYPE_CHECKING:\n  import a\n  from b import c\nelse:\n  import d", ["never a", "never b c", "d"]],
  ["if typing.TYPE_CHECKING: import a\nimport b", ["never a", "b"]],
  ["if not TYPE_CHECKING:\n  import a", ["a"]],
  ['if __name__ == "__main__":\n  import a\nimport b', ["never a", "b"]],
  ["lazy import a\nlazy from b import c", ["a", "b c"]],
  ["import a \\\n  , b", ["a", "b"]],
  ['importlib.import_module("a.b")', ["a.b"]],
  ['import_module(".c", package=__package__)', [".c"]],
  ['x = __import__("a")', ["a"]],
  ['import_module("a" + b); import_module(name)', []],
  ['import_module(f"a")', []],
  ['"""\nimport a\n"""', []],
  ["# import a", []],
  ["x = 'import a'\ny = b'''\nimport b'''", []],
  ["f'''\nimport a {\n__import__('b')\n}'''", ["b"]],
  ['f"{x:{y}} {{import}} {z!r:>{w}}"\nimport a', ["a"]],
  ["rf'\\{x}' ; import a", ["a"]],
  ["def f():\n\tyield from a\n\traise B from c\nimport d", ["d"]],
  ["match x:\n  case {'a': b}:\n    import c", ["c"]],
  ["x = 'open\nimport a", ["a"]],
  ["x = (\nimport a", ["a"]],
  ["\ufeffimport a", ["a"]],
  ["import a\r\nif x:\r\n  import b\r\n", ["a", "b"]],
  ["import a\rimport b", ["a", "b"]],
  ["import ﬁle, größe", ["file", "größe"]],
  ["import", []],
  ["from x import", ["x"]],
  ["from . import", ["."]],
  ["\x00import a", ["a"]],
] as const)
  test(`imports of ${JSON.stringify(text)}`, () => assert.deepEqual(imports(text), found));

test("encodings are as declared", () => {
  const latin = Buffer.from("# -*- coding: latin-1 -*-\nimport gr\xf6\xdfe", "latin1");
  assert.deepEqual(imports(latin), ["größe"]);
  const second = Buffer.from("#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\nimport \xe9", "latin1");
  assert.deepEqual(imports(second), ["é"]);
  assert.deepEqual(imports(Buffer.from("# coding: no-such\nimport a")), ["a"]);
  assert.deepEqual(imports(Buffer.from([0xff, 0xfe, 0x0a, ...Buffer.from("import a")])), ["a"]);
});

test("places are where the statement begins", () => {
  const [a, b] = scanModule(Buffer.from("x = 1\nif x:\n    from a import (\n b)\n\nimport c")).imports;
  assert.deepEqual([a?.line, a?.column], [3, 5]);
  assert.deepEqual(b?.line, 6);
});

const literals = (text: string) =>
  scanModule(Buffer.from(text)).literals.map(({ path, plain }) => (plain ? path : `(${path})`));

for (const [text, found] of [
  ['open("data.csv")', ["data.csv"]],
  ['open("data.csv", "r")', ["data.csv", "r"]],
  ['Path(__file__).parent / "data" / "x.csv"', ["data/x.csv"]],
  ['Path(__file__).parent / "data" / name', ["data"]],
  ['Path(__file__).with_name("x.json")', ["x.json"]],
  ['os.path.join(HERE, "data", "x.csv")', ["data/x.csv"]],
  ['HERE.joinpath("data", "x.csv").read_text()', ["data/x.csv"]],
  ['FILES = ["a.txt", "b.txt"]', ["(a.txt)", "(b.txt)"]],
  ['x = "a" "b.txt"', ["(ab.txt)"]],
  ['x = r"a\\b" + b"bytes" + f"f{x}"', ["(a\\b)"]],
  ['x = "\\x61\\u0062\\143\\n"', ["(abc\n)"]],
] as const)
  test(`literals of ${text}`, () => assert.deepEqual(literals(text), found));

test("values of strings", () => {
  for (const [literal, value] of [
    ["'a\\\nb'", "ab"],
    ["'''a'b'''", "a'b"],
    ["R'\\n'", "\\n"],
    ["'\\N{BULLET}'", null],
    ["'\\q'", "\\q"],
    ["b'a'", null],
    ["'\\U0001F600'", "😀"],
    ["''", ""],
  ] as const)
    assert.equal(stringValue(literal), value, literal);
});

test("no text is too strange for the tokenizer", () => {
  const parts = [
    "f'",
    'f"""',
    "{",
    "}",
    "'",
    '"""',
    "\\",
    "\n",
    "(",
    ")",
    "import x",
    ":",
    "!r",
    "#",
    "\t",
    " ",
    "é",
    "0x",
    "$",
    "t'",
    "\\N{",
  ];
  let seed = 1;
  for (let n = 0; n < 3000; n++) {
    let text = "";
    for (let length = 0; length < 12; length++) {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      text += parts[seed % parts.length];
    }
    let at = 0;
    for (const { start, end } of tokenize(text)) {
      assert.ok(start >= at && end >= start && end <= text.length, JSON.stringify(text));
      at = end;
    }
    scanModule(Buffer.from(text));
  }
});
