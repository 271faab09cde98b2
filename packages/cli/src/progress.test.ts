import assert from "node:assert/strict";
import { test } from "node:test";
import { progressView } from "./progress.ts";

function screen(terminal: boolean): { terminal: boolean; text: string; write(text: string): void } {
  return {
    terminal,
    text: "",
    write(text) {
      this.text += text;
    },
  };
}

test("where nobody watches, each step is one line", () => {
  const at = screen(false);
  const show = progressView(at);
  for (const done of [0, 1, 2]) show({ text: "fetching", done, total: 4 });
  show({ text: "making", done: 0, total: 0 });
  show(null);
  assert.equal(at.text, "fetching …\nmaking …\n");
});

test("on a terminal there is one line, and nothing of it stays", () => {
  const at = screen(true);
  const show = progressView(at);
  show({ text: "fetching", done: 1, total: 4 });
  assert.equal(at.text, "\r\x1b[2Kfetching 25 % …");
  show({ text: "fetching", done: 2, total: 4 });
  show({ text: "making\x1b[31m", done: 0, total: 0 });
  assert.ok(!at.text.includes("\x1b[31m"));
  show(null);
  assert.ok(at.text.endsWith("\r\x1b[2K"));
});

test("an end without a beginning shows nothing", () => {
  const at = screen(true);
  progressView(at)(null);
  assert.equal(at.text, "");
});
