import { rewrite } from "../../src/index.ts";
import { randomProgram } from "../../src/testing/programs.ts";
import { quickjsModule } from "../../src/testing/quickjs.ts";
import { randomStores } from "../../src/testing/stores.ts";
import type { Binaryen } from "./binaryen.ts";
import { kernels } from "./kernels.ts";
import { largeModule } from "./large.ts";
import { mutated } from "./mutate.ts";
import { type Random, randomFrom } from "./random.ts";
import { swapped } from "./swap.ts";

/** A module to try, and where it comes from. */
export interface Sample {
  readonly source: string;
  readonly wasm: Uint8Array;
}

/** One in so many modules is the engine of QuickJS, damaged: it takes as long as twenty others. */
const ENGINE_EVERY = 60;

const LARGE_EVERY = 40;

/** Makes the module for a seed. */
export async function sampleFor(seed: number, binaryen: Binaryen | undefined): Promise<Sample> {
  const random = randomFrom(seed);
  if (random.once(ENGINE_EVERY))
    return { source: "mutated QuickJS", wasm: mutated(engine(random.once(2)), random) };
  if (random.once(LARGE_EVERY)) return { source: "large", wasm: largeModule(random) };
  // Damaged ones are mostly refused, and those of binaryen take longest to make.
  const damage = random.pick(["none", "none", "none", "swapped", "mutated", "mutated"] as const);
  const base = await baseFor(seed, random, damage === "none" || random.once(4) ? binaryen : undefined);
  if (damage === "none") return base;
  const change = damage === "swapped" ? swapped : mutated;
  return { source: `${damage} ${base.source}`, wasm: change(base.wasm, random) };
}

async function baseFor(seed: number, random: Random, binaryen: Binaryen | undefined): Promise<Sample> {
  if (binaryen && !random.once(3)) {
    const wasm = await binaryen(seed);
    if (wasm) return { source: "binaryen", wasm };
  }
  switch (random.below(3)) {
    case 0:
      return { source: "programs", wasm: randomProgram(seed % 1_000_000_007).wasm };
    case 1:
      return { source: "stores", wasm: randomStores(seed % 1_000_000_007) };
    default:
      return { source: "kernels", wasm: random.pick(kernels()) };
  }
}

let rewritten: Uint8Array | undefined;

function engine(metered: boolean): Uint8Array {
  if (!metered) return quickjsModule();
  rewritten ??= rewrite(quickjsModule(), {
    keepExports: ["memory", "qjs_eval"],
    stackPointer: "__stack_pointer",
  }).wasm;
  return rewritten;
}
