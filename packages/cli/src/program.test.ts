import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { UsageError, UsageSlug } from "@capsule-run/protocol";
import { findArtifact, findProgram } from "./program.ts";

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

test("files that are no programs, artifacts among them", () => {
  refuses("agent.wasm", "not-a-program", /an artifact is run by: capsule exec agent\.wasm/);
  refuses("notes.md", "not-a-program", /notes\.md is not a program; those are \.ts/);
});

test("an artifact is found by its name alone: what is in it is for others to judge", () => {
  assert.equal(findArtifact("agent.wasm", folder), join(folder, "agent.wasm"));
  for (const [file, says] of [
    ["hello.ts", /is a source file, no artifact; to run it: capsule run hello\.ts/],
    ["notes.md", /notes\.md is no artifact; those end in \.wasm/],
  ] as const)
    assert.throws(
      () => findArtifact(file, folder),
      (error: UsageError) => error.slug === "not-a-program" && says.test(error.message),
    );
});
