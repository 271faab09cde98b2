import { functionBody } from "../../src/assemble.ts";
import { oneFunction } from "../../src/testing/one-function.ts";
import type { Random } from "./random.ts";

const get = (local: number): number[] => [0x20, local];
const STORE = [...get(0), ...get(1), 0x36, 2, 8];
const STEP = [...get(0), 0x41, 4, 0x6a, 0x21, 0];
const [BR, BR_IF, END, VOID] = [0x0c, 0x0d, 0x0b, 0x40];

/** Instructions to repeat, and those that close what they open. */
const PARTS: readonly (readonly [opening: readonly number[], closing: readonly number[]])[] = [
  [STORE, []],
  [[...STORE, ...STEP], []],
  [[...get(0), 0x21, 2, ...get(2), ...get(1), 0x36, 2, 0], []],
  [
    [2, VOID, ...get(0), BR_IF, 0],
    [...STORE, END],
  ],
  [
    [2, VOID],
    [...get(1), BR_IF, 0, END],
  ],
  [
    [3, VOID, ...STEP],
    [...STORE, ...get(0), BR_IF, 0, END],
  ],
  [
    [...get(0), 4, VOID, ...STEP],
    [5, ...STORE, END],
  ],
  [[...get(1), 4, VOID, ...STORE], [END]],
  [[...get(0), 0x10, 0], []],
  [
    [6, VOID, ...STORE],
    [0x19, ...STEP, END],
  ],
  [
    [2, VOID, 3, VOID],
    [BR, 1, END, END],
  ],
  [[0x41, 0, 0x41, 0, 0x41, 3, 0xfc, 11, 0], []],
];

/** A function of few kinds of parts, many times one behind the other or in each other: what is quadratic shows. */
export function largeModule(random: Random): Uint8Array {
  const count = 1000 * (1 + random.below(12));
  const parts = Array.from({ length: 1 + random.below(3) }, () => random.pick(PARTS));
  const code: number[] = [];
  const push = (list: readonly number[]) => {
    for (const byte of list) code.push(byte);
  };
  const nested = random.once(2);
  for (let i = 0; i < count; i++) {
    const [opening, closing] = parts[i % parts.length] as (typeof PARTS)[number];
    push(opening);
    if (!nested) push(closing);
  }
  if (nested)
    for (let i = count - 1; i >= 0; i--) push((parts[i % parts.length] as (typeof PARTS)[number])[1]);
  return oneFunction(functionBody(["i32", "i32"], code));
}
