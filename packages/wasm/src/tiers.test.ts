import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const script = fileURLToPath(new URL("./testing/run-kernels.ts", import.meta.url));

async function runKernels(...flags: string[]): Promise<Record<string, unknown>[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, script]);
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

test("results, fuel and memory images are the same in every tier of V8", async () => {
  const tiered = await runKernels();
  const results = new Map(tiered.map(({ name, result }) => [name, String(result)]));
  assert.match(results.get("overflow") ?? "", /^RangeError at \d+$/);
  assert.match(results.get("nestedOverflow") ?? "", /^RangeError at \d+$/);
  assert.equal(results.get("jsonOverflow"), "RangeError");
  assert.equal(results.get("toStringOverflow"), "RangeError");
  const [baseline, optimised] = await Promise.all([runKernels("--liftoff-only"), runKernels("--no-liftoff")]);
  assert.deepEqual(baseline, tiered);
  assert.deepEqual(optimised, tiered);
});
