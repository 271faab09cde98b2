import assert from "node:assert/strict";
import { test } from "node:test";
import { cutText } from "./cut-text.ts";

test("a text that is too long ends with a mark, and with no half of a character", () => {
  assert.equal(cutText("abcd", 4), "abcd");
  assert.equal(cutText("abcde", 4), "abc…");
  assert.equal(cutText("ab😀de", 4), "ab…");
  assert.equal(cutText("ab😀de", 5), "ab😀…");
  assert.equal(cutText("😀😀", 1), "…");
});
