/**
 * Randomness from the attempt's own stream. `Math.random` is sfc32, seeded when it is first used: a snapshot of a
 * loaded program never holds a seed, because asking for one while loading makes the host take the snapshot before.
 */
import { door } from "./host.ts";
import { defineHidden, slice } from "./primordials.ts";

/** sfc32 (Chris Doty-Humphrey, PractRand): 128 bits of state, 2^-32 granularity per step. */
let a = 0;
let b = 0;
let c = 0;
let d = 0;
let seeded = false;

function next(): number {
  const t = (((a + b) | 0) + d) | 0;
  d = (d + 1) | 0;
  a = b ^ (b >>> 9);
  b = (c + (c << 3)) | 0;
  c = (c << 21) | (c >>> 11);
  c = (c + t) | 0;
  return t >>> 0;
}

function seed(): void {
  const hex = door.random(16);
  const word = (at: number): number => +`0x${slice(hex, at, at + 8)}` | 0;
  a = word(0);
  b = word(8);
  c = word(16);
  d = word(24);
  for (let i = 0; i < 15; i++) next();
  seeded = true;
}

export function installRandom(): void {
  defineHidden(
    Math,
    "random",
    {
      /** 53 random bits, as V8's. */
      random(): number {
        if (!seeded) seed();
        return ((next() >>> 5) * 0x4000000 + (next() >>> 6)) / 0x20000000000000;
      },
    }.random,
  );
}
