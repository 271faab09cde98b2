import assert from "node:assert/strict";
import { test } from "node:test";
import { rewrite } from "../index.ts";
import { startGuest } from "../testing/guest.ts";
import { randomStores } from "../testing/stores.ts";
import { unmarkedBytes } from "../testing/unmarked.ts";
import type { Grain } from "./grain.ts";

const GRAINS: readonly Grain[] = [
  { shift: 6, slop: 16 },
  { shift: 6, slop: 40 },
  { shift: 6, slop: 512 },
  { shift: 12, slop: 512 },
];

const MODULES = 40;

test("everything that random modules write is marked, and they do what they did before", () => {
  let written = 0;
  let finished = 0;
  for (let seed = 1; seed <= MODULES; seed++) {
    const wasm = randomStores(seed);
    assert.ok(WebAssembly.validate(wasm as BufferSource), `seed ${seed}`);
    const plain = run(wasm, undefined);
    if (typeof plain.result === "number") finished++;
    for (const grain of GRAINS) {
      const { result, image, map, fuel } = run(wasm, grain);
      assert.deepEqual({ result, fuel }, { result: plain.result, fuel: plain.fuel }, `seed ${seed}`);
      assert.ok(image.equals(plain.image), `seed ${seed}`);
      const where = `seed ${seed}, grain ${grain.shift}, ${grain.slop}`;
      assert.deepEqual(unmarkedBytes(new Uint8Array(0), image, map, grain).slice(0, 3), [], where);
    }
    written += plain.image.filter((byte) => byte !== 0).length;
  }
  assert.ok(finished > MODULES / 4 && written > 1000 * MODULES, `${finished} finished, ${written} bytes`);
});

function run(wasm: Uint8Array, grain: Grain | undefined) {
  const options = { keepExports: ["f", "memory"], stackPointer: "sp", markPages: grain ?? false };
  const guest = startGuest(rewrite(wasm, options).wasm, { slice: 1 << 20 });
  let result: unknown;
  try {
    result = guest.exports.f(5000, 20_000, 64_000);
  } catch (error) {
    if (!(error instanceof WebAssembly.RuntimeError || error instanceof WebAssembly.Exception)) throw error;
    result = error instanceof WebAssembly.RuntimeError ? error.message : "exception";
  }
  const image = Buffer.from(guest.exports.memory.buffer);
  const map = new Uint8Array((guest.exports.capsule_dirty as WebAssembly.Memory | undefined)?.buffer ?? []);
  return { result, image, map, fuel: guest.used() };
}
