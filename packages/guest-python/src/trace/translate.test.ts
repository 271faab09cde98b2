import assert from "node:assert/strict";
import { test } from "node:test";
import { writeMap } from "../bundle/map.ts";
import { translatePlaces, translateReport } from "./translate.ts";

const SOURCES: Readonly<Record<string, string>> = {
  "/app/src/main.py": "from lib import f\n\ndef main():\n    total = 1 + f(0)\n    return total\n",
  "/app/src/lib.py": "def f(x):\n\treturn 1 / x\n",
  "/app/src/broken.py": "def f(:\n    pass\n",
};
const MAP = writeMap(
  "",
  Object.entries(SOURCES).map(([path, text]) => ({ path, bytes: Buffer.from(text) })),
);
const VIEW = { root: "/home/me/project", cwd: "/home/me/project/src" };

const report = (stack: string, name = "X", message = "x") => ({ name, message, stack });

const DIVISION = `Traceback (most recent call last):
  File "/app/src/main.py", line 4, in main
    total = 1 + f(0)
                ~^^^
  File "/app/src/lib.py", line 2, in f
    return 1 / x
           ~~^~~
ZeroDivisionError: division by zero
`;

test("a traceback is shown with the user's files, as they see them", () => {
  const { message, place, excerpt } = translateReport(report(DIVISION), MAP, VIEW);
  assert.equal(
    message,
    DIVISION.replace("/app/src/main.py", "main.py").replace("/app/src/lib.py", "lib.py").trimEnd(),
  );
  assert.deepEqual(place, { file: "lib.py", line: 2, column: 9 });
  assert.equal(excerpt, "  1 | def f(x):\n> 2 | \treturn 1 / x\n    | \t       ^\n  3 |");
  const fromRoot = translateReport(report(DIVISION), MAP, { root: VIEW.root });
  assert.equal(fromRoot.place?.file, "src/lib.py");
  const beside = translateReport(report(DIVISION), MAP, { root: VIEW.root, cwd: "/home/me/other" });
  assert.equal(beside.place?.file, "../project/src/lib.py");
});

test("the place is the innermost frame of the user's own", () => {
  const stack = `Traceback (most recent call last):
  File "/app/src/main.py", line 4, in main
    total = 1 + f(0)
                ^^^^
  File "/site-packages/requests/api.py", line 73, in get
    return request("get", url)
  File "/usr/local/lib/python315.zip/json/decoder.py", line 376, in raw_decode
  File "/usr/local/lib/python315.zip/pandas/core/frame.py", line 9, in x
json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)
`;
  const { message, place } = translateReport(report(stack), MAP, VIEW);
  assert.deepEqual(place, { file: "main.py", line: 4, column: 17 });
  assert.match(message, /^ {2}File "site-packages\/requests\/api\.py", line 73, in get$/m);
  assert.match(message, /^ {2}File "python3\.15\/json\/decoder\.py", line 376, in raw_decode$/m);
  assert.match(message, /^ {2}File "site-packages\/pandas\/core\/frame\.py", line 9, in x$/m);
});

test("errors of syntax", () => {
  const stack = `Traceback (most recent call last):
  File "/app/src/main.py", line 1, in <module>
    from lib import f
  File "/app/src/broken.py", line 1
    def f(:
          ^
SyntaxError: invalid syntax
`;
  const { place, excerpt } = translateReport(report(stack), MAP, VIEW);
  assert.deepEqual(place, { file: "broken.py", line: 1, column: 7 });
  assert.equal(excerpt, "> 1 | def f(:\n    |       ^\n  2 |     pass");
});

test("groups of exceptions", () => {
  const stack = `  + Exception Group Traceback (most recent call last):
  |   File "/app/src/main.py", line 4, in main
  |     total = 1 + f(0)
  | ExceptionGroup: many (1 sub-exception)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "/app/src/lib.py", line 2, in f
    |     return 1 / x
    |            ~~^~~
    | ZeroDivisionError: division by zero
    +------------------------------------
`;
  const { message, place } = translateReport(report(stack), MAP, VIEW);
  assert.match(message, /^ {2}\| {3}File "main\.py", line 4, in main$/m);
  assert.match(message, /^ {4}\| {3}File "lib\.py", line 2, in f$/m);
  assert.deepEqual(place, { file: "lib.py", line: 2, column: 9 });
});

test("only what Python writes is changed, not what the user does", () => {
  const text = `see "/app/src/main.py", line 3 and /app/src/lib.py:3
File "/app/src/main.py", line 4, in main
FileNotFoundError: [Errno 2] No such file or directory: '/app/src/x.csv'
  File "/app/src/main.py", linear
/app/src/main.py:3: something
`;
  assert.equal(translatePlaces(text, MAP, VIEW), text);
});

test("printed tracebacks, warnings and the fault handler's frames", () => {
  const text = `INFO before
${DIVISION}/app/src/main.py:3: DeprecationWarning: old
  x = 1
  File "/app/src/main.py", line 3 in main
  File "/tmp/made.py", line 3, in <module>
  File "<string>", line 1, in <module>
`;
  assert.equal(
    translatePlaces(text, MAP, VIEW),
    text.replaceAll("/app/src/main.py", "main.py").replaceAll("/app/src/lib.py", "lib.py"),
  );
});

test("where a task was defined first", () => {
  const said = 'task "a" is defined twice, first at /app/src/main.py:2; give one of them another name';
  assert.equal(translatePlaces(said, MAP, VIEW), said.replace("/app/src/main.py", "main.py"));
});

test("a text that is made to take long does not: the work grows with its length", () => {
  const filled = (part: string): string => part.repeat(Math.ceil(2_000_000 / part.length));
  for (const part of [
    "defined twice, first at /app/",
    '  File "/app/x.py", line 1',
    "/app/x.py:1: W",
    "/app/ | ",
  ])
    assert.ok(translatePlaces(filled(part), MAP, VIEW).length > 1_900_000);
  for (const part of ["\x1b]8;;", "\x1b[1;", "\x1b"])
    assert.ok(translateReport(report(filled(part)), MAP, VIEW).message.length < 70_000);
});

test("a program that is not in the root", () => {
  const map = writeMap("../elsewhere", []);
  const { message, place, excerpt } = translateReport(
    report('Traceback:\n  File "/app/x.py", line 3, in f\nE: e'),
    map,
    { root: "/home/me/project" },
  );
  assert.equal(message, 'Traceback:\n  File "../elsewhere/x.py", line 3, in f\nE: e');
  assert.deepEqual([place, excerpt], [{ file: "../elsewhere/x.py", line: 3, column: 1 }, undefined]);
});

test("reports of all kinds give text that a terminal can take", () => {
  assert.deepEqual(translateReport(report("", "ValueError", "no"), MAP, VIEW), { message: "ValueError: no" });
  assert.deepEqual(translateReport(report("", "", ""), "not a map", VIEW), { message: "Exception" });
  const { message } = translateReport(report("\x1b[31mred\x1b[0m\x07\u202e\ud800\r\nnext"), MAP, VIEW);
  assert.equal(message, "red\ufffd\nnext");
  const long = translateReport(report(`${"a".repeat(100_000)}\nE: the end`), MAP, VIEW).message;
  assert.ok(long.length < 70_000 && long.endsWith("E: the end"));
  const outside = translateReport(report('  File "/app/../../etc/passwd", line 1, in x\n'), MAP, VIEW);
  assert.equal(outside.excerpt, undefined);
  const strange = translateReport(
    report('  File "/app/src/main.py", line 999999999, in x\n  File "/app/__proto__", line 0\n'),
    MAP,
    VIEW,
  );
  assert.equal(strange.excerpt, undefined);
});
