import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { UsageError, UsageSlug } from "@capsule-run/protocol";
import { findProgram } from "./program.ts";

const folder = mkdtempSync(join(tmpdir(), "capsule-program-"));
after(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, "src.ts"));
for (const name of ["hello.ts", "agent.py", "agent.wasm", "notes.md"]) writeFileSync(join(folder, name), "");

const refuses = (file: string, slug: UsageSlug, message: RegExp): void =>
  assert.throws(
    () => findProgram(file, folder),
    (error: UsageError) => error.slug === slug && message.test(error.text),
    file,
  );

test("a program is found from the working directory", () => {
  assert.equal(findProgram("hello.ts", folder), join(folder, "hello.ts"));
  assert.equal(findProgram(join(folder, "hello.ts"), "/"), join(folder, "hello.ts"));
});

test("a file that is not there is named, with the nearest one", () => {
  refuses("helo.ts", "file-not-found", /^there is no file helo\.ts; did you mean hello\.ts\?$/);
  refuses("hello", "file-not-found", /did you mean hello\.ts\?/);
  refuses("./hello.js", "file-not-found", /did you mean hello\.ts\?/);
  refuses("far-away.ts", "file-not-found", /^there is no file far-away\.ts$/);
  refuses("none/hello.ts", "file-not-found", /there is no folder .*none either/);
  refuses("src.ts", "file-not-found", /src\.ts is a folder/);
});

test("files that are no programs, or not yet", () => {
  refuses("agent.wasm", "not-yet", /not yet possible/);
  refuses("notes.md", "not-a-program", /notes\.md is not a program; those are \.ts/);
});
