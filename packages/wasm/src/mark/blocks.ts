/** More rounds are not assumed of loops in loops. */
const MAX_WEIGHT = 8 ** 5;

/** How often a loop is taken to go round. */
export const ROUNDS = 8;

/**
 * The basic blocks of a function body in the order they stand there, by number. A block comes behind all that
 * lead to it, apart from jumps back to the start of a loop, which begins a block of its own.
 */
export class Blocks {
  /** The first instruction of each block, and the last. */
  readonly first: number[] = [];
  readonly last: number[] = [];
  /** The last block that every path to this one leads through. */
  readonly dominator: number[] = [];
  /** The blocks that lead to it, but for jumps back; null if an exception may, from anywhere. */
  readonly before: (readonly number[] | null)[] = [];
  /** How often it is run for one call of the function, roughly. */
  readonly weight: number[] = [];
  /** Of a block at the start of a loop, the loop's `end`; else -1. */
  readonly loopEnd: number[] = [];

  get count(): number {
    return this.first.length;
  }

  begin(
    first: number,
    dominator: number,
    weight: number,
    { loopEnd = -1, before = [dominator] }: { loopEnd?: number; before?: readonly number[] | null } = {},
  ): number {
    this.first.push(first);
    this.before.push(before);
    this.last.push(first - 1);
    this.dominator.push(dominator);
    this.weight.push(Math.min(weight, MAX_WEIGHT));
    return this.loopEnd.push(loopEnd) - 1;
  }

  /** The last block that every path to `a` and every path to `b` leads through. */
  common(a: number, b: number): number {
    let [x, y] = [a, b];
    while (x !== y) {
      if (x > y) x = this.dominator[x] as number;
      else y = this.dominator[y] as number;
    }
    return x;
  }

  /** Whether every path to `block` leads through `other`. */
  dominates(other: number, block: number): boolean {
    let x = block;
    while (x > other) x = this.dominator[x] as number;
    return x === other;
  }
}
