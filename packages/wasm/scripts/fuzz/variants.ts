import { instrument, profileFrom, type RewriteOptions } from "../../src/index.ts";
import type { Grain } from "../../src/mark/grain.ts";
import { HOST_GRAIN } from "../../src/mark/grain.ts";
import { STACK_POINTER } from "./edit.ts";
import { randomFrom } from "./random.ts";

/** A way to rewrite a module and to run it, which must show what the others do. */
export interface Variant {
  readonly name: string;
  readonly options: Omit<RewriteOptions, "keepExports">;
  /** Units between two questions to the gate. */
  readonly slice: number;
  readonly grain?: Grain;
  /** Whether functions may be missing. */
  readonly cuts?: boolean;
}

const GRAINS: readonly Grain[] = [
  { shift: 6, slop: 16 },
  { shift: 6, slop: 40 },
  { shift: 8, slop: 512 },
  HOST_GRAIN,
];

/** The variants of a module: all the rewriter's options but `lockWait`, in slices from a few units to all at once. */
export function variantsOf(wasm: Uint8Array, seed: number, functions: number): Variant[] {
  const random = randomFrom(seed ^ 0x7a11);
  const grain = random.pick(GRAINS);
  const other = random.pick(GRAINS);
  const cut = new Set(Array.from({ length: 1 + random.below(3) }, () => random.below(functions + 1)));
  const slices = [1, 7, 100, 4096, 77_777, 1_000_000];
  const slice = () => random.pick(slices);
  return [
    { name: "plain", options: {}, slice: 1_000_000 },
    { name: "plain, other slices", options: {}, slice: slice() },
    { name: "marks", options: { markPages: grain, straightLimit: 4096 }, slice: slice(), grain },
    { name: "profile", options: { profile: randomProfile(wasm, seed), straightLimit: 5000 }, slice: slice() },
    { name: "padding", options: { stackPointer: STACK_POINTER, dropNames: true }, slice: slice() },
    {
      name: "everything",
      options: {
        ...{ markPages: other, stackPointer: STACK_POINTER, profile: randomProfile(wasm, seed + 1) },
        ...{
          padding: { base: 160, perLocal: 8 },
          exportFunctions: functions > 0 ? [`fuzz:f${random.below(functions)}`] : [],
        },
      },
      slice: slice(),
      grain: other,
    },
    { name: "no data", options: { dropData: true, dropNames: true, straightLimit: 4096 }, slice: slice() },
    {
      name: "cut",
      options: { cut: (index) => cut.has(index), markPages: true },
      slice: slice(),
      grain: HOST_GRAIN,
      cuts: true,
    },
  ];
}

/** A profile by which branches go any way. */
function randomProfile(wasm: Uint8Array, seed: number): ReturnType<typeof profileFrom> {
  const { sites } = instrument(wasm, { keepExports: [] });
  const random = randomFrom(seed);
  const counters = Uint32Array.from({ length: sites.length * 2 }, (_, i) =>
    i % 2 ? random.below(101) : 100,
  );
  return profileFrom(wasm, sites, [{ counters, fuel: 1 }]);
}
