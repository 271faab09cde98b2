import assert from "node:assert/strict";
import { test } from "node:test";
import { countItems, countValues, isArguments, isJson } from "./json.ts";
import { LIMITS } from "./limits.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text);

const VALUES = [
  null,
  true,
  false,
  0,
  -0.5,
  1e300,
  1e-7,
  "",
  "a",
  'q"\\/\b\f\n\r\t\u0000\u2028é😀',
  [],
  {},
  [1, [2, [3, {}]], "]"],
  { a: 1, "b}": { c: [null, { d: "" }] } },
];

test("what JSON.stringify gives is JSON", () => {
  for (const value of VALUES) assert.ok(isJson(bytes(JSON.stringify(value))), JSON.stringify(value));
  assert.ok(isJson(bytes("123456789012345678901234567890")), "more digits than a double has");
  assert.ok(isJson(bytes('{"a": [1, 2], "b": null}')), "with spaces, as Python writes it");
});

test("everything else is not", () => {
  const wrong = [
    "",
    " ",
    "[",
    "]",
    "{",
    "}",
    "[1",
    "[1,",
    "[,1]",
    "[1,]",
    "[1 2]",
    "{1:2}",
    '{"a"}',
    '{"a":}',
  ];
  wrong.push(
    '{"a":1,}',
    '{"a":1 "b":2}',
    "[}",
    "{]",
    '{"a":1]',
    "01",
    "+1",
    "1.",
    ".5",
    "1e",
    "NaN",
    "Infinity",
  );
  wrong.push(
    "undefined",
    "nul",
    "truefalse",
    "'a'",
    '"a',
    '"\\x41"',
    '"\\u12g4"',
    '"\\u12',
    '"\\',
    '"a\nb"',
    '"\u0001"',
  );
  wrong.push(
    "1 2",
    "[]]",
    "{}x",
    "[1,\n2]",
    "\ufeff1",
    "1,",
    '"a""b"',
    "\u0000",
    '"a":1',
    "[1:2]",
    "-",
    "--1",
  );
  for (const text of wrong) assert.ok(!isJson(bytes(text)), JSON.stringify(text));
});

test("agrees with JSON.parse on every short text that numbers and words are made of", () => {
  const letters = "-01.E+ ";
  const texts = ["", "true", "tru", "truE", "false", "nul", "null", "nulL", "truefalse", "1null"];
  for (let length = 0, from = 0; length < 4; length++) {
    const to = texts.length;
    for (const text of texts.slice(from, to)) for (const letter of letters) texts.push(text + letter);
    from = to;
  }
  const parses = (text: string): boolean => {
    try {
      JSON.parse(text);
      return true;
    } catch {
      return false;
    }
  };
  for (const text of texts)
    for (const around of [text, `[${text}]`, `[1,${text}]`])
      assert.equal(isJson(bytes(around)), parses(around), around);
});

test("agrees with JSON.parse on mutated texts", () => {
  let state = 1;
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state % below;
  };
  const alphabet = '[]{}",:\\ u0129.eE+-truefalsn';
  for (let round = 0; round < 20_000; round++) {
    const text = [...JSON.stringify(VALUES[random(VALUES.length)])];
    for (let n = random(3); n >= 0; n--)
      text.splice(random(text.length + 1), random(2), alphabet[random(alphabet.length)] as string);
    const mutated = text.join("");
    let parses = true;
    try {
      JSON.parse(mutated);
    } catch {
      parses = false;
    }
    assert.equal(isJson(bytes(mutated)), parses, mutated);
  }
});

test("nesting is limited, and costs no stack", () => {
  const nested = (depth: number): Uint8Array => bytes("[".repeat(depth) + "]".repeat(depth));
  assert.ok(isJson(nested(LIMITS.valueDepth)));
  assert.ok(!isJson(nested(LIMITS.valueDepth + 2)));
  assert.ok(!isJson(nested(1_000_000)));
});

test("an array is asked for where arguments are", () => {
  for (const text of ["[1]", '{"args":[],"kwargs":{"a":1}}']) assert.ok(isArguments(bytes(text)));
  for (const text of ["", "1", '"[1]"', " []", "{", "{]"]) assert.ok(!isArguments(bytes(text)));
});

test("the items of an array are counted without being read", () => {
  const arrays = [
    [],
    [1],
    ['a,]\\"', "b"],
    [[1, 2], { a: [3, 4], "b,": 5 }],
    [null, true, "", {}],
    [[]],
    [{}],
  ];
  for (const array of arrays) {
    assert.equal(countItems(bytes(JSON.stringify(array))), array.length, JSON.stringify(array));
    assert.equal(countItems(bytes(JSON.stringify(array).replaceAll(",", ", "))), array.length);
  }
  for (const text of ["", "{}", "1", "[1", "[1,]", "[1] 2", '["]', "[[[[", " [1]"])
    assert.equal(countItems(bytes(text)), null, text);
  assert.equal(countItems(bytes("[ ]")), 0);
});

test("values are counted, those of strings and keys are none", () => {
  const counts: readonly (readonly [string, number])[] = [
    ["1", 1],
    ["[1,2]", 3],
    // One more for what is empty.
    ['[[],{"a,[":"{,"},null]', 6],
    ['"\\",[["', 1],
  ];
  for (const [text, count] of counts) assert.equal(countValues(bytes(text)), count, text);
});

test("integers have so many digits, and long ones so many together", () => {
  const most = "9".repeat(LIMITS.integerDigits);
  assert.ok(isJson(bytes(`[-${most}]`)));
  assert.ok(!isJson(bytes(`[1${most}0]`)));
  const many = LIMITS.longDigits / LIMITS.integerDigits;
  assert.ok(isJson(bytes(`[${Array(many).fill(most).join()}]`)));
  assert.ok(
    !isJson(
      bytes(
        `[${Array(many + 1)
          .fill(most)
          .join()}]`,
      ),
    ),
  );
  assert.ok(isJson(bytes(`[${Array(1000).fill("9".repeat(4300)).join()}]`)));
});
