/** The SDK's entries as they are published: one class of each name whichever is imported, and a root that needs no Node. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import * as adapter from "@capsule-run/adapter";
import * as root from "@capsule-run/sdk";
import * as runner from "@capsule-run/sdk/runner";

test("classes and functions are the same from every entry, by import and by require", () => {
  const require = createRequire(import.meta.url);
  assert.deepEqual(
    Object.keys(runner).filter((name) => !(name in root)),
    [],
  );
  const { UsageError, ToolError, tool, describeTools } = root;
  const entries = {
    runner,
    adapter,
    "require(sdk)": require("@capsule-run/sdk") as typeof root,
    "require(sdk/runner)": require("@capsule-run/sdk/runner") as typeof runner,
  };
  for (const [name, entry] of Object.entries(entries))
    for (const [each, ours] of Object.entries({ UsageError, ToolError, tool, describeTools }))
      assert.equal((entry as Record<string, unknown>)[each], ours, `${each} of ${name}`);
});

test("what one entry throws is an error of the others", async () => {
  const wrong = (call: Promise<unknown>): Promise<void> => assert.rejects(call, root.UsageError);
  await wrong(runner.run({ file: "./none.ts" }));
  await wrong(runner.createRuntime({ concurrency: 0 }));
  await wrong(adapter.runPython(1 as never));
  await assert.rejects(root.run({ file: "" }), runner.UsageError);
  assert.throws(() => root.tool({} as never), adapter.UsageError);
  await assert.rejects(root.tools.search?.("tea") as Promise<unknown>, runner.ToolError);
});

test("the root imports nothing but files beside it, none of them for Node, and the runner when that is called", () => {
  const dist = new URL("../packages/sdk/dist/", import.meta.url);
  const loaded = new Set<string>();
  const later: string[] = [];
  const follow = (name: string): void => {
    if (loaded.has(name)) return;
    loaded.add(name);
    const text = readFileSync(fileURLToPath(new URL(name, dist)), "utf8");
    later.push(...Array.from(text.matchAll(/\bimport\("([^"]+)"\)/g), ([, to = ""]) => to));
    for (const [, to = ""] of text.matchAll(/^(?:import|export|\})(?:[^"\n]*\bfrom)? ?"([^"]+)";$/gm)) {
      assert.match(to, /^\.\//, `${name} imports ${to}`);
      follow(to);
    }
  };
  follow("./index.js");
  assert.ok(loaded.size > 1, "it shares with the runner");
  assert.ok(!loaded.has("./runner.js"));
  assert.deepEqual([...new Set(later)], ["./runner.js"]);
});
