/** A damaged installation is one clear message and exit 2, whatever of it is damaged. */
import assert from "node:assert/strict";
import { cpSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { CAPSULE, folder, program, start } from "./support/capsule.ts";

const cwd = folder({ "main.ts": program('export const main = task({ name: "main" }, () => "done");') });

/** A copy of the command line, to be damaged; `damage` gets the path of a file of `dist`. */
function damaged(damage: (path: (name: string) => string) => void) {
  const copy = folder();
  const built = dirname(dirname(CAPSULE));
  for (const name of ["bin", "dist"]) cpSync(join(built, name), join(copy, name), { recursive: true });
  symlinkSync(fileURLToPath(new URL("../node_modules", import.meta.url)), join(copy, "node_modules"));
  damage((name) => join(copy, "dist", name));
  return start(process.execPath, [join(copy, "bin/capsule.js"), "run", "main.ts"], { cwd }).ended;
}

const DAMAGES: Readonly<Record<string, readonly [says: RegExp, damage: Parameters<typeof damaged>[0]]>> = {
  "cells that end at once": [
    /^error: main\.ts could not be loaded: the cell ended with code 3 \[engine\]\n$/,
    (path) => writeFileSync(path("cell-javascript.cjs"), "process.exit(3);"),
  ],
  "cells that throw": [
    /^error: .* the cell ended with code 1: Error: no \[engine\]\n$/,
    (path) => writeFileSync(path("cell-javascript.cjs"), 'throw new Error("no");'),
  ],
  "an engine that is none": [
    /^error: .* the cell ended with code 1: CompileError: .* \[engine\]\n$/,
    (path) => writeFileSync(path("engine-javascript/engine.wasm"), "none"),
  ],
  "an engine that nothing is known of": [
    /^error: the engine in .*engine-javascript can't be read: ENOENT.* \[engine\]\n$/,
    (path) => rmSync(path("engine-javascript/engine.json")),
  ],
};

for (const [what, [says, damage]] of Object.entries(DAMAGES))
  test(what, { skip: process.env.CAPSULE_BIN ? "this is about a checkout's build" : false }, async () => {
    const { code, stdout, stderr } = await damaged(damage);
    assert.deepEqual([code, stdout], [2, ""], stderr);
    assert.match(stderr, says);
  });
