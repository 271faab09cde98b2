import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const script = fileURLToPath(new URL("testing/trace.ts", import.meta.url));

/** The stacks a cell has: without them V8's own limits would come before the engine's. */
const STACKS = ["--stack-size=3936", "--wasm-stack-switching-stack-size=3936"];

async function trace(slice: number, ...flags: readonly string[]): Promise<Record<string, unknown[]>> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...STACKS, ...flags, script, String(slice)],
    {
      maxBuffer: 64 * 1024 * 1024,
    },
  );
  return JSON.parse(stdout) as Record<string, unknown[]>;
}

const reference = await trace(20_000_000);

const OTHERS: Readonly<Record<string, readonly [number, ...string[]]>> = {
  "baseline compiler only": [20_000_000, "--liftoff-only"],
  "optimising compiler only": [20_000_000, "--no-liftoff"],
  "slices of 100,000": [100_000],
};

test("the programs do what they are there for", () => {
  const ends = Object.entries(reference).map(([name, seen]) => [name, JSON.stringify(seen)] as const);
  for (const [name, text] of ends)
    if (name === "exhausted") assert.match(text, /out_of_(memory|fuel)/);
    else assert.doesNotMatch(text, /"state":"(failed|raised|stopped)"/, name);
  assert.match(JSON.stringify(reference.recursion), /Maximum call stack size exceeded/);
  assert.ok((reference.turns as unknown[]).length > 20, "many idle points");
});

for (const [what, [slice, ...flags]] of Object.entries(OTHERS))
  test(`memory, fuel, calls and results are the same: ${what}`, async () => {
    const other = await trace(slice, ...flags);
    for (const [name, seen] of Object.entries(reference))
      for (const [i, point] of seen.entries())
        assert.deepEqual(other[name]?.[i], point, `${name}, point ${i} of ${seen.length}`);
  });
