import type { Blocks } from "./blocks.ts";
import type { Definition } from "./values.ts";

/** A store that must be marked, or one of several by the same address: one mark does for all that lie near. */
export interface Need {
  /** The root of the address, and the distances from it of the first bytes that may be written, from and to. */
  readonly root: number;
  readonly low: number;
  readonly high: number;
  /** The local that holds the address, apart from a distance; none if it is a constant. */
  readonly definition: Definition | undefined;
  /** Where at the latest the mark must be: before an instruction, or behind it. */
  readonly block: number;
  readonly at: number;
  readonly behind: boolean;
}

/** An address that is only on the stack: it is marked when it has been computed. */
export interface Passing {
  /** The instruction that leaves it on top of the stack. */
  readonly at: number;
  /** Distances of the first bytes that may be written, from and to. */
  readonly low: number;
  readonly high: number;
}

/** The stores of a function. */
export interface Needs {
  readonly blocks: Blocks;
  readonly needs: readonly Need[];
  readonly passing: readonly Passing[];
  /** Stores and calls, by instruction, whose addresses cannot be got at before the other operands are computed. */
  readonly buried: readonly number[];
  /** Everything that sets a local. */
  readonly sets: readonly Definition[];
  /** What a local holds when the function is entered. */
  entry(local: number): Definition;
  /** By index. */
  readonly definitions: readonly Definition[];
  readonly params: number;
  /** All stores that can be reached. */
  readonly stores: number;
}

/**
 * What the callers of a function mark for it: addresses from `low` to `high` bytes from one of its parameters. They
 * often store there, too, or have marked it long before.
 */
export interface Demand {
  readonly param: number;
  readonly low: number;
  readonly high: number;
}

/** By the function's index. A function that may be called in other ways than directly has none. */
export type Demands = Map<number, readonly Demand[]>;

/** The needs that a function's callers have not seen to. */
export function withoutDemands(
  found: Needs,
  needs: readonly Need[],
  demands: readonly Demand[],
): readonly Need[] {
  if (demands.length === 0) return needs;
  const met = (need: Need) =>
    demands.some(
      ({ param, low, high }) => need.root === found.entry(param).root && need.low >= low && need.high <= high,
    );
  return needs.filter((need) => !met(need));
}
