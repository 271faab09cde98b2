import assert from "node:assert/strict";
import { test } from "node:test";
import { partsOf, resultOf } from "./code-result.ts";
import { executionWith } from "./testing/execution.ts";

const PNG = "iVBORw0KGgoA";

test("what a model gets has nothing in it that says nothing", () => {
  assert.deepEqual(resultOf(executionWith({ stdout: "a\n" }), 100, 0), { output: "a" });
  const error = { kind: "timeout", message: "ran longer" } as const;
  const files = [{ path: "out/a", size: 1 }];
  assert.deepEqual(resultOf(executionWith({ stderr: "b", error, files, notice: "rolled back" }), 100, 0), {
    ...{ output: "", stderr: "b", error: "ran longer", files: ["out/a"], notice: "rolled back" },
  });
  const long = resultOf(executionWith({ stdout: `${"a".repeat(100)}${"b".repeat(100)}` }), 100, 0);
  assert.match(long.output, /^a{50}\n… 100 characters are left out …\nb{50}$/);
});

test("images are shown as far as they are asked for and are what they say", () => {
  const outputs = [
    { type: "text/html", data: "<b>h</b>" },
    { type: "image/png", data: PNG },
    { type: "image/png", data: "none" },
    { type: "image/png", data: `${PNG}<` },
    { type: "image/png", data: PNG.padEnd(5_000_001, "A") },
    { type: "image/svg+xml", data: "<svg/>" },
    { type: "image/jpeg", data: "/9j/4AAQ" },
  ];
  const execution = executionWith({ outputs, notice: "cut." });
  const [png, jpeg] = [
    { mediaType: "image/png", data: PNG },
    { mediaType: "image/jpeg", data: "/9j/4AAQ" },
  ];
  const shown = resultOf(execution, 100, 9);
  assert.deepEqual(shown, {
    ...{ output: "", notice: "cut. 4 images that the code showed are left out.", images: [png, jpeg] },
  });
  assert.deepEqual(resultOf(execution, 100, 1).images, [png]);
  assert.deepEqual(resultOf(executionWith({ outputs: outputs.slice(0, 2) }), 100, 0), {
    ...{ output: "", notice: "1 image that the code showed is left out." },
  });
  const { text, images } = partsOf(shown);
  assert.deepEqual([text, images], [JSON.stringify({ output: "", notice: shown.notice }), [png, jpeg]]);
});
