import { least, median } from "./statistics.ts";
import type { Measurement } from "./subject.ts";

/** What is told of samples in ms beside their median. */
export const spread = (samples: readonly number[]): string =>
  `least ${least(samples).toFixed(0)} ms of ${samples.length}`;

/** A warm `capsule run` beside the same Node doing nothing, taken by turns. */
export const againstNode = (
  { bare, warm }: { readonly bare: readonly number[]; readonly warm: readonly number[] },
  wanted: number,
): Measurement[] => [
  { name: "node -e 0", value: median(bare), unit: "ms", note: spread(bare) },
  { name: "with the cache", value: median(warm), unit: "ms", note: spread(warm) },
  {
    name: "with the cache, against node -e 0",
    value: median(warm) / median(bare),
    unit: "×",
    wanted,
    note: `least against least ${(least(warm) / least(bare)).toFixed(2)} ×`,
  },
];
