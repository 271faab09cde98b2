import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { UsageError } from "@capsule-run/protocol";
import { readArgsFile } from "./args-file.ts";
import { excerptAt, findJsonError, placeAt } from "./json.ts";

const folder = mkdtempSync(join(tmpdir(), "capsule-args-"));
after(() => rmSync(folder, { recursive: true }));

function refusal(content: string | Uint8Array): UsageError {
  writeFileSync(join(folder, "args.json"), content);
  try {
    readArgsFile("args.json", folder);
  } catch (error) {
    return error as UsageError;
  }
  throw new Error("it was accepted");
}

test("a JSON array gives the arguments", () => {
  writeFileSync(join(folder, "good.json"), '\ufeff ["a", 1, {"b": [null]}]\n');
  assert.deepEqual(readArgsFile("good.json", folder), ["a", 1, { b: [null] }]);
});

test("what is wrong is named with file, line and column", () => {
  const error = refusal('[\n  "a",\n  b\n]\n');
  assert.equal(error.text, '--args-file args.json: this is not JSON: there is "b" where a value is expected');
  assert.deepEqual(error.place, { file: join(folder, "args.json"), line: 3, column: 3 });
  assert.equal(error.excerpt, "> 3 |   b\n    |   ^");
  assert.match(refusal('{"a": 1}').message, /it must hold an array/);
  assert.match(refusal("").message, /the file ends where a value is expected/);
  assert.match(refusal(new Uint8Array([0x5b, 0xff, 0x5d])).message, /it is not UTF-8 text/);
});

test("a file that can't be read", () => {
  mkdirSync(join(folder, "sub"), { recursive: true });
  assert.throws(
    () => readArgsFile("none.json", folder),
    (error: UsageError) =>
      error.slug === "file-not-found" && /none\.json: there is no such file/.test(error.message),
  );
  assert.throws(() => readArgsFile("sub", folder), /--args-file sub: it is a folder/);
});

test("the place of an error in JSON, for all that JSON.parse refuses", () => {
  const cases: readonly (readonly [string, number, string])[] = [
    ["", 0, "a value"],
    ["  ", 2, "a value"],
    ["[1,]", 3, "a value"],
    ["[,1]", 1, "a value or ]"],
    ["[1 2]", 3, ", or ]"],
    ["[1", 2, ", or ]"],
    ["[1}", 2, ", or ]"],
    ["[[1], [2]", 9, ", or ]"],
    ["[1] x", 4, "the end"],
    ['{"a" 1}', 5, ":"],
    ['{"a": }', 6, "a value"],
    ['{"a": 1,}', 8, "a name in double quotes"],
    ["{a: 1}", 1, "a name in double quotes or }"],
    ["['a']", 1, "a value or ]"],
    ["[01]", 1, "a value or ]"],
    ["[1.]", 1, "a value or ]"],
    ["[.5]", 1, "a value or ]"],
    ["[+1]", 1, "a value or ]"],
    ["[NaN]", 1, "a value or ]"],
    ["[truely]", 1, "a value or ]"],
    ['["a\nb"]', 1, "a value or ]"],
    ['["\\x"]', 1, "a value or ]"],
    ['["open]', 1, "a value or ]"],
  ];
  for (const [text, offset, expected] of cases) {
    assert.throws(() => JSON.parse(text), SyntaxError, text);
    assert.deepEqual(findJsonError(text), { offset, expected }, text);
  }
});

test("deep nesting and long lines", () => {
  assert.equal(findJsonError("[".repeat(100_000)).offset, 100_000);
  const text = `["${"a".repeat(500)}", x, "${"b".repeat(500)}"]`;
  const { offset } = findJsonError(text);
  const [line, marker] = excerptAt(text, placeAt(text, offset)).split("\n") as [string, string];
  assert.equal(line[marker.indexOf("^")], "x");
  assert.ok(line.length < 140);
});
