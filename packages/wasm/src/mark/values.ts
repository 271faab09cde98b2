import type { Body } from "../body.ts";
import { Op } from "../opcodes.ts";
import type { Blocks } from "./blocks.ts";

/** The root of values that are numbers known beforehand. */
export const CONSTANT = -2;

/**
 * What a local holds from one point on: a root, which is a value nothing more is known of, and a distance from
 * it. Where paths meet on which a local was set, it holds a new root.
 */
export interface Definition {
  readonly index: number;
  readonly local: number;
  readonly block: number;
  /** The instruction that sets the local; -1: what it holds at the start of the block. */
  readonly at: number;
  /** The definition that is the root; `CONSTANT`: `offset` is the whole value. */
  readonly root: number;
  readonly offset: number;
  /** What it was computed from, if that was the value of another local, or this one, in the same block. */
  readonly source: Definition | undefined;
  /** How many definitions `source` leads to, one after the other. */
  readonly sources: number;
  /** Where paths meet: what the local holds at the ends of the blocks that lead there, if that is known. */
  readonly inputs: readonly Input[];
}

export interface Input {
  readonly block: number;
  readonly definition: Definition;
}

type Origin = Pick<Definition, "root" | "offset" | "source">;

/** Merges of merges are not looked into more deeply than this. */
const MAX_DEPTH = 200;

/** Longer chains of sources end: they are followed for each store. Engines have some tens. */
const MAX_SOURCES = 1000;

/** The values of a function's locals at every point. Blocks are to be visited in order. */
export class LocalValues {
  /** By index. */
  readonly definitions: Definition[] = [];
  private readonly blocks: Blocks;
  private readonly localCount: number;
  /** Where each local is set: the instructions of local `l` are from `firstSet[l]` to `firstSet[l + 1]` in `sets`. */
  private readonly firstSet: Int32Array;
  private readonly sets: Int32Array;
  /** The latest definition in a block, by block and local. */
  private readonly known = new Map<number, Definition>();
  /** What locals hold when the function is entered. */
  private readonly entries = new Map<number, Definition>();
  private readonly recent: (Definition | undefined)[] = [];
  private readonly recentBlock: Int32Array;

  constructor(body: Body, blocks: Blocks) {
    this.blocks = blocks;
    this.localCount = body.localCount;
    this.recentBlock = new Int32Array(body.localCount).fill(-1);
    this.firstSet = new Int32Array(body.localCount + 2);
    const setters: number[] = [];
    body.instructions.forEach(({ opcode, immediate }, i) => {
      if (opcode !== Op.localSet && opcode !== Op.localTee) return;
      setters.push(i);
      (this.firstSet[immediate + 2] as number)++;
    });
    for (let l = 2; l < this.firstSet.length; l++)
      (this.firstSet[l] as number) += this.firstSet[l - 1] as number;
    this.sets = new Int32Array(setters.length);
    for (const i of setters) {
      const local = body.instructions[i]?.immediate ?? 0;
      this.sets[(this.firstSet[local + 1] as number)++] = i;
    }
  }

  /** What `local` holds at the current point of `block`, which is the last one begun, or at the end of an earlier one. */
  valueOf(local: number, block: number): Definition {
    if (this.recentBlock[local] === block) return this.recent[local] as Definition;
    const found = this.find(local, block);
    this.remember(found, local, block);
    return found;
  }

  /** Notes that the instruction `at` sets `local`. */
  set(local: number, block: number, at: number, value: Origin | undefined): Definition {
    const definition = this.define(local, block, at, value);
    this.remember(definition, local, block);
    return definition;
  }

  /** What `local` holds when the function is entered. */
  entry(local: number): Definition {
    const known = this.entries.get(local) ?? this.define(local, 0, -1, undefined);
    this.entries.set(local, known);
    return known;
  }

  private find(local: number, block: number, depth = 0): Definition {
    const { blocks, firstSet } = this;
    if (firstSet[local] === firstSet[local + 1]) return this.entry(local);
    for (let x = block; ; x = blocks.dominator[x] as number) {
      const known = this.known.get(x * this.localCount + local);
      if (known !== undefined) return known;
      if (x === 0 || this.isMerged(local, x)) {
        const definition = x === 0 ? this.entry(local) : this.merge(local, x, depth);
        this.known.set(x * this.localCount + local, definition);
        return definition;
      }
    }
  }

  /** Whether a local may hold something else at the start of a block than at the end of its dominator. */
  private isMerged(local: number, block: number): boolean {
    const { first, last, dominator, loopEnd, before } = this.blocks;
    const start = first[block] as number;
    const from = last[dominator[block] as number] as number;
    const to = loopEnd[block] as number;
    if (to >= 0) return this.isSet(local, from, to);
    return before[block]?.length !== 1 && this.isSet(local, from, start);
  }

  /** What a local holds where paths meet: the same as at the ends of all, or something new. */
  private merge(local: number, block: number, depth: number): Definition {
    const { before, loopEnd } = this.blocks;
    const from = before[block];
    if (!from || (loopEnd[block] as number) >= 0 || depth > MAX_DEPTH)
      return this.define(local, block, -1, undefined);
    const inputs = from.map((end) => ({ block: end, definition: this.find(local, end, depth + 1) }));
    const first = inputs[0]?.definition as Definition;
    if (inputs.every(({ definition }) => definition === first)) return first;
    const same = ({ definition: { root, offset } }: Input) => root === first.root && offset === first.offset;
    const { root, offset } = first;
    const origin = inputs.every(same) ? { root, offset, source: undefined } : undefined;
    return this.define(local, block, -1, origin, inputs);
  }

  /** Whether an instruction behind `from` and before `to` sets a local. */
  private isSet(local: number, from: number, to: number): boolean {
    const { sets } = this;
    let low = this.firstSet[local] as number;
    let high = this.firstSet[local + 1] as number;
    const end = high;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sets[middle] as number) > from) high = middle;
      else low = middle + 1;
    }
    return low < end && (sets[low] as number) < to;
  }

  private define(
    local: number,
    block: number,
    at: number,
    value: Origin | undefined,
    inputs: readonly Input[] = [],
  ): Definition {
    const index = this.definitions.length;
    const { root, offset, source: from } = value ?? { root: index, offset: 0, source: undefined };
    const sources = from === undefined ? 0 : from.sources + 1;
    const source = sources < MAX_SOURCES ? from : undefined;
    const follows = source === undefined ? 0 : sources;
    const definition = { index, local, block, at, root, offset, source, sources: follows, inputs };
    this.definitions.push(definition);
    return definition;
  }

  private remember(definition: Definition, local: number, block: number): void {
    this.known.set(block * this.localCount + local, definition);
    this.recent[local] = definition;
    this.recentBlock[local] = block;
  }
}
