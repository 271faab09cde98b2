import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleFor } from "./generate.ts";
import { kernels } from "./kernels.ts";
import { examine, type Verdict } from "./oracle.ts";
import { moduleSeed } from "./random.ts";
import { reduced } from "./reduce.ts";

const SEED = 12;
const MODULES = 40;

test("a few modules do after rewriting what they did before", async () => {
  const ends: Record<Verdict["end"], number> = { refused: 0, invalid: 0, rewritten: 0, ran: 0 };
  for (let index = 0; index < MODULES; index++) {
    const seed = moduleSeed(SEED, index);
    const { source, wasm } = await sampleFor(seed, undefined);
    const verdict = examine(wasm, seed);
    assert.deepEqual(verdict.failures, [], `module ${index} of seed ${SEED}, ${source}`);
    ends[verdict.end]++;
  }
  assert.ok(ends.ran > MODULES / 4 && ends.refused > MODULES / 8, JSON.stringify(ends));
});

test("modules that are easy to get wrong, and a module again for the same seed", async () => {
  for (const [i, wasm] of kernels().entries()) assert.deepEqual(examine(wasm, 3).failures, [], `kernel ${i}`);
  const [one, two] = [await sampleFor(99, undefined), await sampleFor(99, undefined)];
  assert.deepEqual(one, two);
  assert.deepEqual(examine(one.wasm, 99), examine(two.wasm, 99));
});

test("a module is made as small as what it shows allows", async () => {
  const tables = kernels()[0] as Uint8Array;
  const holdsTable = async (wasm: Uint8Array) =>
    WebAssembly.validate(wasm as BufferSource) && wasm.includes(0x0e);
  const small = await reduced(tables, holdsTable, Number.POSITIVE_INFINITY);
  assert.ok(
    small.length < tables.length / 2 && (await holdsTable(small)),
    `${small.length} of ${tables.length} bytes`,
  );
});
