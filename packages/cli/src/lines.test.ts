import assert from "node:assert/strict";
import { test } from "node:test";
import { readLines } from "./lines.ts";

async function linesOf(pieces: readonly (string | Uint8Array)[], most = 100): Promise<(string | null)[]> {
  async function* stream(): AsyncGenerator<Uint8Array> {
    for (const piece of pieces) yield typeof piece === "string" ? Buffer.from(piece) : piece;
  }
  const lines: (string | null)[] = [];
  for await (const { number, bytes } of readLines(stream(), most)) {
    lines.push(bytes && Buffer.from(bytes).toString());
    assert.equal(number, lines.length);
  }
  return lines;
}

test("lines, however they are cut into pieces", async () => {
  const text = Buffer.from('{"a":"é€😀"}\n\nsecond\r\nthird\n');
  const expected = ['{"a":"é€😀"}', "", "second\r", "third"];
  for (const size of [1, 2, 3, 7, text.length]) {
    const pieces = Array.from({ length: Math.ceil(text.length / size) }, (_, i) =>
      text.subarray(i * size, (i + 1) * size),
    );
    assert.deepEqual(await linesOf(pieces), expected, `pieces of ${size}`);
  }
});

test("what stands behind the last end is no line", async () => {
  assert.deepEqual(await linesOf(["one\ntw", "o"]), ["one"]);
  assert.deepEqual(await linesOf([]), []);
});

test("a line that is too long is skipped, and the next one read", async () => {
  const long = "x".repeat(101);
  assert.deepEqual(await linesOf(["a\n", `${long}\n`, "b\n"]), ["a", null, "b"]);
  assert.deepEqual(await linesOf(["a\n", ...long, "\nb\n"]), ["a", null, "b"]);
  assert.deepEqual(await linesOf([...Array.from({ length: 50 }, () => long), "\nb", "\n"]), [null, "b"]);
  assert.deepEqual(await linesOf([`${"y".repeat(60)}`, `${"y".repeat(40)}\n`]), ["y".repeat(100)]);
});
